"""syncer runs as a process of its own, between real servers."""

import pytest

from servers.docker_proxy import DockerProxy
from servers.syncer_fixtures import start_syncer
from servers.webpage_fixtures import browse, chromium, site

__all__ = ["browse", "chromium", "site", "start_syncer"]


@pytest.fixture
def docker_proxy(clean_docker):
    """A proxy before the engine that lets only reading through."""
    proxy = DockerProxy(clean_docker.folder / "readonly.sock", clean_docker.socket)
    yield proxy
    proxy.close()
    (clean_docker.folder / "readonly.sock").unlink()
