"""The plugin `docker`: sources that read the containers of an engine, and a swarm's services."""

from typing import TYPE_CHECKING

import syncer
from syncer_docker.options import DockerOptions, from_uri
from syncer_docker.swarm.options import SwarmOptions

if TYPE_CHECKING:
    from syncer_docker.source import DockerSource
    from syncer_docker.swarm.source import SwarmSource

__all__ = ["DockerOptions", "SwarmOptions", "create", "create_swarm", "syncer_sources"]


def create(options: DockerOptions, context: syncer.Context) -> "DockerSource":
    """A source for these options; nothing is asked of the engine yet.

    Raises ConfigError for an endpoint, context or certificates that cannot be used.
    """
    from syncer_docker.client import Engine
    from syncer_docker.contexts import with_context
    from syncer_docker.source import DockerSource

    return DockerSource(Engine(with_context(options)), name=context.name, scope=options.scope)


def create_swarm(options: SwarmOptions, context: syncer.Context) -> "SwarmSource":
    """A source for these options; nothing is asked of the manager yet.

    Raises ConfigError for an endpoint, context or certificates that cannot be used.
    """
    from syncer_docker.contexts import with_context
    from syncer_docker.swarm.client import Manager
    from syncer_docker.swarm.source import SwarmSource

    return SwarmSource(Manager(with_context(options)), options, name=context.name)


@syncer.hookimpl
def syncer_sources() -> list[syncer.SourceType]:
    """The kinds `docker` and `swarm`."""
    return [
        syncer.SourceType(
            name="docker",
            options=DockerOptions,
            create=create,
            summary="the containers of a Docker engine",
            from_uri=from_uri,
        ),
        syncer.SourceType(
            name="swarm",
            options=SwarmOptions,
            create=create_swarm,
            summary="the services and tasks of a swarm, as a manager knows them",
            from_uri=from_uri,
        ),
    ]
