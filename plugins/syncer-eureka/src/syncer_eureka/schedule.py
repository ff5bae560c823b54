"""Who is to be renewed when: each once in an interval, all spread evenly over it.

Pure but for what it remembers; times are in seconds of one clock.
"""

import hashlib
import heapq
from collections.abc import Iterable
from math import ceil

#: How much faster than usual what is overdue may be caught up with.
CATCH_UP = 3.0


class Schedule:
    """Each id has its own moment in the interval, by its name: the same after a restart.

    Used by one thread, but for `written`.
    """

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._due: dict[str, float] = {}
        self._asked: float | None = None

    def due(self, ids: Iterable[str], now: float) -> list[str]:
        """Those of the ids that are to be renewed now, the longest overdue first.

        What is seen for the first time is due at once: nobody knows when it was renewed last.
        After a pause, not all that is overdue comes at once, but as fast as CATCH_UP allows.
        """
        held = set(ids)
        known, news = self._due, [id_ for id_ in held if id_ not in self._due]
        passed = self._interval if self._asked is None else now - self._asked
        self._asked = now
        overdue = [id_ for id_, when in list(known.items()) if id_ in held and when <= now]
        if len(known) > 2 * len(held) + 100:
            self._due = {id_: when for id_, when in list(known.items()) if id_ in held}
        most = ceil(CATCH_UP * len(held) * min(passed, self._interval) / self._interval)
        return news + heapq.nsmallest(max(1, most), overdue, key=lambda id_: known[id_])

    def renewed(self, id_: str, now: float) -> None:
        """It was renewed or written: due again at its next moment, half an interval away or more."""
        earliest = now + self._interval / 2
        self._due[id_] = earliest + (self._moment(id_) - earliest) % self._interval

    def again(self, id_: str, at: float) -> None:
        """Ask about it again at this time."""
        self._due[id_] = at

    def _moment(self, id_: str) -> float:
        digest = hashlib.sha256(id_.encode("utf-8", "surrogatepass")).digest()
        return int.from_bytes(digest[:8], "big") / 2**64 * self._interval
