"""pytest's side of the consumers of etcd; see `servers.fixtures`.

| fixture         | for a test                                                             |
|-----------------|------------------------------------------------------------------------|
| `start_coredns` | a function: `start_coredns(etcd.url, "cluster.local") -> CoreDns`      |
| `start_caller`  | a function: `start_caller(etcd.url, "etcd:///services/web") -> Caller` |
| `start_traefik` | a function: `start_traefik(etcd.address) -> Traefik`                   |
"""

import pytest

from servers.fixtures import REAL
from servers.lifetimes import program, starting

COREDNS = REAL["start_coredns"]


@pytest.fixture(scope="session")
def _coredns_program(pytestconfig):
    """The module `servers.coredns`, once it is sure that its programs were built."""
    return program(pytestconfig, COREDNS, "coredns")


@pytest.fixture
def start_coredns(server_guard, _coredns_program, _server_numbers):
    """Starts name servers of the test's own."""

    def make(etcd_url, domain):
        name = f"coredns-{next(_server_numbers)}"
        return _coredns_program.CoreDns(server_guard, name, etcd_url, domain)

    yield from starting(make)


@pytest.fixture
def start_caller(server_guard, _coredns_program, _server_numbers):
    """Starts Go programs with a gRPC connection."""
    started = []

    def start(etcd_url, target):
        log = server_guard.folder / f"caller-{next(_server_numbers)}.log"
        started.append(_coredns_program.Caller(etcd_url, target, log))
        return started[-1]

    yield start
    for caller in started:
        caller.end()


@pytest.fixture
def start_traefik(server_guard, _coredns_program, _server_numbers):
    """Starts Traefik's provider."""

    def make(etcd_address):
        name = f"traefik-{next(_server_numbers)}"
        return _coredns_program.Traefik(server_guard, name, etcd_address)

    yield from starting(make)
