"""The contract of sinks, for Consul's key-value store: each layout, with a session and without."""

from datetime import timedelta
from functools import partial

import pytest

from servers.layout_contract import LayoutContract
from servers.waiting import pulse_for
from syncer import Secret
from syncer.testing import make_instance

TOKEN = "b1gs3cret-0000-4000-8000-00000000cafe"
#: The shortest session that Consul makes; it ends one after twice its length at the latest.
SHORTEST = timedelta(seconds=10)


class Contract(LayoutContract):
    """Every clause that applies."""

    session = None
    declines = {"lease": "without a session entries stay until they are removed"}
    patience = 30.0

    @pytest.fixture
    def opened(self, clean_kv, open_kv):
        def make(server=clean_kv.url, **options):
            options = {"session": self.session, **options}
            return open_kv(server, layout=self.layout, **options)

        return make

    @pytest.fixture
    def put(self, clean_kv):
        return clean_kv.kv_put

    @pytest.fixture
    def sink(self, opened):
        return opened(token=Secret(TOKEN))

    @pytest.fixture
    def unreachable(self, opened):
        return opened("127.0.0.1:9", token=Secret(TOKEN))

    @pytest.fixture
    def refused(self):
        return make_instance("large", meta={"x": "y" * 600_000})

    @pytest.fixture
    def secrets(self):
        return [TOKEN]


class TestRegistrator(Contract):
    layout = "registrator"


class TestJson(Contract):
    layout = "json"


class WithSession:
    """The session is the lease."""

    session = timedelta(seconds=60)
    declines = {}

    @pytest.fixture
    def sink(self, opened, request):
        short = {"session": SHORTEST} if "lapse" in request.fixturenames else {}
        return opened(token=Secret(TOKEN), **short)

    @pytest.fixture
    def lapse(self, sink):
        last = 2 * SHORTEST.total_seconds() + 2
        return partial(pulse_for, last, sink.pulse.total_seconds())


class TestRegistratorWithSession(WithSession, Contract):
    layout = "registrator"


class TestJsonWithSession(WithSession, Contract):
    layout = "json"
