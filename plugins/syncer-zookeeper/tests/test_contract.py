"""The contract of sinks, for every layout, on a real server."""

import pytest

from syncer import Registration, Status, Unhealthy
from syncer.testing import SinkContract, make_instance

SECRET = "pa55word-of-the-tests"
RENEWED = "kazoo renews the session, whatever is called: see test_session.py"


class Contract(SinkContract):
    """Every clause; each layout says how others write, and what cannot be read."""

    layout, layout_options = "", {}
    declines = {"lease": RENEWED}
    examples = 25

    @pytest.fixture
    def opened(self, clean_zookeeper, open_sink):
        """Opens a sink in the layout, as configured."""

        def make(server=clean_zookeeper.address, **options):
            given = {"layout": self.layout, "layout_options": self.layout_options}
            return open_sink(server, **given, **options)

        return make

    @pytest.fixture
    def sink(self, opened):
        return opened(user="me", password=SECRET)

    @pytest.fixture
    def reopen(self, opened):
        return opened

    @pytest.fixture
    def unmarked(self, sink, clean_zookeeper):
        def write(instance):
            value = sink._layout.value(Registration(instance=instance))
            clean_zookeeper.put(sink._layout.key(instance), value)

        return write

    @pytest.fixture
    def unreachable(self, opened):
        return opened("127.0.0.1:9", user="me", password=SECRET, timeout=1.0)

    @pytest.fixture
    def spoil(self, sink, clean_zookeeper):
        def write():
            broken = sink._layout.key(make_instance("broken"))
            clean_zookeeper.put(broken, "{nonsense")
            return sink._layout.id_in(broken)

        return write

    @pytest.fixture
    def refused(self):
        return make_instance("large", meta={"x": "y" * 2_000_000})

    @pytest.fixture
    def secrets(self):
        return [SECRET]

    def test_status_is_kept_or_dropped(self, sink, opened):
        """What is not up is kept where the layout tells, dropped elsewhere, or as configured."""
        ill = make_instance("ill", status=Status.UNHEALTHY)
        assert (sink.adjust(ill) is None) == (not sink._layout.tells_status)
        assert opened(unhealthy=Unhealthy.KEEP).adjust(ill) is not None
        assert opened(unhealthy=Unhealthy.DROP).adjust(ill) is None


class TestJson(Contract):
    layout = "json"


class TestRegistrator(Contract):
    """Its paths have no ids; the clauses about ids are in test_layouts.py."""

    layout = "registrator"
    declines = {
        "lease": RENEWED,
        "deregister": "what has one service, address and port is one node: see test_layouts.py",
        "race": "another address is another node: see test_layouts.py",
    }


class TestRegistratorById(Contract):
    layout, layout_options = "registrator", {"node": "id"}


class TestCurator(Contract):
    layout = "curator"


class TestCuratorMap(Contract):
    layout, layout_options = "curator", {"payload": "map"}


class TestSpring(Contract):
    layout = "spring"
