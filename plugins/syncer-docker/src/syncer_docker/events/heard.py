"""The events that were heard last, so that a stream opened anew neither misses nor repeats any."""

import threading
from collections import deque

from syncer_docker.events.parse import OVERLAP, Event, since_text

#: A second, in nanoseconds.
SECOND = 1_000_000_000


class Heard:
    """How far the events of an engine were heard. One thread adds; another may copy meanwhile.

    A new stream begins a second before the last event, since events may be told out of order. What
    it repeats must not count twice: a stop signal that its container lived through would have that
    drained again, and a start would end a stop that was announced after it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until = 0
        self._recent: deque[Event] = deque()
        self._known: set[Event] = set()

    def __contains__(self, event: Event) -> bool:
        return event in self._known

    def add(self, event: Event) -> None:
        """This event was heard, and all that follows from it is noted."""
        if not event.time:
            return
        with self._lock:
            near = abs(event.time - self._until) <= OVERLAP  # else a clock was set back
            self._until = max(event.time, self._until) if near else event.time
            if event.time % SECOND:  # an engine that tells whole seconds may mean two events
                self._recent.append(event)
                self._known.add(event)
            while self._recent and abs(self._until - self._recent[0].time) > OVERLAP:
                self._known.discard(self._recent.popleft())

    def begin(self, now: int) -> None:
        """Nothing before this time, in nanoseconds, is to be heard; 0: it is not known."""
        self._until = self._until or now

    def since(self) -> str:
        """What asks the engine for all that was not heard yet; "" before anything was."""
        return since_text(self._until) if self._until else ""

    def take_over(self, former: "Heard") -> None:
        """Go on from where another has come to."""
        with former._lock:
            until, recent = former._until, former._recent.copy()
        with self._lock:
            self._until, self._recent, self._known = until, recent, set(recent)
