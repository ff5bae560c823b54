"""Consul as a sink: the services of one agent with their checks, or entries in the key-value
store. As a source: the catalog or the store, to be mirrored elsewhere.

The client library is imported only when a source or sink is made.
"""

from syncer import (
    CheckTranslator,
    Context,
    Sink,
    SinkType,
    Source,
    SourceType,
    hookimpl,
    mirrored,
    probing,
)
from syncer_consul.agent.checks import Translator
from syncer_consul.options import DEFAULT_PREFIX, KV_SCHEMES, SCHEMES, from_uri, kv_from_uri
from syncer_consul.options import CatalogOptions as CatalogOptions
from syncer_consul.options import ConsulOptions as ConsulOptions
from syncer_consul.options import KvOptions as KvOptions


def _create(options: ConsulOptions, context: Context) -> Sink:
    from syncer_consul.agent.sink import ConsulSink

    return ConsulSink(options, context)


def _create_kv(options: KvOptions, context: Context) -> Sink:
    from syncer_consul.kv.sink import ConsulKvSink

    return ConsulKvSink(options, context)


_KV = SinkType(
    name="consulkv",
    options=KvOptions,
    create=_create_kv,
    summary="entries in Consul's key-value store",
    schemes=KV_SCHEMES,
    from_uri=kv_from_uri,
)


def _store(options: KvOptions) -> str:
    """Return the name of the store in the marks of mirrored entries."""
    prefix = options.prefix.strip("/") or DEFAULT_PREFIX
    return f"{options.datacenter or options.address}/{prefix}"


def _create_catalog(options: CatalogOptions, context: Context) -> Source:
    from syncer_consul.catalog import CatalogSource

    return CatalogSource(options, context)


@hookimpl
def syncer_sources() -> list[SourceType]:
    """The sources `consul` and `consulkv`, for mirrors."""
    return [
        SourceType(
            name="consul",
            options=CatalogOptions,
            create=_create_catalog,
            summary="the services of a Consul datacenter, to be mirrored",
            schemes=SCHEMES,
            from_uri=from_uri,
        ),
        mirrored(_KV, _store),
    ]


@hookimpl
def syncer_sinks() -> list[SinkType]:
    """The sinks `consul` and `consulkv`."""
    return [
        SinkType(
            name="consul",
            options=ConsulOptions,
            create=_create,
            summary="the services of a Consul agent",
            schemes=SCHEMES,
            from_uri=from_uri,
        ),
        _KV,
    ]


@hookimpl
def syncer_check_translators() -> list[CheckTranslator]:
    """Consul's own checks; for its key-value store syncer probes itself."""
    return [
        CheckTranslator(name="consul", sink_kind="consul", create=Translator),
        CheckTranslator(name="consulkv", sink_kind="consulkv", create=probing),
    ]
