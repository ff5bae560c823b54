"""The contract of sinks, for every layout, on a real server."""

from time import monotonic

import pytest

from syncer import Registration, Status, Unhealthy
from syncer.testing import SinkContract, make_instance, make_registration, wait_until
from syncer_etcd.twins import entry_key, twin_key

SECRET = "pa55word-of-the-tests"
#: The shortest lease that the plugin allows, in seconds.
TTL = 5


class Contract(SinkContract):
    """Every clause; each layout says how others write, and what cannot be read."""

    layout = ""
    examples = 25
    patience = 30.0

    @pytest.fixture
    def sink(self, clean_etcd, open_sink):
        return open_sink(
            clean_etcd.address, layout=self.layout, ttl=TTL, user="me", password=SECRET
        )

    @pytest.fixture
    def reopen(self, sink, clean_etcd, open_sink):
        return lambda: open_sink(clean_etcd.address, layout=self.layout, ttl=TTL)

    @pytest.fixture
    def unmarked(self, sink, clean_etcd):
        def write(instance):
            value = sink._layout.value(Registration(instance=instance))
            clean_etcd.api.put(sink._layout.key(instance), value)

        return write

    @pytest.fixture
    def unreachable(self, open_sink):
        return open_sink("127.0.0.1:9", layout=self.layout, user="me", password=SECRET, timeout=2.0)

    @pytest.fixture
    def spoil(self, sink, clean_etcd):
        def write():
            broken = sink._layout.key(make_instance("broken"))
            clean_etcd.api.put(broken, "{nonsense")
            return sink._layout.id_in(broken)

        return write

    @pytest.fixture
    def refused(self):
        return make_instance("large", meta={"x": "y" * 2_000_000})

    @pytest.fixture
    def secrets(self):
        return [SECRET]

    @pytest.fixture
    def lapse(self, sink, clean_etcd):
        def pass_by(renew):
            pulse = sink.pulse.total_seconds()
            begun = due = monotonic()
            last = TTL + 3

            def over():
                nonlocal due
                if monotonic() >= due:
                    renew()
                    due += pulse
                return monotonic() - begun > last

            wait_until(over, last + 20, "the length of a lease goes by")

        return pass_by

    def test_status_is_kept_or_dropped(self, sink, clean_etcd, open_sink):
        """What is not up is kept where the layout tells, dropped elsewhere, or as configured."""
        ill = make_instance("ill", status=Status.UNHEALTHY)
        adjusted = sink.adjust(ill)
        assert (adjusted is None) == (not sink._layout.tells_status)
        kept = open_sink(clean_etcd.address, layout=self.layout, unhealthy=Unhealthy.KEEP)
        assert kept.adjust(ill) is not None
        dropped = open_sink(clean_etcd.address, layout=self.layout, unhealthy=Unhealthy.DROP)
        assert dropped.adjust(ill) is None


class TestJson(Contract):
    layout = "json"


class TestRegistrator(Contract):
    layout = "registrator"


class TestSkyDns(Contract):
    layout = "skydns"


class TestGrpc(Contract):
    layout = "grpc"


class TestTraefik(Contract):
    layout = "traefik"
    declines = {"unmarked": "an index tells no id: see test_foreign_servers_of_traefik_survive"}


class TestKratos(Contract):
    layout = "kratos"


class TestMicro(Contract):
    layout = "micro"


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
