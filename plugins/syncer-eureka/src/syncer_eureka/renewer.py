"""Heartbeats: each instance at its own moment of the interval, over few connections."""

import hashlib
import heapq
import time
from collections.abc import Callable, Collection, Iterable
from math import ceil
from threading import Lock

from syncer import Registration, SyncerError
from syncer.kits.http import each
from syncer_eureka.api import Api
from syncer_eureka.form.decode import Token
from syncer_eureka.form.encode import status_of

#: How much faster than usual overdue renewals are made.
CATCH_UP = 3.0
#: So many at once are not a burst, however overdue.
FEW = 50


class Renewer:
    """Sends heartbeats that are due. `renew` is called from one thread.

    `restore` is called with a registration that the server has forgotten, and writes it again or
    returns false: then it is lost. `on_loss` is called with each lost one, and whether it is the
    first, before the rest is renewed: that may take long, and a server that forgot one may have
    forgotten all.
    """

    def __init__(
        self,
        api: Api,
        interval: float,
        workers: int,
        restore: Callable[[Registration], bool],
        on_loss: Callable[[Registration, bool], None],
    ) -> None:
        self._api, self._interval, self._workers = api, interval, workers
        self._restore, self._on_loss, self._clock = restore, on_loss, time.monotonic
        self._schedule = Schedule(interval)

    def written(self, id_: str) -> None:
        """Note that a registration was written, and so has a new lease."""
        self._schedule.renewed(id_, self._clock())

    def renew(self, held: Collection[Registration]) -> list[Registration]:
        """Renew those that are due; return the lost ones.

        Raises TemporaryError if no server answers; they stay due.
        """
        known = {one.id: one for one in held if one.version}
        due = self._schedule.due(known, self._clock())
        lost: list[Registration] = []
        try:
            for one, alive in each(self._one, [known[id_] for id_ in due], self._workers):
                if not alive:
                    self._on_loss(one, not lost)
                    lost.append(one)
        except SyncerError:
            if not lost:
                raise
            # The error comes again at the next call; losses are reported now.
        return lost

    def _one(self, one: Registration) -> tuple[Registration, bool]:
        token = Token.parse(one.version)
        alive = self._api.heartbeat(token.place, status_of(one.instance), token.dirty)
        if alive or self._restore(one):
            self._schedule.renewed(one.id, self._clock())
            return one, True
        # The next cycle registers it again, if it may.
        self._schedule.again(one.id, self._clock() + self._interval / 3)
        return one, False


class Schedule:
    """When each id is renewed: once in an interval, at its own moment, the same after a restart.

    All are spread evenly over the interval. Times are in seconds of one clock. Safe in threads.
    """

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
