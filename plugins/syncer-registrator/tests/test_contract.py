"""The parser keeps the contract that every label parser is tested against."""

import pytest

from syncer.testing import ParserContract
from syncer_registrator import RegistratorOptions, create

PORTS = ("", "8080_", "5353_UDP_", "1-65535_", "080_")
WORDS = (
    *("NAME", "ID", "TAGS", "PORT", "ADDRESS", "IP", "INTERNAL", "NETWORK", "WEIGHT", "IGNORE"),
    *("FOO", "CHECK_HTTP", "CHECK_TCP", "CHECK_2_HTTP", "CHECK_INTERVAL", "CHECK_HEADER"),
    *("CHECK_TTL", "CHECK_ADDRESS", "CHECK_PORT", "CHECK_ID", "CHECK_SCRIPT", "CHECK_ALIAS"),
    *("CHECK_BODY", "CHECK_FOO", "REGISTER"),
)


class TestRegistrator(ParserContract):
    """The parser `registrator`, with its defaults."""

    declines = {"others": "as in registrator, workloads without labels are registered too"}
    keys = (
        *(f"SERVICE_{port}{word}" for port in PORTS for word in WORDS),
        *("service.name", "service.80.check.http", "SERVICE_70000_NAME", "SERVICE_90-80_NAME"),
    )

    @pytest.fixture
    def parse(self):
        return create(RegistratorOptions())

    @pytest.fixture
    def offering(self):
        return {"SERVICE_8080_NAME": "web"}

    @pytest.fixture
    def ignoring(self):
        return {"SERVICE_IGNORE": "true"}

    @pytest.fixture
    def mistaken(self):
        return {"SERVICE_WEIGHT": "heavy"}


class TestExplicit(TestRegistrator):
    """With the option `explicit` it leaves others' workloads alone."""

    declines = {}

    @pytest.fixture
    def parse(self):
        return create(RegistratorOptions(explicit=True))
