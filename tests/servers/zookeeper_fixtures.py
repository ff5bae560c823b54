"""pytest's side of the ZooKeeper servers; see `servers.fixtures`.

| fixture           | for a test                                                            |
|-------------------|-----------------------------------------------------------------------|
| `zookeeper`       | the run's `ZooKeeper`, as the last test left it                       |
| `clean_zookeeper` | the same without nodes, before and after                              |
| `start_zookeeper` | a function: `start_zookeeper(**options) -> ZooKeeper`, one of the test's own |
| `java_consumer`   | a function: `java_consumer(how, address, base)`, what a Java program finds |
"""

import pytest

from servers.fixtures import REAL, _leave_out, _start
from servers.usage import USAGE

ZOOKEEPER, JAVA = REAL["zookeeper"], REAL["java_consumer"]


@pytest.fixture(scope="session")
def _zookeeper_program(pytestconfig):
    """The module `servers.zookeeper`, once it is sure that there is a ZooKeeper to run."""
    from servers import zookeeper

    if missing := zookeeper.missing():
        _leave_out(pytestconfig, ZOOKEEPER, missing)
    pytestconfig.stash[USAGE].versions[ZOOKEEPER] = zookeeper.version()
    return zookeeper


@pytest.fixture(scope="session")
def zookeeper(pytestconfig, server_guard, _zookeeper_program):
    """One ZooKeeper server."""
    server = _zookeeper_program.ZooKeeper(server_guard)
    _start(pytestconfig, ZOOKEEPER, server.start)
    yield server
    server.stop()


@pytest.fixture
def clean_zookeeper(zookeeper):
    """The ZooKeeper server without nodes."""
    zookeeper.clean()
    yield zookeeper
    zookeeper.clean()


@pytest.fixture
def start_zookeeper(server_guard, _zookeeper_program, _server_numbers):
    """Starts servers of the test's own: `start_zookeeper(tls=..., tick=...)`."""
    started = []

    def start(**options):
        name = f"zookeeper-{next(_server_numbers)}"
        server = _zookeeper_program.ZooKeeper(server_guard, name, **options)
        started.append(server)
        server.start()
        return server

    yield start
    for server in started:
        server.kill()


@pytest.fixture(scope="session")
def java_consumer(pytestconfig):
    """The Java program that reads what stands in ZooKeeper."""
    from servers import zookeeper_consumer

    if missing := zookeeper_consumer.missing():
        _leave_out(pytestconfig, JAVA, missing)
    pytestconfig.stash[USAGE].versions[JAVA] = zookeeper_consumer.version()
    return zookeeper_consumer.found
