"""etcd as a sink: entries in the layouts that consumers read, all on one lease.

The client library is imported only when a sink is made. Third parties add layouts by the
entry-point group `syncer_etcd.layouts`; see `Layout`.
"""

from syncer import CheckTranslator, Context, Sink, SinkType, hookimpl, probing
from syncer_etcd.layout import Layout
from syncer_etcd.options import SCHEMES, EtcdOptions, from_uri

__all__ = ["EtcdOptions", "Layout", "syncer_check_translators", "syncer_sinks"]


def _create(options: EtcdOptions, context: Context) -> Sink:
    from syncer_etcd.sink import EtcdSink

    return EtcdSink(options, context)


@hookimpl
def syncer_sinks() -> list[SinkType]:
    """The sink `etcd`."""
    return [
        SinkType(
            name="etcd",
            options=EtcdOptions,
            create=_create,
            summary="leased entries in etcd, in a layout of your choice",
            schemes=SCHEMES,
            from_uri=from_uri,
        )
    ]


@hookimpl
def syncer_check_translators() -> list[CheckTranslator]:
    """etcd runs no checks: syncer does."""
    return [CheckTranslator(name="etcd", sink_kind="etcd", create=probing)]
