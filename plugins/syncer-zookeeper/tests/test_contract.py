"""The contract of sinks, for every layout, on a real server."""

import pytest

from servers.layout_contract import LayoutContract
from syncer import FoundAs
from syncer.testing import make_instance

SECRET = "pa55word-of-the-tests"
RENEWED = "kazoo renews the session, whatever is called: see test_session.py"
NO_PLACE = "the layout tells no status, and has no twin that could stand alone"


class Contract(LayoutContract):
    """Every clause; each layout says how others write, and what cannot be read."""

    layout_options = {}
    declines = {"lease": RENEWED}

    @pytest.fixture
    def opened(self, clean_zookeeper, open_sink):
        def make(server=clean_zookeeper.address, **options):
            given = {"layout": self.layout, "layout_options": self.layout_options}
            return open_sink(server, session=30.0, **given, **options)

        return make

    @pytest.fixture
    def put(self, clean_zookeeper):
        return clean_zookeeper.put

    @pytest.fixture
    def sink(self, opened):
        return opened(user="me", password=SECRET)

    @pytest.fixture
    def unreachable(self, opened):
        return opened("127.0.0.1:9", user="me", password=SECRET, timeout=1.0)

    @pytest.fixture
    def refused(self):
        return make_instance("large", meta={"x": "y" * 2_000_000})

    @pytest.fixture
    def secrets(self):
        return [SECRET]


class TestJson(Contract):
    layout = "json"


class TestRegistrator(Contract):
    """Its paths have no ids; the clauses about ids are in test_layouts.py."""

    layout = "registrator"
    declines = {
        "lease": RENEWED,
        "deregister": "what has one service, address and port is one node: see test_layouts.py",
        "race": "another address is another node: see test_layouts.py",
        "park": NO_PLACE,
    }


class TestRegistratorById(Contract):
    layout, layout_options = "registrator", {"node": "id"}
    declines = {"lease": RENEWED, "park": NO_PLACE}


class TestCurator(Contract):
    layout = "curator"


class TestCuratorMap(Contract):
    layout, layout_options = "curator", {"payload": "map"}


class TestSpring(Contract):
    layout = "spring"

    @pytest.fixture
    def elsewhere(self):
        meta = {"management.address": "192.0.2.1"}
        return [(make_instance(meta=meta), FoundAs((), ("192.0.2.1",)))]
