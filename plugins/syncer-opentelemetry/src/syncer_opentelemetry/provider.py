"""Set up OpenTelemetry for the named exporters. Imported only if traces are on.

OpenTelemetry itself reads its variables for endpoints, headers, certificates, sampling and batches.
"""

import atexit
import logging
import os
import socket
from collections.abc import Mapping, Sequence
from importlib.metadata import entry_points
from urllib.parse import unquote, urlsplit

from opentelemetry import trace
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

from syncer import ConfigError, Secret, __version__, hidden
from syncer_opentelemetry.exporter import ExporterErrors, ReportingExporter
from syncer_opentelemetry.finish import finisher
from syncer_opentelemetry.spans import Spans
from syncer_opentelemetry.switch import ENDPOINTS

_log = logging.getLogger("syncer_opentelemetry")
_GROUP = "opentelemetry_traces_exporter"
#: Longest message that is logged.
_LONGEST = 300
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
    _remember_secrets(os.environ)
    errors = ExporterErrors()
    _redirect("opentelemetry.exporter", errors)
    # It logs headers that it cannot parse, and credentials with them.
    _redirect("opentelemetry.util.re", logging.NullHandler())
    exporters = [ReportingExporter(_exporter(name), errors) for name in names]
    if message := errors.take():
        _log.warning("syncer: traces: %s", hidden(message)[:_LONGEST])
    provider = TracerProvider(resource=_resource(), shutdown_on_exit=False)
    for exporter in exporters:
        provider.add_span_processor(BatchSpanProcessor(exporter))
    atexit.register(finisher(provider.shutdown))
    return provider


def _remember_secrets(environ: Mapping[str, str]) -> None:
    """Have the headers, and the queries of addresses, taken out of every text: tokens are there."""
    for name in ("OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"):
        for header in environ.get(name, "").split(","):
            Secret(unquote(header.partition("=")[2])).reveal()
    for name in ENDPOINTS:
        for value in urlsplit(environ.get(name, "")).query.split("&"):
            Secret(unquote(value.partition("=")[2])).reveal()


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
