"""pytest's side of the etcd servers; see `servers.fixtures`.

| fixture              | for a test                                                          |
|----------------------|---------------------------------------------------------------------|
| `etcd`               | the run's `Etcd`, as the last test left it                          |
| `clean_etcd`         | the same without keys and leases, before and after                  |
| `etcd_proxy`         | `etcd grpc-proxy` before it                                         |
| `etcd_cluster`       | the run's `EtcdCluster` of three members                            |
| `clean_etcd_cluster` | the same, all members up and without keys and leases, before and after |
| `start_etcd`         | a function: `start_etcd(**options) -> Etcd`, one of the test's own  |
"""

import pytest

from servers.fixtures import REAL
from servers.lifetimes import cleaned, program, running, starting
from servers.usage import USAGE

ETCD, CLUSTER = REAL["etcd"], REAL["etcd_cluster"]


@pytest.fixture(scope="session")
def _etcd_program(pytestconfig):
    """The module `servers.etcd`, once it is sure that there is an etcd to run."""
    return program(pytestconfig, ETCD, "etcd")


@pytest.fixture(scope="session")
def etcd(pytestconfig, server_guard, _etcd_program):
    """One etcd server."""
    yield from running(pytestconfig, ETCD, _etcd_program.Etcd(server_guard))


@pytest.fixture
def clean_etcd(etcd):
    """The etcd server without keys and leases."""
    yield from cleaned(etcd)


@pytest.fixture(scope="session")
def etcd_proxy(etcd, server_guard, _etcd_program):
    """A proxy of etcd's own before the run's server."""
    proxy = _etcd_program.EtcdProxy(server_guard, "etcd-proxy", etcd.address)
    proxy.start()
    yield proxy
    proxy.stop()


@pytest.fixture(scope="session")
def etcd_cluster(pytestconfig, server_guard, _etcd_program):
    """Three etcd members."""
    pytestconfig.stash[USAGE].versions[CLUSTER] = _etcd_program.version()
    yield from running(pytestconfig, CLUSTER, _etcd_program.EtcdCluster(server_guard))


@pytest.fixture
def clean_etcd_cluster(etcd_cluster):
    """The cluster with all members up, and without keys and leases."""
    yield from cleaned(etcd_cluster)


@pytest.fixture
def start_etcd(server_guard, _etcd_program, _server_numbers):
    """Starts servers of the test's own: `start_etcd(tls=..., args=...)`."""

    def make(**options):
        return _etcd_program.Etcd(server_guard, f"etcd-{next(_server_numbers)}", **options)

    yield from starting(make)
