"""The contract of sinks, for every layout, on a real server."""

from functools import partial

import pytest

from servers.layout_contract import LayoutContract
from servers.waiting import pulse_for
from syncer import FoundAs
from syncer.kits.keyvalue import entry_key, twin_key
from syncer.testing import make_instance, make_registration

SECRET = "pa55word-of-the-tests"
#: The shortest lease that the plugin allows, in seconds, for tests that wait for its end.
TTL = 5
NO_PLACE = "the layout tells no status, and has no twin that could stand alone"


class Contract(LayoutContract):
    """Every clause; each layout says how others write, and what cannot be read."""

    patience = 30.0

    @pytest.fixture
    def opened(self, clean_etcd, open_sink):
        def make(server=clean_etcd.address, **options):
            return open_sink(server, layout=self.layout, **options)

        return make

    @pytest.fixture
    def put(self, clean_etcd):
        return clean_etcd.api.put

    @pytest.fixture
    def sink(self, opened, request):
        short = {"ttl": TTL} if "lapse" in request.fixturenames else {}
        return opened(user="me", password=SECRET, **short)

    @pytest.fixture
    def unreachable(self, opened):
        return opened("127.0.0.1:9", user="me", password=SECRET, timeout=2.0)

    @pytest.fixture
    def refused(self):
        return make_instance("large", meta={"x": "y" * 2_000_000})

    @pytest.fixture
    def secrets(self):
        return [SECRET]

    @pytest.fixture
    def lapse(self, sink):
        return partial(pulse_for, TTL + 3, sink.pulse.total_seconds())


class TestJson(Contract):
    layout = "json"


class TestBehindAProxy(Contract):
    """All that is asked of a server can be asked through etcd's own proxy."""

    layout = "json"

    @pytest.fixture
    def opened(self, clean_etcd, etcd_proxy, open_sink):
        def make(server=etcd_proxy.address, **options):
            return open_sink(server, layout=self.layout, **options)

        return make


class TestRegistrator(Contract):
    layout = "registrator"


class TestSkyDns(Contract):
    layout = "skydns"
    declines = {"park": NO_PLACE}

    @pytest.fixture
    def elsewhere(self):
        named = FoundAs(("a.team.payments", "team.payments", "payments", "x.a.team.payments"), ())
        return [(make_instance("a.team.Payments", id="x"), named)]


class TestGrpc(Contract):
    layout = "grpc"


class TestTraefik(Contract):
    layout = "traefik"
    declines = {"unmarked": "an index tells no id: see test_foreign_servers_of_traefik_survive"}


class TestKratos(Contract):
    layout = "kratos"
    declines = {"park": NO_PLACE}


class TestMicro(Contract):
    layout = "micro"

    @pytest.fixture
    def elsewhere(self):
        return [(make_instance("team/payments"), FoundAs(("team-payments",), ()))]

    declines = {"park": NO_PLACE}


class TestThirdParty(Contract):
    """A layout of another distribution: that of the README, installed."""

    layout = "lines"

    @pytest.fixture(autouse=True)
    def _installed(self, lines):
        pass


def test_entries_of_a_third_party(clean_etcd, open_sink, lines):
    """Entry and twin stand where the layout of the README says, and nothing else does."""
    sink = open_sink(clean_etcd.address, layout=lines)
    sink.register(make_registration(sink.adjust(make_instance(id="a"))))
    assert clean_etcd.ctl("get", "--print-value-only", "/lines/a") == "10.0.0.5:8080\n"
    assert sorted(clean_etcd.api.values()) == ["/lines/a", "/syncer/lines/a"]


def test_twin_keys_are_outside_of_the_prefix(open_sink):
    """What consumers do not expect never stands where they look."""
    twins = set()
    for layout in ("registrator", "traefik", "grpc"):
        found = open_sink("127.0.0.1:9", layout=layout)._layout
        key = found.key(make_instance())
        twins.add(twin_key(key))
        assert not twin_key(key).startswith(found.base)
        assert entry_key(twin_key(key)) == key
    assert sorted(twins)[0].startswith("/syncer/")
    assert len(twins) == 3
