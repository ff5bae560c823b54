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

from servers.fixtures import REAL, _leave_out, _start
from servers.usage import USAGE

EUREKA, PAIR = REAL["eureka"], REAL["eureka_pair"]


@pytest.fixture(scope="session")
def _eureka_program(pytestconfig):
    """The module `servers.eureka`, once it is sure that there is an Eureka to run."""
    from servers import eureka

    if missing := eureka.missing():
        _leave_out(pytestconfig, EUREKA, missing)
    pytestconfig.stash[USAGE].versions[EUREKA] = eureka.version()
    return eureka


@pytest.fixture(scope="session")
def eureka(pytestconfig, server_guard, _eureka_program):
    """One Eureka server."""
    server = _eureka_program.Eureka(server_guard)
    _start(pytestconfig, EUREKA, server.start)
    yield server
    server.stop()


@pytest.fixture
def clean_eureka(eureka):
    """The Eureka server without instances."""
    eureka.clean()
    yield eureka
    eureka.clean()


@pytest.fixture(scope="session")
def eureka_pair(pytestconfig, server_guard, _eureka_program):
    """Two peers."""
    pair = _eureka_program.EurekaPair(server_guard)
    _start(pytestconfig, PAIR, pair.start)
    pytestconfig.stash[USAGE].versions[PAIR] = _eureka_program.version()
    yield pair
    pair.stop()


@pytest.fixture
def clean_eureka_pair(eureka_pair):
    """Both peers up, and without instances."""
    eureka_pair.clean()
    yield eureka_pair
    eureka_pair.clean()


@pytest.fixture
def start_eureka(server_guard, _eureka_program, _server_numbers):
    """Starts servers of the test's own: `start_eureka(properties=..., auth=...)`."""
    started = []

    def start(**options):
        server = _eureka_program.Eureka(server_guard, f"eureka-{next(_server_numbers)}", **options)
        started.append(server)
        server.start()
        return server

    yield start
    for server in started:
        server.kill()


@pytest.fixture(scope="session")
def _late_eureka(pytestconfig, server_guard, _eureka_program):
    server = _eureka_program.Eureka(server_guard, "eureka-late", _eureka_program.LATE)
    _start(pytestconfig, EUREKA, server.start)
    server.lag = _eureka_program.LAG
    yield server
    server.stop()


@pytest.fixture
def late_eureka(_late_eureka):
    """A server with the usual cache of lists, without instances."""
    _late_eureka.clean()
    return _late_eureka


@pytest.fixture
def start_consumer(server_guard, _eureka_program, _server_numbers):
    """Starts clients: `start_consumer(url)`."""
    started = []

    def start(url):
        found = _eureka_program.Consumer(server_guard, f"consumer-{next(_server_numbers)}", url)
        started.append(found)
        return found.start()

    yield start
    for one in started:
        one.kill()
