"""syncer runs as a process of its own, between real servers."""

import itertools

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
        print(syncer.tail())  # shown with a failure


@pytest.fixture
def parts(clean_docker, clean_consul):
    """Arguments for Docker to Consul, under a host name of the tests' own."""
    return (
        *("--source", f"docker={clean_docker.address}"),
        *("--set", "sources.docker.scope=host1"),
        *("--sink", f"consul=http://{clean_consul.address}"),
    )


@pytest.fixture
def services(clean_consul):
    """Reads the agent's services: a function that returns them by id, Consul's own left out."""
    return clean_consul.api.services
