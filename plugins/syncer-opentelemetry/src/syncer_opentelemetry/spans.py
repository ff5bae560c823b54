"""Events as spans. An event is told when something is over, so spans get both their times at once.

Names and attributes are bounded: names of configured sources and sinks, words and numbers of
syncer's own; of entries their ids, and of those that failed the error, both cut. Never a label's
value, an address or a secret.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import singledispatchmethod
from typing import Any

import attrs
from opentelemetry.trace import Span, Status, StatusCode, Tracer, set_span_in_context

from syncer import Change, Deregister, Register, Update, one_line
from syncer.events import ChangeApplied, CycleFinished, LoopFailed, SourceListed

#: Changes of one cycle that are shown one by one, and as many that failed.
MOST = 50
#: Longest id or error.
LONGEST = 300
_SECOND = 1_000_000_000
#: What is done by the loops of the engine, by the first word of their names.
_WORK = {"source": "list", "sink": "cycle"}
_DONE = {Register: "registered", Update: "updated", Deregister: "deregistered"}
_PLANNED = {Register: "register", Update: "update", Deregister: "deregister"}

Numbers = Mapping[str, str | int | bool]


@attrs.define
class _Told:
    """What was told of a sink's cycle that is not over: when which change was made."""

    changes: list[tuple[int, Change]] = attrs.Factory(list)
    drift: int = 0


class Spans:
    """A listener that makes spans by `tracer`. `clock` is the time of day in nanoseconds.

    A span of work that was asked for within another span is its child; else it is a root.
    """

    def __init__(self, tracer: Tracer, clock: Callable[[], int] = time.time_ns) -> None:
        self._tracer, self._clock = tracer, clock
        self._told: dict[str, _Told] = {}

    def __call__(self, event: object) -> None:
        """Make a span of what an event tells, if it is the end of something."""
        self._note(event)

    @singledispatchmethod
    def _note(self, event: Any) -> None:
        """There is no span for this event."""

    @_note.register
    def _(self, event: SourceListed) -> None:
        attributes: Numbers = {
            "syncer.source": event.source,
            "syncer.workloads": event.workloads,
            "syncer.instances": event.instances,
            "syncer.unclear": event.unclear,
            "syncer.complete": event.complete,
        }
        end = self._clock()
        span = self._begun(f"list {event.source}", end - _ns(event.seconds), attributes)
        span.end(end)

    @_note.register
    def _(self, event: ChangeApplied) -> None:
        told = self._told.setdefault(event.sink, _Told())
        told.drift += event.drift
        if len(told.changes) < MOST:
            told.changes.append((self._clock(), event.change))

    @_note.register
    def _(self, event: CycleFinished) -> None:
        end, told = self._clock(), self._told.pop(event.sink, _Told())
        begin = end - _ns(event.seconds)
        attributes = {**_numbers(event), "syncer.drift": told.drift}
        span = self._begun(f"cycle {event.sink}", begin, attributes)
        if event.plan.changes:
            planned = min(begin + _ns(event.planned), end)
            self._part(span, f"plan {event.sink}", begin, planned)
            self._part(span, f"apply {event.sink}", planned, end)
        _add_changes(span, told)
        for id_, error in list(event.failed.items())[:MOST]:
            span.add_event("failed", {"syncer.id": _cut(id_), "syncer.error": _cut(error)}, end)
        if event.failed:
            first = next(iter(event.failed.values()))
            count = f"{len(event.failed)} of {len(event.plan.changes)} changes failed"
            span.set_status(Status(StatusCode.ERROR, f"{count}: {_cut(first)}"))
        span.end(end)

    @_note.register
    def _(self, event: LoopFailed) -> None:
        """What failed has no length: it is not told when it began.

        Watches and renewals are tried again soon: of theirs only news are told.
        """
        part, _, name = event.loop.rpartition(" ")
        if part not in _WORK and not event.news:
            return
        end = self._clock()
        attributes: Numbers = {"syncer.failures": event.failures}
        if part in ("source", "sink"):
            attributes = {f"syncer.{part}": name, **attributes}
        span = self._begun(f"{_WORK.get(part, part)} {name}", end, attributes)
        if part == "sink":
            _add_changes(span, self._told.pop(name, _Told()))
        span.set_status(Status(StatusCode.ERROR, _cut(event.error)))
        span.end(end)

    def _begun(self, name: str, begin: int, attributes: Numbers) -> Span:
        return self._tracer.start_span(name, start_time=begin, attributes=attributes)

    def _part(self, whole: Span, name: str, begin: int, end: int) -> None:
        context = set_span_in_context(whole)
        self._tracer.start_span(name, context, start_time=begin).end(end)


def _numbers(event: CycleFinished) -> Numbers:
    return {
        "syncer.sink": event.sink,
        "syncer.applied": event.applied,
        "syncer.failed": len(event.failed),
        "syncer.unchanged": event.plan.unchanged,
        "syncer.ours": event.plan.ours,
        "syncer.foreign": event.plan.foreign,
        "syncer.skipped": len(event.plan.skipped),
        **dict(_counts(event)),
    }


def _counts(event: CycleFinished) -> Iterator[tuple[str, int]]:
    """What was planned by kind, and what was skipped by the word for the reason."""
    planned = Counter(type(change) for change in event.plan.changes)
    for kind, word in _PLANNED.items():
        yield f"syncer.planned.{word}", planned[kind]
    for word, count in Counter(skip.kind for skip in event.plan.skipped).items():
        yield f"syncer.skips.{word}", count


def _add_changes(span: Span, told: _Told) -> None:
    for when, change in told.changes:
        span.add_event(_DONE[type(change)], {"syncer.id": _cut(change.id)}, when)


def _cut(text: str) -> str:
    """A text on one line, not longer than is shown, that every exporter can write."""
    line = one_line(text)[:LONGEST]
    return line.encode("utf-8", "backslashreplace").decode()


def _ns(seconds: float) -> int:
    return round(seconds * _SECOND)
