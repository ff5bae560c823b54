"""etcd as a registry: a sink, and a source for registrations of others.

Entries are in the layouts that consumers read, all on one lease. The client library is imported
only when a sink or source is made. Third parties add layouts by the entry-point group
`syncer_etcd.layouts`; see `Layout`.
"""

from typing import Any

from syncer import (
    CheckTranslator,
    Context,
    MirrorSource,
    Sink,
    SinkType,
    SourceType,
    hookimpl,
    mirrored,
    probing,
)
from syncer.kits.keyvalue import Layout
from syncer_etcd.options import SCHEMES, EtcdOptions, from_uri, registry_of

__all__ = ["EtcdOptions", "Layout", "syncer_check_translators", "syncer_sinks", "syncer_sources"]


def _create(options: EtcdOptions, context: Context) -> Sink:
    from syncer_etcd.sink import EtcdSink

    return EtcdSink(options, context)


def _mirror(sink: Any, registry: str, name: str) -> MirrorSource:
    from syncer_etcd.mirror import EtcdMirror

    return EtcdMirror(sink, registry, name)


_KIND = SinkType(
    name="etcd",
    options=EtcdOptions,
    create=_create,
    summary="leased entries in etcd, in a layout of your choice",
    schemes=SCHEMES,
    from_uri=from_uri,
)


@hookimpl
def syncer_sinks() -> list[SinkType]:
    """The sink `etcd`."""
    return [_KIND]


@hookimpl
def syncer_sources() -> list[SourceType]:
    """The source `etcd`, to mirror what is registered there."""
    return [mirrored(_KIND, registry=registry_of, source=_mirror)]


@hookimpl
def syncer_check_translators() -> list[CheckTranslator]:
    """etcd runs no checks: syncer does."""
    return [CheckTranslator(name="etcd", sink_kind="etcd", create=probing)]
