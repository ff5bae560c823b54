"""What the tests of this plugin share: options for a server, and sinks that are closed again."""

import pytest

from syncer import Context
from syncer_consul import ConsulOptions
from syncer_consul.sink import ConsulSink

#: The real agents of the tests allow no request to take longer than this.
TOKEN = "b1gs3cret-0000-4000-8000-00000000cafe"


@pytest.fixture(autouse=True)
def _no_consul_environment(monkeypatch):
    """An agent that the developer uses must not be touched, and the library reads these itself."""
    for name in ("ADDR", "TOKEN", "SSL", "SSL_VERIFY", "AUTH"):
        monkeypatch.delenv(f"CONSUL_HTTP_{name}", raising=False)


@pytest.fixture
def open_sink():
    """Makes sinks: `open_sink(address, **options)`."""
    opened = []

    def make(address, **options):
        sink = ConsulSink(ConsulOptions(address=address, **options), Context(name="consul"))
        opened.append(sink)
        return sink

    yield make
    for sink in opened:
        sink.close()


@pytest.fixture
def sink(clean_consul, open_sink):
    """A sink over an empty real agent."""
    return open_sink(clean_consul.url)
