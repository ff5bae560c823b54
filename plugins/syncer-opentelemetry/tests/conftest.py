"""What the tests of this plugin share: what takes spans in, and no variables of the developer's."""

import http.server
import threading

import attrs
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from servers.syncer_fixtures import start_syncer  # noqa: F401 - a fixture
from syncer_opentelemetry.spans import Spans

SECOND = 10**9


@pytest.fixture(autouse=True)
def _no_opentelemetry_environment(monkeypatch):
    """No collector that the developer uses gets what tests do."""
    for name in ("ENDPOINT", "TRACES_ENDPOINT", "PROTOCOL", "TRACES_PROTOCOL", "HEADERS"):
        monkeypatch.delenv(f"OTEL_EXPORTER_OTLP_{name}", raising=False)
    for name in ("TRACES_EXPORTER", "SDK_DISABLED", "SERVICE_NAME", "RESOURCE_ATTRIBUTES"):
        monkeypatch.delenv(f"OTEL_{name}", raising=False)


class Recorded:
    """A listener over OpenTelemetry's own SDK, and what it made."""

    def __init__(self):
        self._kept = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self._kept))
        self.now = 1_700_000_000 * SECOND
        self.tracer = provider.get_tracer("tests")
        self.listen = Spans(self.tracer, clock=lambda: self.now)

    def ago(self, span):
        """When a span began and ended, in seconds before now."""
        return (self.now - span.start_time) / SECOND, (self.now - span.end_time) / SECOND

    def tell(self, *events):
        """Tell these events; returns the spans that are new, by their names."""
        before = len(self._kept.get_finished_spans())
        for event in events:
            self.listen(event)
        return {span.name: span for span in self._kept.get_finished_spans()[before:]}


@pytest.fixture
def recorded():
    """Spans, kept in memory."""
    return Recorded()


@attrs.frozen
class Sent:
    """A span as a collector was told of it, with what is said of who sends."""

    span: object
    sender: dict

    @property
    def name(self):
        return self.span.name

    @property
    def attributes(self):
        return _values(self.span.attributes)


class Collector:
    """Takes traces by OTLP over HTTP, as a collector does, and decodes them.

    `status` is what it answers; with `holding` it answers nothing until it is closed.
    """

    def __init__(self):
        self.spans, self.headers = [], []
        self.status, self.holding = 200, False
        self.asked, self._over = threading.Event(), threading.Event()
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.asked.set()
                if collector.holding:
                    collector._over.wait(120)
                    return
                if collector.status == 200:
                    collector.headers.append(dict(self.headers))
                    collector.spans += _decoded(self.path, body)
                answer = ExportTraceServiceResponse().SerializeToString()
                self.send_response(collector.status)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *args):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.handle_error = lambda *_: None  # a client that ended meanwhile
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def named(self, name):
        """The spans of this name."""
        return [sent for sent in tuple(self.spans) if sent.name == name]

    def close(self):
        """Let go of who waits, and end."""
        self._over.set()
        self._server.shutdown()
        self._server.server_close()


def _decoded(path, body):
    assert path == "/v1/traces"
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        sender = _values(resource.resource.attributes)
        for scope in resource.scope_spans:
            yield from (Sent(span, sender) for span in scope.spans)


def _values(attributes):
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}


@pytest.fixture
def collector():
    """A collector that is well."""
    made = Collector()
    yield made
    made.close()
