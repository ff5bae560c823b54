"""The log: events as lines for people, for the journal, or as JSON.

One line for each change, none if nothing changes. Text from labels or registries cannot forge a
line: control characters are escaped before printing.
"""

import contextlib
import json
import os
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timezone
from enum import Enum
from threading import Lock
from typing import Any, TextIO

from syncer import events
from syncer.api.changes import Register
from syncer.api.keys import Part
from syncer.api.secrets import hidden
from syncer.api.text import printable
from syncer.events.lines import LONGEST, MANY, Record, escaped, in_sync, records

#: Terminal codes before the parts of a line, and after each.
_DIM, _PLAIN = "\x1b[2m", "\x1b[0m"
_LEVELS = {"debug": "\x1b[32m", "info": "\x1b[32m", "warning": "\x1b[33m"}
_SHORT = {"warning": "warn"}
#: Priorities of syslog, which the journal takes from the beginning of a line.
_PRIORITIES = {"debug": 7, "info": 6, "warning": 4}


class Form(str, Enum):
    """The form of the lines."""

    CONSOLE = "console"
    JSON = "json"
    JOURNALD = "journald"


def form_for(asked: str | None, stream: TextIO, environ: Mapping[str, str]) -> Form:
    """Return the form that is asked for; else the journal's, if it reads the stream."""
    if asked in [form.value for form in Form]:
        return Form(asked)
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return Form.CONSOLE
    journal = environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"
    return Form.JOURNALD if journal else Form.CONSOLE


class Log:
    """Prints lines to a stream. `verbose` prints those of the level `debug` too.

    Several threads may use it.
    """

    def __init__(self, stream: TextIO, *, form: Form, verbose: bool) -> None:
        self._stream, self._form, self._verbose = stream, form, verbose
        self._coloured = stream.isatty()
        self._narrator = Narrator(each=verbose or form is Form.JSON)
        self._lock = Lock()

    def listen(self, event: events.AnyEvent) -> None:
        """Print the lines of an event."""
        with self._lock:
            for record in self._narrator(event):
                self._print(record)

    def say(self, event: str, text: str, **fields: Any) -> None:
        """Print a line that comes from no event: the process starts, or ends."""
        with self._lock:
            self._print(Record("info", event, text, fields))

    def foreign(self, message: str, trace: str) -> None:
        """Print what a library said, or an error that nobody expected."""
        with self._lock:
            self._print(Record("warning", message, message, {"trace": trace} if trace else {}))

    def _print(self, record: Record) -> None:
        if record.level == "debug" and not self._verbose:
            return
        text, fields = printable(hidden(record.text, data=True), LONGEST), escaped(record.fields)
        if self._form is Form.JSON:
            event = printable(hidden(record.event, data=True), LONGEST)
            line = _json_line(record.level, event, text, fields)
        else:
            line = f"{self._before(record.level)}{text}"
            if "trace" in fields:
                line += f" trace={fields['trace']!r}"
        # A closed terminal or a full disk is no reason to stop.
        with contextlib.suppress(OSError):
            self._stream.write(f"{line}\n")
            self._stream.flush()

    def _before(self, level: str) -> str:
        """Return what precedes the text: the journal knows the time itself, a person the day."""
        if self._form is Form.JOURNALD:
            return f"<{_PRIORITIES[level]}>"
        now, word = datetime.now().astimezone(), f"{_SHORT.get(level, level):<5}"
        if not self._coloured:
            return f"{now.isoformat(timespec='seconds')} {word} "
        time = now.timetz().isoformat(timespec="seconds")
        return f"{_DIM}{time}{_PLAIN} {_LEVELS[level]}{word}{_PLAIN} "


def _json_line(level: str, event: str, text: str, fields: Mapping[str, Any]) -> str:
    time = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    parts = {"timestamp": time, "level": level, "event": event, "message": text}
    return json.dumps({**parts, **fields}, default=repr)


class Narrator:
    """Chooses the records of a log by what it has printed before.

    A sink that is in sync, at first or after trouble, is one line. Unless `each`, a failure that
    another part of the same source or sink has just reported is left out, and of many new entries
    of one cycle the first are shown, and then their number.
    """

    def __init__(self, *, each: bool) -> None:
        self._each = each
        self._in_sync: set[str] = set()
        self._registered: Counter[str] = Counter()
        self._failing: dict[Part, str] = {}
        self._muted: set[Part] = set()

    def __call__(self, event: events.AnyEvent) -> list[Record]:
        """Return the records to print, in order."""
        if isinstance(event, events.ConfigReloaded) and event.changed:
            self._forget()
        told = [] if self._is_told(event) and not self._each else list(records(event))
        if isinstance(event, events.CycleFinished):
            told += self._finished(event)
        return told

    def _forget(self) -> None:
        """Start over: the sources and sinks of before are not the present ones."""
        for known in (self._in_sync, self._registered, self._failing, self._muted):
            known.clear()

    def _is_told(self, event: events.AnyEvent) -> bool:
        match event:
            case events.ChangeApplied(change=Register()):
                self._registered[event.sink] += 1
                return self._registered[event.sink] > MANY
            case events.LoopFailed(loop=part):
                self._in_sync.discard(part.name)
                others = self._failing.keys() - self._muted - {part}
                said = {self._failing[one] for one in others if one.name == part.name}
                self._failing[part] = event.error
                (self._muted.add if event.error in said else self._muted.discard)(part)
                return part in self._muted
            case events.LoopRecovered(loop=part):
                muted = part in self._muted
                self._failing.pop(part, None)
                self._muted.discard(part)
                return muted
        return False

    def _finished(self, event: events.CycleFinished) -> list[Record]:
        sink, found = event.sink, []
        if (more := self._registered.pop(sink, 0) - MANY) > 0 and not self._each:
            text = f"{more} more registered in {sink} (-v shows each)"
            found.append(Record("info", "registered", text, {"sink": sink, "more": more}))
        if not event.in_sync:
            self._in_sync.discard(sink)
        elif sink not in self._in_sync:
            self._in_sync.add(sink)
            found.append(in_sync(event))
        return found
