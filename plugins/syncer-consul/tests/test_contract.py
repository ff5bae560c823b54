"""The contract of sinks, on a real agent."""

import contextlib
import urllib.error

import pytest

from syncer import FoundAs, Secret
from syncer.testing import OWNER, SinkContract, make_instance
from syncer_consul import ConsulOptions
from syncer_consul.agent.checks import Translator

TOKEN = "b1gs3cret-0000-4000-8000-00000000cafe"


class TestConsulSink(SinkContract):
    """Every clause that applies."""

    declines = {"lease": "the agent keeps services until it is told; the pulse reports health"}
    examples = 60

    @pytest.fixture
    def sink(self, clean_consul, open_sink):
        return open_sink(clean_consul.url, token=Secret(TOKEN), auth=Secret(f"me:{TOKEN}"))

    @pytest.fixture
    def reopen(self, sink, clean_consul, open_sink):
        return lambda: open_sink(clean_consul.url)

    @pytest.fixture
    def unmarked(self, clean_consul):
        def write(instance):
            clean_consul.api.register(
                {"ID": instance.id, "Name": instance.service, "Address": instance.address}
            )

        return write

    @pytest.fixture
    def forge(self, clean_consul):
        def write(instance, fields):
            meta = {f"syncer-{name}": value for name, value in fields.items()}
            entry = {"ID": instance.id, "Name": instance.service, "Meta": meta}
            with contextlib.suppress(urllib.error.HTTPError):
                clean_consul.api.register(entry)

        return write

    @pytest.fixture
    def elsewhere(self):
        """Traefik and Spring Cloud read tags as configuration."""
        tags = (
            "traefik.http.services.payments.loadbalancer.server.port=80",
            "Traefik.TCP.Services.ledger.loadbalancer.server.tls=true",
            "traefik.http.services.web.loadbalancer.server.url=http://evil.example:80/",
            "traefik.backend=billing",
            "management.address=192.0.2.66",
        )
        named = make_instance("pay_roll!", tags=("traefik.enable=true",))
        found = FoundAs(("payments", "ledger", "web", "billing"), ("evil.example", "192.0.2.66"))
        return [(make_instance(tags=tags), found), (named, FoundAs(("pay-roll",), ()))]

    @pytest.fixture
    def unreachable(self, open_sink):
        return open_sink("127.0.0.1:9", token=Secret(TOKEN))

    @pytest.fixture
    def spoil(self, clean_consul):
        def write():
            mark = {"syncer-owner": OWNER, "syncer-scope": "somewhere"}
            clean_consul.api.register({"ID": "half", "Name": "half", "Meta": mark})
            return "half"

        return write

    @pytest.fixture
    def refused(self):
        return make_instance("nowhere", address="0.0.0.0")

    @pytest.fixture
    def secrets(self):
        return [TOKEN]

    def translate(self, check, instance):
        return Translator(ConsulOptions(script_checks=False))(check, instance)
