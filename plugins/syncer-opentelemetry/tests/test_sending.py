"""How spans are sent, how failures are logged, and the end of a process."""

import logging
import threading

import pytest
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from syncer_opentelemetry.exporter import ExporterErrors, ReportingExporter
from syncer_opentelemetry.finish import finisher


class Moody(SpanExporter):
    """Does what the test says: succeeds, fails, or raises."""

    def __init__(self):
        self.mood = SpanExportResult.SUCCESS
        self.ended = False

    def export(self, spans):
        if isinstance(self.mood, Exception):
            raise self.mood
        return self.mood

    def shutdown(self):
        self.ended = True

    def force_flush(self, timeout_millis=0):
        return True


@pytest.fixture
def moody():
    """An exporter, its errors, and the exporter that reports them."""
    exporter = Moody()
    errors = ExporterErrors()
    return exporter, errors, ReportingExporter(exporter, errors)


def complain(complaints, *texts):
    """Say this as an exporter does."""
    for text in texts:
        complaints.handle(logging.makeLogRecord({"msg": text, "levelno": logging.WARNING}))


def test_failures_are_logged_once_in_a_row(moody, caplog):
    """With the first reason, on one line; and that it does well again."""
    exporter, complaints, telling = moody
    telling.export(())
    exporter.mood = SpanExportResult.FAILURE
    for _ in range(3):
        complain(complaints, "refused\nby all", "given up")
        telling.export(())
    exporter.mood = SpanExportResult.SUCCESS
    for _ in range(3):
        telling.export(())
    assert caplog.messages == [
        "syncer: traces cannot be sent: refused by all",
        "syncer: traces can be sent again",
    ]


def test_old_complaints_are_no_reason(moody, caplog):
    """What went before a success is forgotten."""
    exporter, complaints, telling = moody
    complain(complaints, "once")
    telling.export(())
    exporter.mood = SpanExportResult.FAILURE
    telling.export(())
    assert caplog.messages == ["syncer: traces cannot be sent: refused"]


def test_an_exporter_that_raises_has_failed(moody, caplog):
    """Nothing of it reaches the thread that sends."""
    exporter, _, telling = moody
    exporter.mood = ValueError("a fault")
    assert telling.export(()) is SpanExportResult.FAILURE
    assert caplog.messages == ["syncer: traces cannot be sent: ValueError: a fault"]


def test_the_exporter_is_ended(moody):
    """What wraps it passes that on."""
    exporter, _, telling = moody
    assert telling.force_flush()
    telling.shutdown()
    assert exporter.ended


def test_the_end_waits_until_all_is_sent():
    """Whoever ends finds it done."""
    done = []
    finish = finisher(lambda: done.append(1), patience=60)
    assert done == []
    finish()
    assert done == [1]


def test_the_end_does_not_wait_for_ever():
    """A collector that does not answer holds nobody up."""
    answer, ended = threading.Event(), threading.Event()

    def finish():
        answer.wait(120)
        ended.set()

    finisher(finish, patience=0.01)()
    assert not ended.is_set()
    answer.set()
    assert ended.wait(30)
