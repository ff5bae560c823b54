"""Events as log lines: one line for each change, none if nothing changes.

Every event becomes zero or more records `(level, message, fields)`; a `Log` prints them for
people or as JSON. Text from labels or registries cannot forge a line: control characters are
escaped before printing.
"""

import contextlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from functools import singledispatch
from threading import Lock
from typing import Any, TextIO

from syncer import events
from syncer.api.changes import Change, Deregister, Register, Skip, SkipKind, Treat, Update
from syncer.api.checks import CheckStatus
from syncer.api.secrets import hidden
from syncer.api.text import printable

Record = tuple[str, str, dict[str, Any]]

#: More new skips of one kind than this in one cycle become one line, and so do the problems of
#: one workload after this many.
MANY = 20
#: The longest text of a field: a registry may answer with a whole page.
LONGEST, LONGEST_TRACE = 2000, 20_000
#: Terminal codes before the parts of a line, and after each.
_DIM, _BOLD, _KEY, _VALUE, _PLAIN = "\x1b[2m", "\x1b[1m", "\x1b[36m", "\x1b[35m", "\x1b[0m"
_LEVELS = {"debug": "\x1b[32m", "info": "\x1b[32m", "warning": "\x1b[33m"}


class Log:
    """Prints lines to a stream: as JSON, or for people, in colour on a terminal.

    `verbose` prints those of the level `debug` too. Several threads may use it.
    """

    def __init__(self, stream: TextIO, *, as_json: bool, verbose: bool) -> None:
        self._stream, self._as_json, self._verbose = stream, as_json, verbose
        self._coloured = stream.isatty()
        self._lock = Lock()

    def listen(self, event: events.AnyEvent) -> None:
        """Print the lines of an event."""
        for record in records(event):
            self._print(*record)

    def say(self, message: str, **fields: Any) -> None:
        """Print a line that comes from no event: the process starts, or ends."""
        self._print("info", message, fields)

    def foreign(self, message: str, trace: str) -> None:
        """Print what a library said, or an error that nobody expected."""
        self._print("warning", message, {"trace": trace} if trace else {})

    def _print(self, level: str, message: str, fields: Mapping[str, Any]) -> None:
        if level == "debug" and not self._verbose:
            return
        message, fields = printable(hidden(message, data=True), LONGEST), escaped(fields)
        if self._as_json:
            line = _json_line(level, message, fields)
        else:
            line = _plain_line(level, message, fields, coloured=self._coloured)
        # A closed terminal or a full disk is no reason to stop.
        with self._lock, contextlib.suppress(OSError):
            self._stream.write(f"{line}\n")
            self._stream.flush()


def _json_line(level: str, message: str, fields: Mapping[str, Any]) -> str:
    time = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    parts = {**fields, "event": message, "level": level, "timestamp": time}
    return json.dumps(parts, default=repr)


def _plain_line(level: str, message: str, fields: Mapping[str, Any], *, coloured: bool) -> str:
    def painted(colour: str, text: str) -> str:
        return f"{colour}{text}{_PLAIN}" if coloured else text

    parts = [
        painted(_DIM, datetime.now().isoformat(timespec="microseconds")),
        f"[{painted(_LEVELS[level], f'{level:<9}')}]",
        painted(_BOLD, f"{message:<28}"),
    ]
    parts += (
        f"{painted(_KEY, key)}={painted(_VALUE, _quoted(value))}"
        for key, value in sorted(fields.items())
    )
    return " ".join(parts).rstrip()


def _quoted(value: Any) -> str:
    """Put a value in quotes if its end would not be clear without them."""
    plain = isinstance(value, str) and not set(value) & set(" =\"'")
    return value if plain else repr(value)


