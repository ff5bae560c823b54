"""The page's memory of events: the latest log lines, and repaired drift.

It listens in the engine's threads, so it is quick and takes one lock.
"""

import threading
from collections import deque
from collections.abc import Mapping
from datetime import datetime, timezone
from itertools import takewhile
from typing import Any

import attrs

from syncer.api.text import printable
from syncer.events import AnyEvent, ChangeApplied, lines

#: How much is kept: lines for a page that connects, lines for a page that lags, and drift.
LINES, BEHIND, DRIFT = 200, 1000, 200


@attrs.frozen
class Line:
    """A log line. Each has the next higher `number`.

    `message` is a stable word for machines, `text` the sentence for people.
    """

    number: int
    time: str
    level: str
    message: str
    text: str
    fields: Mapping[str, Any]

    def plain(self) -> dict[str, Any]:
        """Return it as JSON types."""
        return {**attrs.asdict(self, recurse=False), "fields": dict(self.fields)}


class Board:
    """Listens to an engine, and keeps the latest lines."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._recent: deque[Line] = deque(maxlen=BEHIND)
        self._lines: deque[Line] = deque(maxlen=LINES)
        self._drift: deque[dict[str, Any]] = deque(maxlen=DRIFT)
        #: The number of the last line.
        self.number = 0
        #: Whether it was closed: no more lines come.
        self.closed = False

    def __call__(self, event: AnyEvent) -> None:
        """Add the lines of an event, and wake the threads that wait for one."""
        records = list(lines.records(event))
        now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        with self._changed:
            if isinstance(event, ChangeApplied) and event.drift:
                action = type(event.change).__name__.lower()
                change = {"action": action, **_shown(lines.described(event.change))}
                self._drift.append({"time": now, "sink": event.sink, **change})
            for record in records:
                self.number += 1
                word, text = (printable(one, lines.LONGEST) for one in (record.event, record.text))
                fields = _shown(record.fields)
                line = Line(self.number, now, record.level, word, text, fields)
                self._recent.append(line)
                if record.level != "debug":
                    self._lines.append(line)
            self._changed.notify_all()

    def lines(self) -> tuple[Line, ...]:
        """Return the latest lines, oldest first, without those of the level `debug`."""
        with self._changed:
            return tuple(self._lines)

    def drift(self) -> tuple[Mapping[str, Any], ...]:
        """Return the latest repairs of entries that others had changed, oldest first."""
        with self._changed:
            return tuple(self._drift)

    def wait(self, after: int, timeout: float) -> tuple[Line, ...] | None:
        """Wait for lines after this number, and return all of them, those of `debug` too.

        Returns none after `timeout` seconds or once closed. Returns `None` if lines are missing:
        some were dropped already, or the number is of an earlier process and higher than any.
        """
        with self._changed:
            self._changed.wait_for(lambda: self.number != after or self.closed, timeout)
            if after > self.number or (self._recent and self._recent[0].number > after + 1):
                return None
            news = takewhile(lambda line: line.number > after, reversed(self._recent))
            return tuple(news)[::-1]

    def close(self) -> None:
        """Wake all waiting threads, for good."""
        with self._changed:
            self.closed = True
            self._changed.notify_all()


def _shown(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Escape the fields as in the log, and leave out a plugin's stack trace."""
    return lines.escaped({key: value for key, value in fields.items() if key != "trace"})
