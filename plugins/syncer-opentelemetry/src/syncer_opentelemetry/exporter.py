"""An exporter that logs once when it starts to fail, and once when it works again."""

import logging
from collections.abc import Sequence
from threading import Lock

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from syncer import hidden, one_line

_log = logging.getLogger("syncer_opentelemetry")
#: Longest reason that is logged.
_LONGEST = 300


class ExporterErrors(logging.Handler):
    """Keeps the messages of exporters, which would log every attempt, sometimes at length."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._first = ""
        self._lock = Lock()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the first; those that follow only report failed retries."""
        with self._lock:
            self._first = self._first or record.getMessage()

    def take(self) -> str:
        """Return the first message since the last call, on one line; "" if there was none."""
        with self._lock:
            text, self._first = self._first, ""
        return one_line(text)


class ReportingExporter(SpanExporter):
    """Exports through another exporter, and logs when that starts to fail."""

    def __init__(self, exporter: SpanExporter, errors: ExporterErrors) -> None:
        self._exporter, self._errors = exporter, errors
        self._failing = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send spans; those that cannot be sent are lost."""
        try:
            result, raised = self._exporter.export(spans), ""
        except Exception as error:  # noqa: BLE001 - traces must never stop the engine
            result, raised = SpanExportResult.FAILURE, f"{type(error).__name__}: {error}"
        logged = self._errors.take()
        failing = result is not SpanExportResult.SUCCESS
        if failing and not self._failing:
            _log.warning(
                "syncer: traces cannot be sent: %s",
                hidden(raised or logged)[:_LONGEST] or "refused",
            )
        if self._failing and not failing:
            _log.warning("syncer: traces can be sent again")
        self._failing = failing
        return result

    def shutdown(self) -> None:
        """Close connections."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Send spans that the exporter itself holds."""
        return self._exporter.force_flush(timeout_millis)
