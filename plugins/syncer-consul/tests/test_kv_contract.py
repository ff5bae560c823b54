"""The contract of sinks, for Consul's key-value store: each layout, with a session and without."""

from datetime import timedelta
from time import monotonic

import pytest

from syncer import Registration, Secret, Status, Unhealthy
from syncer.testing import SinkContract, make_instance, wait_until

TOKEN = "b1gs3cret-0000-4000-8000-00000000cafe"
#: The shortest session that Consul makes; it ends one after twice its length at the latest.
SESSION = timedelta(seconds=10)


class Contract(SinkContract):
    """Every clause that applies."""

    layout, session = "", None
    declines = {"lease": "without a session entries stay until they are removed"}
    examples = 25
    patience = 30.0

    @pytest.fixture
    def sink(self, clean_kv, open_kv):
        token = Secret(TOKEN)
        return open_kv(clean_kv.url, layout=self.layout, session=self.session, token=token)

    @pytest.fixture
    def reopen(self, sink, clean_kv, open_kv):
        return lambda: open_kv(clean_kv.url, layout=self.layout, session=self.session)

    @pytest.fixture
    def unmarked(self, sink, clean_kv):
        def write(instance):
            value = sink._layout.value(Registration(instance=instance))
            clean_kv.kv_put(sink._layout.key(instance), value)

        return write

    @pytest.fixture
    def unreachable(self, open_kv):
        return open_kv("127.0.0.1:9", layout=self.layout, token=Secret(TOKEN))

    @pytest.fixture
    def spoil(self, sink, clean_kv):
        def write():
            broken = sink._layout.key(make_instance("broken"))
            clean_kv.kv_put(broken, "{nonsense")
            return sink._layout.id_in(broken)

        return write

    @pytest.fixture
    def refused(self):
        return make_instance("large", meta={"x": "y" * 600_000})

    @pytest.fixture
    def secrets(self):
        return [TOKEN]

    def test_status_is_kept_or_dropped(self, sink, clean_kv, open_kv):
        """What is not up is kept where the layout tells, dropped elsewhere, or as configured."""
        ill = make_instance("ill", status=Status.UNHEALTHY)
        assert (sink.adjust(ill) is None) == (not sink._layout.tells_status)
        kept = open_kv(clean_kv.url, layout=self.layout, unhealthy=Unhealthy.KEEP)
        assert kept.adjust(ill) is not None
        dropped = open_kv(clean_kv.url, layout=self.layout, unhealthy=Unhealthy.DROP)
        assert dropped.adjust(ill) is None


class TestRegistrator(Contract):
    layout = "registrator"


class TestJson(Contract):
    layout = "json"


class WithSession:
    """The session is the lease."""

    session = SESSION
    declines = {}

    @pytest.fixture
    def lapse(self, sink):
        def pass_by(renew):
            pulse, begun = sink.pulse.total_seconds(), monotonic()
            due, last = begun, 2 * SESSION.total_seconds() + 2

            def over():
                nonlocal due
                if monotonic() >= due:
                    renew()
                    due += pulse
                return monotonic() - begun > last

            wait_until(over, last + 20, "the length of a session goes by")

        return pass_by


class TestRegistratorWithSession(WithSession, Contract):
    layout = "registrator"


class TestJsonWithSession(WithSession, Contract):
    layout = "json"
