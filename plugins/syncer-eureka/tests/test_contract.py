"""The contract of sinks, on a real server."""

from functools import partial
from typing import ClassVar

import pytest

from servers.eureka import LAG
from servers.waiting import pulse_for
from syncer.testing import SinkContract, make_instance
from syncer_eureka import EurekaOptions
from syncer_eureka.form.checks import translator

SECRET = "pa55word-of-the-tests"
#: Short leases, in seconds: the server lets one live up to twice as long.
LEASE = {"renewal_interval": 1, "lease_duration": 4, "timeout": 1.4}


class TestEureka(SinkContract):
    """Every clause, where lists show each write at once."""

    examples = 25
    late: ClassVar = {}
    patience = 30.0

    @pytest.fixture
    def server(self, clean_eureka):
        return clean_eureka

    @pytest.fixture
    def sink(self, server, open_sink):
        return open_sink(server.url, user="me", password=SECRET, **self.late, **LEASE)

    @pytest.fixture
    def reopen(self, sink, server, open_sink):
        return lambda: open_sink(server.url, **self.late, **LEASE)

    @pytest.fixture
    def unmarked(self, server):
        def write(instance):
            server.api.register(instance.service, instance.id)

        return write

    @pytest.fixture
    def unreachable(self, open_sink):
        return open_sink("http://127.0.0.1:9/eureka/", user="me", password=SECRET, timeout=2)

    @pytest.fixture
    def spoil(self, server):
        def write():
            metadata = {
                **{"syncer-id": "broken", "syncer-owner": "syncer", "syncer-scope": "kit-scope"},
                **{"syncer-source": "kit", "syncer-workload": "w1", "syncer-digest": "0"},
                "syncer-instance": "{nonsense",
            }
            server.api.register("web", "broken", metadata=metadata)
            return "broken"

        return write

    @pytest.fixture
    def refused(self):
        return make_instance("a/b")

    @pytest.fixture
    def secrets(self):
        return [SECRET]

    def translate(self, check, instance):
        return translator(EurekaOptions())(check, instance)

    @pytest.fixture
    def lapse(self, sink):
        last = 2 * LEASE["lease_duration"] + 2
        return partial(pulse_for, last, sink.pulse.total_seconds())


class TestLate(TestEureka):
    """The same where lists come from the servers' usual cache, and lag behind."""

    late: ClassVar = {"cache_delay": 2 * LAG}
    declines: ClassVar = {
        name: "the kit does not ask again, as the engine does: see test_engine.py"
        for name in ("converges", "others", "unmarked", "unreadable")
    }

    @pytest.fixture
    def server(self, late_eureka):
        return late_eureka
