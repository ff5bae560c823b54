"""pytest's side of the servers: fixtures, the `server` mark, and the summary.

A server starts when the first test asks for it, and serves the whole run. Without it the
test is skipped with the reason, or fails if TEST_REQUIRE_SERVERS=1.

| fixture              | for a test                                                        |
|----------------------|-------------------------------------------------------------------|
| `docker_engine`      | the run's `DockerEngine`, as the last test left it                |
| `clean_docker`       | the same without containers and user networks, before and after   |
| `swarm`              | the run's `Swarm`, as the last test left it                       |
| `clean_swarm`        | the same without services, before and after                       |
| `podman`             | the run's `Podman`, as the last test left it                      |
| `clean_podman`       | the same without containers, before and after                     |
| `consul`             | the run's `Consul` (development server)                           |
| `clean_consul`       | the same without services and checks, before and after            |
| `consul_cluster`     | the run's `ConsulCluster`                                         |
| `clean_consul_cluster` | the same, all four members up and without services, before and after |
| `start_consul`       | a function: `start_consul(**options) -> Consul`, one of the test's own |
| `fake_docker`        | a function: `fake_docker(**options) -> FakeDocker`, one of the test's own |
"""

import itertools

import pytest

from servers.lifetimes import cleaned, leave_out, program, running, start, starting
from servers.process import Guard
from servers.usage import USAGE, Usage

DOCKER, CONSUL, CLUSTER = "Docker engine", "Consul", "Consul cluster of 3 servers and a client"
SWARM, PODMAN = "Docker swarm of one node", "Podman"
# The session fixtures (and the function that starts one more) that mean "a real server".
REAL = {
    "docker_engine": DOCKER,
    "swarm": SWARM,
    "podman": PODMAN,
    "compose_host": "Docker compose",
    "consul": CONSUL,
    "start_consul": CONSUL,
    "start_prometheus": "Prometheus",
    "start_discovery": "Prometheus' discovery of Consul",
    "consul_cluster": CLUSTER,
    "etcd": "etcd",
    "start_etcd": "etcd",
    "etcd_cluster": "etcd cluster of 3 members",
    "start_coredns": "CoreDNS",
    "eureka": "Eureka",
    "start_eureka": "Eureka",
    "late_eureka": "Eureka",
    "eureka_pair": "Eureka pair of peers",
    "zookeeper": "ZooKeeper",
    "start_zookeeper": "ZooKeeper",
    "java_consumer": "Java programs that read ZooKeeper",
}


def pytest_configure(config):
    config.stash[USAGE] = Usage()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark each test that needs a real server, so that `-m "not server"` leaves it out."""
    for item in items:
        if REAL.keys() & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.server)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item):
    """Count a test for its servers; one that is skipped does not come here."""
    used = {REAL[name] for name in getattr(item, "fixturenames", ()) if name in REAL}
    item.config.stash[USAGE].tests.update(used)


def pytest_sessionfinish(session):
    """In one of several workers: hand over what was used."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["servers"] = session.config.stash[USAGE].plain()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    """A worker has ended: what it used counts for the run."""
    if plain := getattr(node, "workeroutput", {}).get("servers"):
        node.config.stash[USAGE].add(plain)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter, config):
    """List the servers at the very end, after pytest's own summary."""
    yield
    if lines := list(config.stash[USAGE].lines()):
        terminalreporter.section("real servers")
        for line in lines:
            terminalreporter.line(line)


@pytest.fixture(scope="session")
def server_guard():
    """The parent of all servers of this run."""
    guard = Guard()
    yield guard
    guard.close()


@pytest.fixture(scope="session")
def _server_numbers():
    return itertools.count(1)


def _engine(config, name, module, make):
    """A server from a module that says what is `missing` for it, started once for the run."""
    if missing := module.missing():
        leave_out(config, name, missing)
    engine = make()
    start(config, name, engine.start)
    config.stash[USAGE].versions[name] = engine.version
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def docker_engine(pytestconfig, server_guard):
    """A real Docker engine."""
    from servers import docker

    yield from _engine(pytestconfig, DOCKER, docker, lambda: docker.DockerEngine(server_guard))


@pytest.fixture
def clean_docker(docker_engine):
    """The Docker engine without containers and user networks."""
    docker_engine.clean()
    yield docker_engine
    docker_engine.clean()


@pytest.fixture(scope="session")
def swarm(pytestconfig, server_guard):
    """A real swarm of one node."""
    from servers import docker
    from servers.swarm import Swarm

    yield from _engine(pytestconfig, SWARM, docker, lambda: Swarm(server_guard))


@pytest.fixture
def clean_swarm(swarm):
    """The swarm without services."""
    swarm.clean()
    yield swarm
    swarm.clean()


@pytest.fixture(scope="session")
def podman(pytestconfig, server_guard):
    """A real Podman that serves Docker's API."""
    from servers import podman

    yield from _engine(pytestconfig, PODMAN, podman, lambda: podman.Podman(server_guard))


@pytest.fixture
def clean_podman(podman):
    """Podman without containers."""
    podman.clean()
    yield podman
    podman.clean()


@pytest.fixture(scope="session")
def _consul_program(pytestconfig):
    """The module `servers.consul`, once it is sure that there is a consul to run."""
    return program(pytestconfig, CONSUL, "consul")


@pytest.fixture(scope="session")
def consul(pytestconfig, server_guard, _consul_program):
    """A Consul development server."""
    yield from running(pytestconfig, CONSUL, _consul_program.Consul(server_guard))


@pytest.fixture
def clean_consul(consul):
    """The Consul server without services and checks."""
    yield from cleaned(consul)


@pytest.fixture
def start_consul(server_guard, _consul_program, _server_numbers):
    """Starts agents of the test's own: `start_consul(persistent=..., config=...)`."""

    def make(**options):
        return _consul_program.Consul(server_guard, f"consul-{next(_server_numbers)}", **options)

    yield from starting(make)


@pytest.fixture(scope="session")
def consul_cluster(pytestconfig, server_guard, _consul_program):
    """Three Consul servers and a client agent."""
    pytestconfig.stash[USAGE].versions[CLUSTER] = _consul_program.version()
    yield from running(pytestconfig, CLUSTER, _consul_program.ConsulCluster(server_guard))


@pytest.fixture
def clean_consul_cluster(consul_cluster):
    """The cluster with all members up and without services."""
    yield from cleaned(consul_cluster)


@pytest.fixture
def fake_docker(server_guard, _server_numbers):
    """Starts synthetic Docker APIs: `fake_docker(containers=100, ports=1, ...)`."""
    from servers.fake import FakeDocker

    started = []

    def start(**options):
        fake = FakeDocker(server_guard, f"fakedocker-{next(_server_numbers)}", **options)
        started.append(fake)
        fake.start()
        return fake

    yield start
    for fake in started:
        fake.stop()
