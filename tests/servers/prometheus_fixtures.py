"""pytest's side of Prometheus; see `servers.fixtures`.

| fixture            | for a test                                                              |
|--------------------|-------------------------------------------------------------------------|
| `start_prometheus` | a function: `start_prometheus(jobs) -> Prometheus`                      |
| `start_discovery`  | a function: `start_discovery(consul.address) -> Discovery` of Consul    |
"""

import itertools

import pytest

from servers.fixtures import REAL, _leave_out
from servers.usage import USAGE

PROMETHEUS = "Prometheus"
_numbers = itertools.count(1)


@pytest.fixture
def start_prometheus(pytestconfig, server_guard):
    """Starts one with these jobs: discovery settings by job name."""
    from servers import prometheus

    if missing := prometheus.missing():
        _leave_out(pytestconfig, PROMETHEUS, missing)
    pytestconfig.stash[USAGE].versions[PROMETHEUS] = prometheus.version()
    started = []

    def start(jobs):
        server = prometheus.Prometheus(server_guard, f"prometheus-{next(_numbers)}", jobs)
        started.append(server)
        return server.start()

    yield start
    for server in started:
        server.kill()


@pytest.fixture
def start_discovery(pytestconfig, server_guard):
    """Starts Prometheus' own discovery of Consul, which not every Prometheus has in it."""
    from servers import prometheus_discovery

    name = REAL["start_discovery"]
    if missing := prometheus_discovery.missing():
        _leave_out(pytestconfig, name, missing)
    pytestconfig.stash[USAGE].versions[name] = prometheus_discovery.version()
    started = []

    def start(address):
        name = f"discovery-{next(_numbers)}"
        started.append(prometheus_discovery.Discovery(server_guard, name, address))
        return started[-1].start()

    yield start
    for server in started:
        server.kill()
