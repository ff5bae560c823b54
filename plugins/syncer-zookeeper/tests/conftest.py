"""What the tests of this plugin share: sinks that are closed again, and what they write."""

from datetime import timedelta

import pytest

import servers.zookeeper  # noqa: F401 - it keeps kazoo off hypothesis' random numbers
from syncer import Context, Register, Secret
from syncer.testing import make_instance, make_registration
from syncer_zookeeper import ZooKeeperOptions
from syncer_zookeeper.sink import ZooKeeperSink


@pytest.fixture
def open_sink():
    """Makes sinks: `open_sink("127.0.0.1:2181", layout="json", owner="me", ...)`."""
    opened = []

    def make(*servers, owner="syncer", layout="json", **options):
        options = {"timeout": 20.0, "session": 10.0, **options}
        for name in ("timeout", "session"):
            options[name] = timedelta(seconds=options[name])
        for name in ("user", "password"):
            options[name] = Secret(options.get(name, ""))
        made = ZooKeeperOptions(servers=servers, layout=layout, **options)
        opened.append(ZooKeeperSink(made, Context(name="zookeeper", owner=owner)))
        return opened[-1]

    yield make
    for sink in opened:
        sink.close()


@pytest.fixture
def sink(clean_zookeeper, open_sink):
    """A sink over an empty real server, in JSON."""
    return open_sink(clean_zookeeper.address)


@pytest.fixture
def new():
    """Makes what a sink is to write: `new(sink, instance, **mark)`."""

    def make(sink, instance=None, **mark):
        return make_registration(sink.adjust(instance or make_instance()), **mark)

    return make


@pytest.fixture
def register(new):
    """Writes instances in one go, and returns them as held: `register(sink, *instances)`."""

    def write(sink, *instances, **mark):
        changes = [Register(new(sink, instance, **mark)) for instance in instances or (None,)]
        outcomes = list(sink.apply(changes))
        assert [one.error for one in outcomes if one.error] == []
        return [one.registration for one in outcomes]

    return write
