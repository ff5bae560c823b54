"""What the page remembers of the events: the state of each loop, what was said, what strayed.

It listens to the engine in the threads where things happen, so it is quick and takes one lock.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from itertools import takewhile
from typing import Any

import attrs

from syncer.api.keys import Part
from syncer.api.text import printable
from syncer.events import (
    AnyEvent,
    ChangeApplied,
    ConfigRefused,
    ConfigReloaded,
    CycleFinished,
    Elected,
    LoopFailed,
    LoopRecovered,
    PulseBeaten,
    SourceListed,
    logs,
)

#: How much is remembered: lines for a page that joins, all for one that lags, and drift.
LINES, BEHIND, DRIFT = 200, 1000, 200
#: Seconds beyond three intervals after which a loop without a success is late: back-off is as long.
SLACK = 30.0


@attrs.frozen(kw_only=True)
class Failing:
    """A loop whose last try failed."""

    error: str
    failures: int


@attrs.frozen(kw_only=True)
class Line:
    """A line of what happened, as the log has it. `number` grows by one with each."""

    number: int
    time: str
    level: str
    message: str
    fields: Mapping[str, Any]

    def plain(self) -> dict[str, Any]:
        """As JSON types."""
        found = attrs.asdict(self, recurse=False)
        return {**found, "fields": dict(self.fields)}


@attrs.frozen(kw_only=True)
class Refused:
    """Why the configuration was not taken when it was last read, and when that was."""

    time: str
    problems: tuple[str, ...]


@attrs.frozen(kw_only=True)
class Seen:
    """All that is remembered at one moment; times are those of the board's clock."""

    number: int
    failing: Mapping[Part, Failing]
    succeeded: Mapping[str, float]
    listings: Mapping[str, SourceListed]
    reports: Mapping[str, CycleFinished]
    pulses: Mapping[str, PulseBeaten]
    leads: Mapping[str, bool]
    refused: Refused | None = None


class Board:
    """Listens to an engine. `interval` is the engine's; `clock` never goes back."""

    def __init__(
        self, *, interval: float = 30.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.clock, self.interval = clock, interval
        self.started = clock()
        self._changed = threading.Condition()
        self._number = 0
        self._recent: deque[Line] = deque(maxlen=BEHIND)
        self._lines: deque[Line] = deque(maxlen=LINES)
        self._drift: deque[dict[str, Any]] = deque(maxlen=DRIFT)
        self._failing: dict[Part, Failing] = {}
        self._succeeded: dict[str, float] = {}
        self._listings: dict[str, SourceListed] = {}
        self._reports: dict[str, CycleFinished] = {}
        self._pulses: dict[str, PulseBeaten] = {}
        self._leads: dict[str, bool] = {}
        self._refused: Refused | None = None
        self._closed = False

    def __call__(self, event: AnyEvent) -> None:
        """Remember an event, and wake who waits for one."""
        records = list(logs.records(event))
        now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        with self._changed:
            self._note_configuration(event, now)
            self._note(event, now)
            for level, message, fields in records:
                self._number += 1
                line = Line(
                    number=self._number,
                    time=now,
                    level=level,
                    message=printable(message, logs.LONGEST),
                    fields=_shown(fields),
                )
                self._recent.append(line)
                if level != "debug":
                    self._lines.append(line)
            self._changed.notify_all()

    def seen(self) -> Seen:
        """What is remembered now; never changes afterwards."""
        with self._changed:
            return Seen(
                number=self._number,
                failing=dict(self._failing),
                succeeded=dict(self._succeeded),
                listings=dict(self._listings),
                reports=dict(self._reports),
                pulses=dict(self._pulses),
                leads=dict(self._leads),
                refused=self._refused,
            )

    def lines(self) -> tuple[Line, ...]:
        """The last lines, oldest first, without what a log shows only when it is verbose."""
        with self._changed:
            return tuple(self._lines)

    def drift(self) -> tuple[Mapping[str, Any], ...]:
        """What strayed in a registry and was put right, oldest first."""
        with self._changed:
            return tuple(self._drift)

    def wait(self, after: int, timeout: float) -> tuple[Line, ...] | None:
        """All lines after this number, once there are any; None if some are forgotten already.

        None too if the number is that of an earlier process, and higher than any. Nothing after
        `timeout` seconds, or once it is closed.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._number != after or self._closed, timeout)
            if after > self._number or (self._recent and self._recent[0].number > after + 1):
                return None
            news = takewhile(lambda line: line.number > after, reversed(self._recent))
            return tuple(news)[::-1]

    def close(self) -> None:
        """Let go of who waits."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def closed(self) -> bool:
        """Whether nothing more is to be waited for."""
        return self._closed

    def late(self, sources: Mapping[str, Any], sinks: Mapping[str, Any]) -> dict[Part, str]:
        """The loops that have had no success lately, each with the reason in words."""
        seen, found = self.seen(), {}
        limits = {Part("source", name): self.interval for name in sources}
        limits |= {Part("sink", name): self.interval for name in sinks}
        limits |= {Part("pulse", name): beaten.every for name, beaten in seen.pulses.items()}
        limits |= {loop: 0.0 for loop in seen.failing if loop.role == "pulse"}
        for loop, every in limits.items():
            age = self.clock() - seen.succeeded.get(loop, self.started)
            never = loop not in seen.succeeded
            if never or age > 3 * every + SLACK:
                what = "has not succeeded yet" if never else f"no success for {age:.0f} s"
                found[loop] = _because(what, seen.failing.get(loop))
        return found

    def _note_configuration(self, event: AnyEvent, now: str) -> None:
        if isinstance(event, ConfigRefused):
            texts = tuple(printable(text, logs.LONGEST) for text in event.problems)
            self._refused = Refused(time=now, problems=texts)
        elif isinstance(event, ConfigReloaded):
            self._refused, self.interval = None, event.interval
            if event.changed:  # other parts, or the same ones from their beginning
                # When they succeeded last is no matter of who did.
                known: list[dict[Any, Any]] = [self._failing, self._leads]
                for forgotten in (*known, self._listings, self._reports, self._pulses):
                    forgotten.clear()

    def _note(self, event: AnyEvent, now: str) -> None:
        if isinstance(event, LoopFailed):
            self._failing[event.loop] = Failing(error=event.error, failures=event.failures)
        elif isinstance(event, LoopRecovered):
            self._failing.pop(event.loop, None)
        elif isinstance(event, SourceListed):
            self._listings[event.source] = event
            if event.complete:
                self._succeed(Part("source", event.source))
        elif isinstance(event, CycleFinished):
            self._reports[event.sink] = event
            if not event.retry:  # what may succeed soon has not succeeded yet
                self._succeed(Part("sink", event.sink))
        elif isinstance(event, PulseBeaten):
            self._pulses[event.sink] = event
            self._succeed(Part("pulse", event.sink))
        elif isinstance(event, Elected):
            self._leads[event.sink] = event.leads
        elif isinstance(event, ChangeApplied) and event.drift:
            change = {"action": type(event.change).__name__.lower(), **logs.described(event.change)}
            self._drift.append({"time": now, "sink": event.sink, **_shown(change)})

    def _succeed(self, loop: str) -> None:
        self._succeeded[loop] = self.clock()


def _because(what: str, failing: Failing | None) -> str:
    return f"{what}: {failing.error}" if failing else what


def _shown(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields as a log shows them; the trace of a plugin's error is for the log alone."""
    return {
        key: printable(value, logs.LONGEST) if isinstance(value, str) else value
        for key, value in fields.items()
        if key != "trace"
    }
