"""Netflix Eureka as a sink, and as a source of what others registered there.

urllib3 is imported only when a sink or source is made.
"""

from syncer import CheckTranslator, Context, Sink, SinkType, SourceType, hookimpl, mirrored
from syncer_eureka.form.checks import translator
from syncer_eureka.options import SCHEMES, EurekaOptions, from_uri

__all__ = ["EurekaOptions", "syncer_check_translators", "syncer_sinks", "syncer_sources"]


def _create(options: EurekaOptions, context: Context) -> Sink:
    from syncer_eureka.sink import EurekaSink

    return EurekaSink(options, context)


_KIND = SinkType(
    name="eureka",
    options=EurekaOptions,
    create=_create,
    summary="instances in Netflix Eureka, renewed by heartbeats",
    schemes=SCHEMES,
    from_uri=from_uri,
)


@hookimpl
def syncer_sinks() -> list[SinkType]:
    """The sink `eureka`."""
    return [_KIND]


@hookimpl
def syncer_sources() -> list[SourceType]:
    """The source `eureka`, for mirrors."""
    return [mirrored(_KIND, registry=lambda options: options.addresses[0].place)]


@hookimpl
def syncer_check_translators() -> list[CheckTranslator]:
    """Eureka runs no checks: syncer does, and publishes where."""
    return [CheckTranslator(name="eureka", sink_kind="eureka", create=translator)]
