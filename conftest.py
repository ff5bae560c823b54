"""Gives the fixtures for real servers to the tests of the core and of every plugin."""

import gc
import signal

import pytest
from hypothesis import HealthCheck, settings

from syncer.api import secrets

# Whether drawing is slow is a matter of what else this machine does.
settings.register_profile("suite", suppress_health_check=[HealthCheck.too_slow], deadline=None)
settings.load_profile("suite")

pytest_plugins = [
    "servers.fixtures",
    "servers.secrets",
    "servers.etcd_fixtures",
    "servers.coredns_fixtures",
    "servers.eureka_fixtures",
    "servers.zookeeper_fixtures",
    "servers.prometheus_fixtures",
]


def pytest_configure():
    """Let the programs that tests start hear Ctrl-C, even if a shell started this in background."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _secrets_of_this_test_alone(monkeypatch):
    """Forget the secrets of a test: one may be an ordinary word in the next test."""
    monkeypatch.setattr(secrets, "_known", secrets._Known())


@pytest.fixture(scope="module")
def uncollected():
    """Keep the garbage collector still.

    For tests of texts that are nested without end: what is collected while one is read has no
    stack left for its finalizer, and pytest takes that for a failure.
    """
    gc.collect()
    gc.disable()
    yield
    gc.enable()
