"""pytest's side of `servers.syncer`; a conftest that wants it imports it.

| fixture        | for a test                                                              |
|----------------|-------------------------------------------------------------------------|
| `start_syncer` | a function: `start_syncer(*arguments, env=None)`, one of the test's own |
"""

import itertools
import sys

import pytest

from servers.syncer import Syncer

_numbers = itertools.count(1)


@pytest.fixture
def start_syncer(server_guard):
    """Starts `syncer run` with these arguments; ends what still runs afterwards."""
    started = []

    def start(*arguments, env=None):
        syncer = Syncer(server_guard, f"syncer-{next(_numbers)}", *arguments, env=env)
        started.append(syncer)
        return syncer.start()

    yield start
    for syncer in started:
        syncer.kill()
        sys.stdout.write(f"{syncer.tail()}\n")  # shown with a failure
