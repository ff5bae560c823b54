"""The sources `docker` (containers of an engine) and `swarm` (services of a swarm)."""

from typing import TYPE_CHECKING

import syncer
from syncer_docker.options import DockerOptions, from_uri
from syncer_docker.swarm.options import SwarmOptions

if TYPE_CHECKING:
    from syncer_docker.source import DockerSource
    from syncer_docker.swarm.source import SwarmSource

__all__ = ["DockerOptions", "SwarmOptions", "create", "create_swarm", "syncer_sources"]


def create(options: DockerOptions, context: syncer.Context) -> "DockerSource":
    """Make a source; it connects on first use.

    Raises `ConfigError` for an unusable endpoint, context or certificate.
    """
    from syncer_docker.client.client import DockerClient
    from syncer_docker.contexts import with_context
    from syncer_docker.source import DockerSource

    return DockerSource(DockerClient(with_context(options)), name=context.name, scope=options.scope)


def create_swarm(options: SwarmOptions, context: syncer.Context) -> "SwarmSource":
    """Make a source for a swarm; connection and errors as for `create`."""
    from syncer_docker.contexts import with_context
    from syncer_docker.swarm.client import SwarmClient
    from syncer_docker.swarm.source import SwarmSource

    return SwarmSource(SwarmClient(with_context(options)), options, name=context.name)


@syncer.hookimpl
def syncer_sources() -> list[syncer.SourceType]:
    """Return the kinds `docker` and `swarm`."""
    return [
        syncer.SourceType(
            name="docker",
            options=DockerOptions,
            create=create,
            summary="Containers of a Docker engine",
            from_uri=from_uri,
            needs_parser=True,
        ),
        syncer.SourceType(
            name="swarm",
            options=SwarmOptions,
            create=create_swarm,
            summary="Services and tasks of a Docker swarm, read from a manager",
            from_uri=from_uri,
            needs_parser=True,
        ),
    ]
