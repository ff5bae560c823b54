"""pytest's side of the ZooKeeper servers; see `servers.fixtures`.

| fixture           | for a test                                                            |
|-------------------|-----------------------------------------------------------------------|
| `zookeeper`       | the run's `ZooKeeper`, as the last test left it                       |
| `clean_zookeeper` | the same without nodes, before and after                              |
| `start_zookeeper` | a function: `start_zookeeper(**options) -> ZooKeeper`, one of the test's own |
| `java_consumer`   | a function: `java_consumer(how, address, base)`, what a Java program finds |
"""

import pytest

from servers.fixtures import REAL
from servers.lifetimes import cleaned, program, running, starting

ZOOKEEPER, JAVA = REAL["zookeeper"], REAL["java_consumer"]


@pytest.fixture(scope="session")
def _zookeeper_program(pytestconfig):
    """The module `servers.zookeeper`, once it is sure that there is a ZooKeeper to run."""
    return program(pytestconfig, ZOOKEEPER, "zookeeper")


@pytest.fixture(scope="session")
def zookeeper(pytestconfig, server_guard, _zookeeper_program):
    """One ZooKeeper server."""
    yield from running(pytestconfig, ZOOKEEPER, _zookeeper_program.ZooKeeper(server_guard))


@pytest.fixture
def clean_zookeeper(zookeeper):
    """The ZooKeeper server without nodes."""
    yield from cleaned(zookeeper)


@pytest.fixture
def start_zookeeper(server_guard, _zookeeper_program, _server_numbers):
    """Starts servers of the test's own: `start_zookeeper(tls=..., tick=...)`."""

    def make(**options):
        return _zookeeper_program.ZooKeeper(
            server_guard, f"zookeeper-{next(_server_numbers)}", **options
        )

    yield from starting(make)


@pytest.fixture(scope="session")
def java_consumer(pytestconfig):
    """The Java program that reads what stands in ZooKeeper."""
    return program(pytestconfig, JAVA, "zookeeper_consumer").found
