"""The fixture `start_prometheus(jobs)`: a Prometheus of the test's own."""

import itertools

import pytest

from servers.fixtures import _leave_out
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
