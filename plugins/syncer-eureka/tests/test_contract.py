"""The contract of sinks, on a real server."""

import contextlib
import urllib.error
from functools import partial
from typing import ClassVar

import pytest

from servers.eureka import LAG
from servers.waiting import pulse_for
from syncer import FoundAs
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
    def elsewhere(self):
        urls = ("home_page", "status_page", "health_check")
        meta = {
            **{f"eureka_{name}_url": f"http://{name}.example/".replace("_", "-") for name in urls},
            **{"eureka_vip": "payments, other", "eureka_secure_vip": "secret"},
            **{"eureka_hostname": "evil.example", "eureka_ipaddr": "203.0.113.66"},
            **{"management.address": "192.0.2.1", "service-url": "https://[2001:db8::1]/"},
        }
        names = ("payments", "other", "secret")
        hosts = ("home-page.example", "status-page.example", "health-check.example")
        more = ("evil.example", "203.0.113.66", "192.0.2.1", "2001:db8::1")
        return [(make_instance(meta=meta), FoundAs(names, (*hosts, *more)))]

    @pytest.fixture
    def forge(self, server):
        def write(instance, fields):
            metadata = {f"syncer-{name}": value for name, value in fields.items()}
            for number, name in enumerate(("syncer-more", "syncer-instance")):
                id_ = f"{instance.id}-{number}"
                more = {"syncer-id": id_, name: fields.get("via", "")}
                # The server refuses what is no text.
                with contextlib.suppress(urllib.error.HTTPError):
                    server.api.register(instance.service, id_, metadata={**metadata, **more})

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
