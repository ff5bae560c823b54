"""Events as spans. An event is emitted at the end, so that a span gets both its times at once.

Names and attributes are bounded: names of configured sources and sinks, syncer's own words and
numbers, and, shortened, ids and errors of entries. Never the value of a label, an address or a
secret.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from functools import singledispatchmethod
from typing import Any

import attrs
from opentelemetry.trace import Span, Status, StatusCode, Tracer, set_span_in_context

from syncer import Change, Deregister, Register, Update, hidden, one_line
from syncer.events import ChangeApplied, CycleFinished, LoopFailed, SourceListed

#: Changes shown one by one per cycle, and as many failures.
MOST = 50
#: Longest id or error.
LONGEST = 300
_SECOND = 1_000_000_000
#: The work of the engine's loops, by the first word of their names.
_WORK = {"source": "list", "sink": "cycle"}
_DONE = {Register: "registered", Update: "updated", Deregister: "deregistered"}
_PLANNED = {Register: "register", Update: "update", Deregister: "deregister"}

Numbers = Mapping[str, str | int | bool]


@attrs.define
class _Cycle:
    """The changes so far in a sink's unfinished cycle, with their times."""

    changes: list[tuple[int, Change]] = attrs.Factory(list)
    drift: int = 0


class Spans:
    """A listener that makes spans with `tracer`. `clock` is the time of day in nanoseconds.

    Work requested within another span is its child; other spans are roots.
    """

    def __init__(self, tracer: Tracer, clock: Callable[[], int] = time.time_ns) -> None:
        self._tracer, self._clock = tracer, clock
        self._cycles: dict[str, _Cycle] = {}

    def __call__(self, event: object) -> None:
        """Make a span, if the event is the end of something."""
        self._note(event)

    @singledispatchmethod
    def _note(self, event: Any) -> None:
        """Ignore other events."""

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
        span = self._begin(f"list {event.source}", end - _ns(event.seconds), attributes)
        span.end(end)

    @_note.register
    def _(self, event: ChangeApplied) -> None:
        cycle = self._cycles.setdefault(event.sink, _Cycle())
        cycle.drift += event.drift
        if len(cycle.changes) < MOST:
            cycle.changes.append((self._clock(), event.change))

    @_note.register
    def _(self, event: CycleFinished) -> None:
        end, cycle = self._clock(), self._cycles.pop(event.sink, _Cycle())
        begin = end - _ns(event.seconds)
        attributes = {**_numbers(event), "syncer.drift": cycle.drift}
        span = self._begin(f"cycle {event.sink}", begin, attributes)
        if event.plan.changes:
            planned = min(begin + _ns(event.planned), end)
            self._part(span, f"plan {event.sink}", begin, planned)
            self._part(span, f"apply {event.sink}", planned, end)
        _add_changes(span, cycle)
        for id_, error in list(event.failed.items())[:MOST]:
            span.add_event("failed", {"syncer.id": _cut(id_), "syncer.error": _cut(error)}, end)
        if event.failed:
            first = next(iter(event.failed.values()))
            count = f"{len(event.failed)} of {len(event.plan.changes)} changes failed"
            span.set_status(Status(StatusCode.ERROR, f"{count}: {_cut(first)}"))
        span.end(end)

    @_note.register
    def _(self, event: LoopFailed) -> None:
        """A failure has no duration, since its start is unknown.

        Watches and renewals are retried soon: only their new failures become spans.
        """
        part, _, name = event.loop.rpartition(" ")
        if part not in _WORK and not event.news:
            return
        end = self._clock()
        attributes: Numbers = {"syncer.failures": event.failures}
        if part in ("source", "sink"):
            attributes = {f"syncer.{part}": name, **attributes}
        span = self._begin(f"{_WORK.get(part, part)} {name}", end, attributes)
        if part == "sink":
            _add_changes(span, self._cycles.pop(name, _Cycle()))
        span.set_status(Status(StatusCode.ERROR, _cut(event.error)))
        span.end(end)

    def _begin(self, name: str, begin: int, attributes: Numbers) -> Span:
        return self._tracer.start_span(name, start_time=begin, attributes=attributes)

    def _part(self, whole: Span, name: str, begin: int, end: int) -> None:
        context = set_span_in_context(whole)
        self._tracer.start_span(name, context, start_time=begin).end(end)


def _numbers(event: CycleFinished) -> Numbers:
    planned = Counter(type(change) for change in event.plan.changes)
    skips = Counter(skip.kind for skip in event.plan.skipped)
    return {
        "syncer.sink": event.sink,
        "syncer.applied": event.applied,
        "syncer.failed": len(event.failed),
        "syncer.unchanged": event.plan.unchanged,
        "syncer.ours": event.plan.ours,
        "syncer.foreign": event.plan.foreign,
        "syncer.skipped": len(event.plan.skipped),
        **{f"syncer.planned.{word}": planned[kind] for kind, word in _PLANNED.items()},
        **{f"syncer.skips.{word}": count for word, count in skips.items()},
    }


def _add_changes(span: Span, cycle: _Cycle) -> None:
    for when, change in cycle.changes:
        span.add_event(_DONE[type(change)], {"syncer.id": _cut(change.id)}, when)


def _cut(text: str) -> str:
    """Return the text shortened, on one line, as every exporter can write it."""
    line = one_line(hidden(text, data=True))[:LONGEST]
    return line.encode("utf-8", "backslashreplace").decode()


def _ns(seconds: float) -> int:
    return round(seconds * _SECOND)
