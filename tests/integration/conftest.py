"""syncer runs as a process of its own, between real servers."""

import pytest

from servers.syncer_fixtures import start_syncer

__all__ = ["start_syncer"]


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
