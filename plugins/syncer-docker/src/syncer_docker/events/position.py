"""The position in an event stream, so that the next stream neither misses nor repeats events."""

import threading
from collections import deque

from syncer_docker.events.parse import SECOND, Event

#: Nanoseconds by which events may arrive out of order.
OVERLAP = SECOND


class Position:
    """How far an engine's events have been read. One thread records; others may copy.

    A new stream begins one second before the last event, since events may arrive out of order.
    Repeated events must not count twice: a stop signal that its container survived would drain it
    again, and a start would cancel a stop announced after it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until = 0
        self._recent: deque[Event] = deque()
        self._known: set[Event] = set()

    def __contains__(self, event: Event) -> bool:
        return event in self._known

    def record(self, event: Event) -> None:
        """Note that this event has been handled."""
        if not event.time:
            return
        with self._lock:
            near = abs(event.time - self._until) <= OVERLAP  # otherwise a clock was set back
            self._until = max(event.time, self._until) if near else event.time
            if event.time % SECOND:  # in whole seconds, equal events may be two
                self._recent.append(event)
                self._known.add(event)
            while self._recent and abs(self._until - self._recent[0].time) > OVERLAP:
                self._known.discard(self._recent.popleft())

    def begin(self, now: int) -> None:
        """Begin at this time in nanoseconds (0: unknown), unless events have been read."""
        self._until = self._until or now

    def since(self) -> str:
        """Return the `since` that requests all unread events; "" before the first."""
        if not self._until:
            return ""
        seconds, nanos = divmod(max(0, self._until - OVERLAP), SECOND)
        return f"{seconds}.{nanos:09d}"

    def take_over(self, former: "Position") -> None:
        """Continue from the position of another."""
        with former._lock:
            until, recent = former._until, former._recent.copy()
        with self._lock:
            self._until, self._recent, self._known = until, recent, set(recent)
