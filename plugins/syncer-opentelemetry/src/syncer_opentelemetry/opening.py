"""From the names of exporters to what makes spans. Imported only where traces are on.

What is not said here OpenTelemetry reads from its variables itself: endpoints, headers,
certificates, sampling, batches.
"""

import logging
import socket
from collections.abc import Sequence
from importlib.metadata import entry_points

from opentelemetry import trace
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

from syncer import ConfigError, __version__
from syncer_opentelemetry.ending import Ending
from syncer_opentelemetry.exporting import Complaints, Telling
from syncer_opentelemetry.spans import Spans

_log = logging.getLogger("syncer_opentelemetry")
_GROUP = "opentelemetry_traces_exporter"
_GRPC = "pip install 'syncer-opentelemetry[grpc]'"


def opened(names: Sequence[str]) -> Spans:
    """What hears events. A provider that the program has set goes before one of ours.

    Raises ConfigError for an exporter that is not installed, or cannot be made.
    """
    provider = trace.get_tracer_provider()
    if isinstance(provider, trace.ProxyTracerProvider):
        provider = _made(names)
    return Spans(provider.get_tracer("syncer", __version__))


def _made(names: Sequence[str]) -> TracerProvider:
    complaints = Complaints()
    _quiet("opentelemetry.exporter", complaints)
    # It shows headers that it cannot read, and with them what lets us in.
    _quiet("opentelemetry.util.re", logging.NullHandler())
    exporters = [Telling(_exporter(name), complaints) for name in names]
    if said := complaints.take():
        _log.warning("syncer: traces: %s", said)
    provider = TracerProvider(resource=_resource(), shutdown_on_exit=False)
    for exporter in exporters:
        provider.add_span_processor(BatchSpanProcessor(exporter))
    Ending(provider.shutdown).at_exit()
    return provider


def _exporter(name: str) -> SpanExporter:
    found = next(iter(entry_points(group=_GROUP, name=name)), None)
    if found is None:
        hint = f": {_GRPC}" if name == "otlp_proto_grpc" else ""
        raise ConfigError(f"no exporter {name!r} of OpenTelemetry is installed{hint}")
    try:
        exporter: SpanExporter = found.load()()
    except Exception as error:
        raise ConfigError(f"the exporter {name} cannot be made: {error}") from error
    return exporter


def _resource() -> Resource:
    """Who sends; what OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say goes before."""
    ours = {
        "service.name": "syncer",
        "service.version": __version__,
        "host.name": socket.gethostname(),
    }
    return Resource.create(ours).merge(OTELResourceDetector().detect())


def _quiet(name: str, handler: logging.Handler) -> None:
    """Have only this handler hear what a logger says: syncer's log has a form of its own."""
    logger = logging.getLogger(name)
    logger.addHandler(handler)
    logger.propagate = False
