"""pytest's side of the Eureka servers; see `servers.fixtures`.

| fixture             | for a test                                                           |
|---------------------|----------------------------------------------------------------------|
| `eureka`            | the run's `Eureka`, as the last test left it; lists show writes at once |
| `clean_eureka`      | the same without instances, before and after                         |
| `eureka_pair`       | the run's `EurekaPair`: two peers                                    |
| `clean_eureka_pair` | the same, both up and without instances, before and after            |
| `start_eureka`      | a function: `start_eureka(**options) -> Eureka`, one of the test's own |
| `late_eureka`       | the run's `Eureka` whose lists lag; `late_eureka.lag`, in seconds    |
| `start_consumer`    | a function: `start_consumer(url) -> Consumer`, a Spring Cloud client |
"""

import pytest

from servers.fixtures import REAL
from servers.lifetimes import cleaned, program, running, starting
from servers.usage import USAGE

EUREKA, PAIR = REAL["eureka"], REAL["eureka_pair"]


@pytest.fixture(scope="session")
def _eureka_program(pytestconfig):
    """The module `servers.eureka`, once it is sure that there is an Eureka to run."""
    return program(pytestconfig, EUREKA, "eureka")


@pytest.fixture(scope="session")
def eureka(pytestconfig, server_guard, _eureka_program):
    """One Eureka server."""
    yield from running(pytestconfig, EUREKA, _eureka_program.Eureka(server_guard))


@pytest.fixture
def clean_eureka(eureka):
    """The Eureka server without instances."""
    yield from cleaned(eureka)


@pytest.fixture(scope="session")
def eureka_pair(pytestconfig, server_guard, _eureka_program):
    """Two peers."""
    pytestconfig.stash[USAGE].versions[PAIR] = _eureka_program.version()
    yield from running(pytestconfig, PAIR, _eureka_program.EurekaPair(server_guard))


@pytest.fixture
def clean_eureka_pair(eureka_pair):
    """Both peers up, and without instances."""
    yield from cleaned(eureka_pair)


@pytest.fixture
def start_eureka(server_guard, _eureka_program, _server_numbers):
    """Starts servers of the test's own: `start_eureka(properties=..., auth=...)`."""

    def make(**options):
        return _eureka_program.Eureka(server_guard, f"eureka-{next(_server_numbers)}", **options)

    yield from starting(make)


@pytest.fixture(scope="session")
def _late_eureka(pytestconfig, server_guard, _eureka_program):
    server = _eureka_program.Eureka(server_guard, "eureka-late", _eureka_program.LATE)
    server.lag = _eureka_program.LAG
    yield from running(pytestconfig, EUREKA, server)


@pytest.fixture
def late_eureka(_late_eureka):
    """A server with the usual cache of lists, without instances."""
    _late_eureka.clean()
    return _late_eureka


@pytest.fixture
def start_consumer(server_guard, _eureka_program, _server_numbers):
    """Starts clients: `start_consumer(url)`."""

    def make(url):
        return _eureka_program.Consumer(server_guard, f"consumer-{next(_server_numbers)}", url)

    yield from starting(make)