def escaped(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Escape control characters in the fields, take secrets out, and cut long texts."""
    return {
        key: printable(hidden(value, data=True), LONGEST_TRACE if key == "trace" else LONGEST)
        if isinstance(value, str)
        else value
        for key, value in fields.items()
    }


@singledispatch
def records(event: Any) -> Iterator[Record]:
    """Return the log records of an event; none for an event of a later version."""
    yield from ()


@records.register
def _(event: events.SourceListed) -> Iterator[Record]:
    level = "info" if event.first else "debug"
    fields: dict[str, Any] = {"source": event.source, "workloads": event.workloads}
    if event.unclear:
        fields["unclear"] = event.unclear
    if not event.complete:
        fields["complete"] = False
    yield level, "source listed", fields


@records.register
def _(event: events.LoopFailed) -> Iterator[Record]:
    fields: dict[str, Any] = {"of": event.loop, "error": event.error}
    if event.retry_in:
        fields |= {"failures": event.failures, "retry_in": f"{event.retry_in:.1f}s"}
    if event.trace:
        fields["trace"] = event.trace
    yield "warning" if event.news else "debug", f"{event.loop} failed", fields


@records.register
def _(event: events.LoopRecovered) -> Iterator[Record]:
    yield "info", f"{event.loop} recovered", {"of": event.loop, "failures": event.failures}


@records.register
def _(event: events.ProblemsFound) -> Iterator[Record]:
    fields = {"source": event.source, "workload": event.workload}
    for text in event.problems[:MANY]:
        yield "warning", "problem", {**fields, "problem": text}
    if (more := len(event.problems) - MANY) > 0:
        yield "warning", f"{more} more problems, shown by explain", fields


@records.register
def _(event: events.ChangeApplied) -> Iterator[Record]:
    fields = {"sink": event.sink, **described(event.change)}
    if event.drift:
        fields["drift"] = True
    yield "info", _done(event.change), fields


@records.register
def _(event: events.ChangeFailed) -> Iterator[Record]:
    fields = {"sink": event.sink, **described(event.change), "error": event.error}
    if event.permanent:
        fields["refused"] = True
    yield "warning", f"not {_done(event.change)}", fields


@records.register
def _(event: events.SkipsChanged) -> Iterator[Record]:
    groups: defaultdict[tuple[SkipKind, str], list[Skip]] = defaultdict(list)
    for skip in event.skips:
        once = Treat.ONCE in skip.kind.treat
        groups[skip.kind, skip.reason if once else ""].append(skip)
    for (kind, reason), skips in groups.items():
        level = "warning" if Treat.WARN in kind.treat else "info"
        if len(skips) > MANY or (reason and len(skips) > 1):
            example = {**_skip(event.sink, skips[0]), "for_example": True}
            yield level, f"{len(skips)} changes held back", example
        else:
            yield from ((level, "change held back", _skip(event.sink, skip)) for skip in skips)


def _skip(sink: str, skip: Skip) -> dict[str, Any]:
    return {"sink": sink, "id": skip.id, "why": skip.kind.value, "reason": skip.reason}


@records.register
def _(event: events.GuardPaused) -> Iterator[Record]:
    fields = {"sink": event.sink, "held": event.held, "of": event.ours}
    yield "warning", "guard paused: too many removals at once", fields


@records.register
def _(event: events.GuardReleased) -> Iterator[Record]:
    yield "info", "guard released", {"sink": event.sink}


@records.register
def _(event: events.LeaseLost) -> Iterator[Record]:
    yield "warning", "registry lost entries", {"sink": event.sink, "lost": event.lost}


@records.register
def _(event: events.PulseBeaten) -> Iterator[Record]:
    seconds, late = round(event.seconds, 4), round(event.late, 4)
    fields = {"sink": event.sink, "held": event.held, "late": late, "seconds": seconds}
    yield "debug", "pulse", fields


@records.register
def _(event: events.Elected) -> Iterator[Record]:
    yield "info", "became leader" if event.leads else "became standby", {"sink": event.sink}


@records.register
def _(event: events.HealthChanged) -> Iterator[Record]:
    level = "info" if event.status is CheckStatus.PASSING else "warning"
    fields = {"target": event.target, "status": event.status.value, "output": event.output}
    yield level, "health changed", fields


@records.register
def _(event: events.CycleFinished) -> Iterator[Record]:
    plan = event.plan
    fields = {
        "sink": event.sink,
        "applied": event.applied,
        "failed": len(event.failed),
        "unchanged": plan.unchanged,
        "skipped": len(plan.skipped),
        "foreign": plan.foreign,
        "seconds": round(event.seconds, 4),
    }
    yield "debug", "cycle finished", fields


@records.register
def _(event: events.ConfigReloaded) -> Iterator[Record]:
    if event.changed:
        yield "info", "configuration reloaded", {"changed": ", ".join(event.changed)}
    else:
        yield "info", "configuration unchanged", {}


@records.register
def _(event: events.ConfigRefused) -> Iterator[Record]:
    for problem in event.problems:
        yield "warning", "configuration refused", {"problem": problem}


@records.register
def _(event: events.Warned) -> Iterator[Record]:
    yield "warning", event.text, {}


def _done(change: Change) -> str:
    return {Register: "registered", Update: "updated", Deregister: "deregistered"}[type(change)]


def described(change: Change) -> Mapping[str, Any]:
    """Return the fields of a line about a change."""
    instance = change.old.instance if isinstance(change, Deregister) else change.new.instance
    fields: dict[str, Any] = {
        "service": instance.service,
        "id": instance.id,
        "address": instance.endpoint,
    }
    if isinstance(change, Deregister):
        fields["reason"] = change.reason.value
    if isinstance(change, Update):
        fields["changed"] = ",".join(name for name, _, _ in change.differences()) or "mark"
    return fields
