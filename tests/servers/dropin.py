"""`syncer registrator` as a process of its own.

| fixture        | for a test                                                                |
|----------------|---------------------------------------------------------------------------|
| `start_dropin` | a function: `start_dropin(*arguments, engine, env=None)`, registrator's   |
|                | command line for this Docker engine, under the host name `host1`          |
"""

import itertools
import sys

import pytest

from servers.syncer import Syncer

HOST = "host1"
_numbers = itertools.count(1)


def make(guard, *arguments, engine, env=None):
    """It, to be started; `arguments` are registrator's."""
    told = {"DOCKER_HOST": engine.address, "SYNCER_HOST": HOST, "SYNCER_LOG_FORMAT": "json"}
    name = f"dropin-{next(_numbers)}"
    return Syncer(guard, name, *arguments, env=told | (env or {}), command=("registrator",))


@pytest.fixture
def start_dropin(server_guard):
    """Starts `syncer registrator` with these arguments; ends what still runs afterwards."""
    started = []

    def start(*arguments, **options):
        started.append(make(server_guard, *arguments, **options))
        return started[-1].start()

    yield start
    for one in started:
        one.kill()
        sys.stdout.write(f"{one.tail()}\n")  # shown with a failure
