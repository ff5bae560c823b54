"""ZooKeeper as a registry: a sink of ephemeral nodes, and a source for registrations of others.

The client library is imported only when a sink or source is made. Third parties add layouts by
the entry-point group `syncer_zookeeper.layouts`; see `syncer.kits.keyvalue.Layout`.
"""

from syncer import CheckTranslator, Context, Sink, SinkType, SourceType, hookimpl, mirrored, probing
from syncer_zookeeper.options import SCHEMES, ZooKeeperOptions, from_uri

__all__ = ["ZooKeeperOptions", "syncer_check_translators", "syncer_sinks", "syncer_sources"]


def _create(options: ZooKeeperOptions, context: Context) -> Sink:
    from syncer_zookeeper.sink import ZooKeeperSink

    return ZooKeeperSink(options, context)


_KIND = SinkType(
    name="zookeeper",
    options=ZooKeeperOptions,
    create=_create,
    summary="ephemeral nodes in ZooKeeper, in a layout of your choice",
    schemes=SCHEMES,
    from_uri=from_uri,
)


@hookimpl
def syncer_sinks() -> list[SinkType]:
    """The sink `zookeeper`."""
    return [_KIND]


@hookimpl
def syncer_sources() -> list[SourceType]:
    """The source `zookeeper`, to mirror what is registered there."""
    return [mirrored(_KIND, registry=lambda options: options.place)]


@hookimpl
def syncer_check_translators() -> list[CheckTranslator]:
    """ZooKeeper runs no checks: syncer does."""
    return [CheckTranslator(name="zookeeper", sink_kind="zookeeper", create=probing)]
