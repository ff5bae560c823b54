"""Who is to be renewed when: each once in an interval, all spread evenly over it.

Pure but for what it remembers; times are in seconds of one clock.
"""

import hashlib
import heapq
from collections.abc import Iterable
from math import ceil
from threading import Lock

#: How much faster than usual what is overdue is caught up with.
CATCH_UP = 3.0
#: So many at once are no burst, however overdue.
FEW = 50


class Schedule:
    """Each id has its own moment in the interval, by its name: the same after a restart.

    Safe for threads.
    """

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._due: dict[str, float] = {}
        self._asked: float | None = None
        self._lock = Lock()

    def due(self, ids: Iterable[str], now: float) -> list[str]:
        """Those of the ids that are to be renewed now, the longest overdue first.

        What is seen for the first time is due at once: nobody knows when it was renewed last.
        After a start or an outage not all that is overdue comes at once, but as fast as CATCH_UP
        allows for the time since the last call, at most a tenth of the interval or a second.
        """
        held = set(ids)
        with self._lock:
            # What was written a moment ago may not be among the held ones yet.
            future = {id_: when for id_, when in self._due.items() if when > now}
            self._due = future | {id_: self._due.get(id_, now) for id_ in held}
            passed = 0.0 if self._asked is None else now - self._asked
            self._asked = now
            overdue = [(self._due[id_], id_) for id_ in held if self._due[id_] <= now]
        rate = CATCH_UP * len(held) / self._interval
        most = ceil(rate * min(passed, max(1.0, self._interval / 10)))
        return [id_ for _, id_ in heapq.nsmallest(max(FEW, most), overdue)]

    def renewed(self, id_: str, now: float) -> None:
        """It was renewed or written: due at its next moment, half an interval away or more."""
        earliest = now + self._interval / 2
        self.again(id_, earliest + (self._moment(id_) - earliest) % self._interval)

    def again(self, id_: str, at: float) -> None:
        """Ask about it again at this time."""
        with self._lock:
            self._due[id_] = at

    def _moment(self, id_: str) -> float:
        digest = hashlib.sha256(id_.encode("utf-8", "surrogatepass")).digest()
        return int.from_bytes(digest[:8], "big") / 2**64 * self._interval
