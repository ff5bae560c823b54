"""pytest's side of Prometheus; see `servers.fixtures`.

| fixture            | for a test                                                              |
|--------------------|-------------------------------------------------------------------------|
| `start_prometheus` | a function: `start_prometheus(jobs) -> Prometheus`                      |
| `start_discovery`  | a function: `start_discovery(consul.address) -> Discovery` of Consul    |
"""

import pytest

from servers.fixtures import REAL
from servers.lifetimes import program, starting


@pytest.fixture
def start_prometheus(pytestconfig, server_guard, _server_numbers):
    """Starts one with these jobs: discovery settings by job name."""
    found = program(pytestconfig, REAL["start_prometheus"], "prometheus")

    def make(jobs):
        return found.Prometheus(server_guard, f"prometheus-{next(_server_numbers)}", jobs)

    yield from starting(make)


@pytest.fixture
def start_discovery(pytestconfig, server_guard, _server_numbers):
    """Starts Prometheus' own discovery of Consul, which not every Prometheus has in it."""
    found = program(pytestconfig, REAL["start_discovery"], "prometheus_discovery")

    def make(address):
        return found.Discovery(server_guard, f"discovery-{next(_server_numbers)}", address)

    yield from starting(make)
