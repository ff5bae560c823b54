"""The status of the parts: failures, last successes and counts, from one listener.

The status page, its readiness check and the line for the service manager read it.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timezone
from typing import Any, TypeVar

import attrs

from syncer import events
from syncer.api.keys import Part
from syncer.api.text import printable

T = TypeVar("T")

#: A part is late after three intervals and this many seconds, the longest back-off.
SLACK = 30.0


@attrs.frozen(kw_only=True)
class Refused:
    """When the configuration was last refused, and why."""

    time: str
    problems: tuple[str, ...]


@attrs.frozen(kw_only=True)
class Known:
    """The status at one moment; times are those of the status' clock.

    `failing` and `succeeded` are by part (`source docker`, `pulse consul`), the others by sink.
    """

    failing: Mapping[Part, events.LoopFailed] = attrs.Factory(dict)
    #: When each of those that fail began to, as ISO 8601 text, and when it tries again.
    since: Mapping[Part, str] = attrs.Factory(dict)
    retry: Mapping[Part, float] = attrs.Factory(dict)
    succeeded: Mapping[Part, float] = attrs.Factory(dict)
    reports: Mapping[str, events.CycleFinished] = attrs.Factory(dict)
    pulses: Mapping[str, events.PulseBeaten] = attrs.Factory(dict)
    leads: Mapping[str, bool] = attrs.Factory(dict)
    #: When each sink was last read completely, within a cycle or while cycles went on.
    read: Mapping[str, float] = attrs.Factory(dict)
    refused: Refused | None = None


class Status:
    """Listens to an engine, in the threads where things happen. From any thread.

    `interval` is the engine's, in seconds; `clock` never goes back.
    """

    def __init__(
        self, *, interval: float = 30.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.clock, self.interval = clock, interval
        self.started = clock()
        self._lock = threading.Lock()
        self.known = Known()

    def __call__(self, event: events.AnyEvent) -> None:
        """Note an event."""
        with self._lock:
            if news := self._news(event):
                self.known = attrs.evolve(self.known, **news)

    def late(self, sources: Iterable[str], sinks: Iterable[str]) -> dict[Part, str]:
        """The parts without a recent success, each with the reason in words."""
        known, found = self.known, {}
        limits = {Part("source", name): self.interval for name in sources}
        limits |= {Part("sink", name): self.interval for name in sinks}
        limits |= {Part("pulse", name): beaten.every for name, beaten in known.pulses.items()}
        limits |= {part: 0.0 for part in known.failing if part.role == "pulse"}
        for part, every in limits.items():
            never = part not in known.succeeded
            age = self.clock() - known.succeeded.get(part, self.started)
            if never or age > 3 * every + SLACK:
                text = "has not succeeded yet" if never else f"no success for {age:.0f} s"
                failing = known.failing.get(part)
                found[part] = f"{text}: {failing.error}" if failing else text
        for name in sinks:
            age = self.clock() - known.read.get(name, self.clock())
            if age > 3 * self.interval + SLACK:  # a reading during the cycles does not end
                found.setdefault(Part("sink", name), f"not read for {age:.0f} s")
        return found

    def text(self) -> str:
        """One line for a service manager: first what is wrong, then what is registered where."""
        known = self.known
        words = []
        if known.refused:
            why = "; ".join(known.refused.problems)
            words.append(f"configuration refused, the previous one stays in use: {why}")
        words += [f"{part}: {known.failing[part].error}" for part in sorted(known.failing)]
        for sink, report in sorted(known.reports.items()):
            if report.failed:
                example = next(iter(report.failed.values()))
                words.append(f"{sink}: {len(report.failed)} not written, for example: {example}")
        words += [f"{report.ours} registered in {sink}" for sink, report in known.reports.items()]
        return "; ".join(words) or "starting"

    def _news(self, event: events.AnyEvent) -> Mapping[str, Any]:
        """The fields of what is known that an event changes."""
        known = self.known
        match event:
            case events.LoopFailed(loop=part):
                return {
                    "failing": {**known.failing, part: event},
                    "since": {part: _now(), **known.since},
                    "retry": {**known.retry, part: self.clock() + event.retry_in},
                }
            case events.LoopRecovered(loop=part):
                return {
                    "failing": _without(known.failing, part),
                    "since": _without(known.since, part),
                    "retry": _without(known.retry, part),
                }
            case events.SourceListed(complete=True):
                return self._success(Part("source", event.source))
            case events.CycleFinished():
                return self._cycle(event)
            case events.PulseBeaten():
                pulses = {**known.pulses, event.sink: event}
                return {"pulses": pulses, **self._success(Part("pulse", event.sink))}
            case events.Elected():
                return {"leads": {**known.leads, event.sink: event.leads}}
            case events.ConfigRefused():
                problems = tuple(map(printable, event.problems))
                return {"refused": Refused(time=_now(), problems=problems)}
            case events.ConfigReloaded():
                self.interval = event.interval
                if event.changed:  # when parts last succeeded does not depend on the engine
                    return attrs.asdict(Known(succeeded=known.succeeded), recurse=False)
                return {"refused": None}
        return {}

    def _cycle(self, event: events.CycleFinished) -> Mapping[str, Any]:
        news = {} if event.retry else self._success(Part("sink", event.sink))
        former = self.known.reports.get(event.sink)
        if event.readings and (former is None or former.readings != event.readings):
            news["read"] = {**self.known.read, event.sink: self.clock()}
        return {**news, "reports": {**self.known.reports, event.sink: event}}

    def _success(self, part: Part) -> dict[str, Any]:
        return {"succeeded": {**self.known.succeeded, part: self.clock()}}


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")


def _without(known: Mapping[Part, T], part: Part) -> dict[Part, T]:
    return {key: value for key, value in known.items() if key != part}
