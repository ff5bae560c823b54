"""An exporter that says once when it begins to fail, and once when it does well again."""

import logging
from collections.abc import Sequence
from threading import Lock

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from syncer import one_line

_log = logging.getLogger("syncer_opentelemetry")
#: Longest reason that is told.
_LONGEST = 300


class Complaints(logging.Handler):
    """Keeps what exporters complain of: each would tell of each attempt, some of them at length."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._first = ""
        self._busy = Lock()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the first: those that follow say that it was tried in vain."""
        with self._busy:
            self._first = self._first or record.getMessage()

    def take(self) -> str:
        """What was said first since the last call, on one line; "" if nothing was."""
        with self._busy:
            text, self._first = self._first, ""
        return one_line(text)[:_LONGEST]


class Telling(SpanExporter):
    """Exports by another exporter, and tells by Python's logging when that begins to fail."""

    def __init__(self, exporter: SpanExporter, complaints: Complaints) -> None:
        self._exporter, self._complaints = exporter, complaints
        self._failing = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send these spans; those that cannot be sent are lost."""
        try:
            result, raised = self._exporter.export(spans), ""
        except Exception as error:  # noqa: BLE001 - whatever it raises, traces stop no work
            result, raised = SpanExportResult.FAILURE, f"{type(error).__name__}: {error}"
        said = self._complaints.take()
        failing = result is not SpanExportResult.SUCCESS
        if failing and not self._failing:
            _log.warning(
                "syncer: traces cannot be sent: %s", raised[:_LONGEST] or said or "refused"
            )
        if self._failing and not failing:
            _log.warning("syncer: traces are sent again")
        self._failing = failing
        return result

    def shutdown(self) -> None:
        """Let go of connections."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Send what the exporter itself keeps."""
        return self._exporter.force_flush(timeout_millis)
