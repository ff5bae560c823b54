"""When each id is renewed: once in an interval, all spread evenly over it.

Does no I/O; times are in seconds of one clock.
"""

import hashlib
import heapq
from collections.abc import Iterable
from math import ceil
from threading import Lock

#: How much faster than usual overdue renewals are made.
CATCH_UP = 3.0
#: So many at once are not a burst, however overdue.
FEW = 50


class Schedule:
    """Gives each id its own moment in the interval, the same after a restart. Safe in threads."""

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._due: dict[str, float] = {}
        self._asked: float | None = None
        self._lock = Lock()

    def due(self, ids: Iterable[str], now: float) -> list[str]:
        """Return the ids to be renewed now, the longest overdue first.

        A new id is due at once: its last renewal is unknown. After a start or an outage the
        overdue ids do not come all at once, but as fast as CATCH_UP allows for the time since the
        last call, at most a tenth of the interval or a second.
        """
        held = set(ids)
        with self._lock:
            # An id that was written a moment ago may not be among these yet.
            future = {id_: when for id_, when in self._due.items() if when > now}
            self._due = future | {id_: self._due.get(id_, now) for id_ in held}
            passed = 0.0 if self._asked is None else now - self._asked
            self._asked = now
            overdue = [(self._due[id_], id_) for id_ in held if self._due[id_] <= now]
        rate = CATCH_UP * len(held) / self._interval
        most = ceil(rate * min(passed, max(1.0, self._interval / 10)))
        return [id_ for _, id_ in heapq.nsmallest(max(FEW, most), overdue)]

    def renewed(self, id_: str, now: float) -> None:
        """Note a renewal or write: due at the next moment, at least half an interval away."""
        earliest = now + self._interval / 2
        self.again(id_, earliest + (self._moment(id_) - earliest) % self._interval)

    def again(self, id_: str, at: float) -> None:
        """Make an id due at this time."""
        with self._lock:
            self._due[id_] = at

    def _moment(self, id_: str) -> float:
        digest = hashlib.sha256(id_.encode("utf-8", "surrogatepass")).digest()
        return int.from_bytes(digest[:8], "big") / 2**64 * self._interval
