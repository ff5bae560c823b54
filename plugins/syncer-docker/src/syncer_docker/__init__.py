"""The plugin `docker`: a source that reads the containers of a Docker engine."""

from typing import TYPE_CHECKING

import syncer
from syncer_docker.options import DockerOptions, from_uri

if TYPE_CHECKING:
    from syncer_docker.source import DockerSource

__all__ = ["DockerOptions", "create", "syncer_sources"]


def create(options: DockerOptions, context: syncer.Context) -> "DockerSource":
    """A source for these options; nothing is asked of the engine yet.

    Raises ConfigError for an endpoint or certificates that cannot be used.
    """
    from syncer_docker.client import Engine
    from syncer_docker.source import DockerSource

    return DockerSource(Engine(options), name=context.name, scope=options.scope)


@syncer.hookimpl
def syncer_sources() -> list[syncer.SourceType]:
    """The kind `docker`."""
    return [
        syncer.SourceType(
            name="docker",
            options=DockerOptions,
            create=create,
            summary="the containers of a Docker engine",
            from_uri=from_uri,
        )
    ]
