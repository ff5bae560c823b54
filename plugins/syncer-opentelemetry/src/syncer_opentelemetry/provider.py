"""Set up OpenTelemetry for the named exporters. Imported only if traces are on.

OpenTelemetry itself reads its variables for endpoints, headers, certificates, sampling and batches.
"""

import atexit
import logging
import socket
from collections.abc import Sequence
from importlib.metadata import entry_points

from opentelemetry import trace
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

from syncer import ConfigError, __version__
from syncer_opentelemetry.exporter import ExporterErrors, ReportingExporter
from syncer_opentelemetry.finish import finisher
from syncer_opentelemetry.spans import Spans

_log = logging.getLogger("syncer_opentelemetry")
_GROUP = "opentelemetry_traces_exporter"
_GRPC = "pip install 'syncer-opentelemetry[grpc]'"


def make_spans(names: Sequence[str]) -> Spans:
    """Return a listener; a provider that the program has set takes precedence over our own.

    Raises `ConfigError` for an exporter that is not installed, or cannot be created.
    """
    provider = trace.get_tracer_provider()
    if isinstance(provider, trace.ProxyTracerProvider):
        provider = _make_provider(names)
    return Spans(provider.get_tracer("syncer", __version__))


def _make_provider(names: Sequence[str]) -> TracerProvider:
    errors = ExporterErrors()
    _redirect("opentelemetry.exporter", errors)
    # It logs headers that it cannot parse, and credentials with them.
    _redirect("opentelemetry.util.re", logging.NullHandler())
    exporters = [ReportingExporter(_exporter(name), errors) for name in names]
    if message := errors.take():
        _log.warning("syncer: traces: %s", message)
    provider = TracerProvider(resource=_resource(), shutdown_on_exit=False)
    for exporter in exporters:
        provider.add_span_processor(BatchSpanProcessor(exporter))
    atexit.register(finisher(provider.shutdown))
    return provider


def _exporter(name: str) -> SpanExporter:
    found = next(iter(entry_points(group=_GROUP, name=name)), None)
    if found is None:
        hint = f": {_GRPC}" if name == "otlp_proto_grpc" else ""
        raise ConfigError(f"OpenTelemetry exporter {name!r} is not installed{hint}")
    try:
        exporter: SpanExporter = found.load()()
    except Exception as error:
        raise ConfigError(f"cannot create the OpenTelemetry exporter {name}: {error}") from error
    return exporter


def _resource() -> Resource:
    """Return the sender; OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES take precedence."""
    ours = {
        "service.name": "syncer",
        "service.version": __version__,
        "host.name": socket.gethostname(),
    }
    return Resource.create(ours).merge(OTELResourceDetector().detect())


def _redirect(name: str, handler: logging.Handler) -> None:
    """Send a logger's messages to this handler only: syncer's log has its own format."""
    logger = logging.getLogger(name)
    logger.addHandler(handler)
    logger.propagate = False
