"""What the tests of this plugin share: sinks that are closed again."""

from datetime import timedelta

import pytest

from syncer import Context, Secret
from syncer_eureka import EurekaOptions
from syncer_eureka.sink import EurekaSink

TIMES = ("timeout", "cache_delay", "renewal_interval", "lease_duration")


@pytest.fixture(autouse=True)
def _no_eureka_environment(monkeypatch):
    """Servers that the developer uses must not be touched."""
    monkeypatch.delenv("EUREKA_CLIENT_SERVICEURL_DEFAULTZONE", raising=False)


def eureka_options(*urls, **options):
    """Options, with times in seconds and the password as text."""
    options = {name: timedelta(seconds=v) if name in TIMES else v for name, v in options.items()}
    options["password"] = Secret(options.get("password", ""))
    return EurekaOptions(**({"urls": urls} if urls else {}), **options)


@pytest.fixture
def open_sink():
    """Makes sinks: `open_sink(url, ..., timeout=1.0, ...)`; lists are taken to be never late."""
    opened = []

    def make(*urls, owner="syncer", **options):
        made = eureka_options(*urls, **{"cache_delay": 0, **options})
        opened.append(EurekaSink(made, Context(name="eureka", owner=owner)))
        return opened[-1]

    yield make
    for sink in opened:
        sink.close()


@pytest.fixture
def sink(clean_eureka, open_sink):
    """A sink over an empty real server."""
    return open_sink(clean_eureka.url)
