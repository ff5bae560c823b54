"""The one lease that all entries of a sink hang on.

It is found again after a restart by the entries that hang on it, so that it lives on. Where
entries hang on several, the one with most of them is kept, and the sink moves the others onto it:
two syncers that keep the same entries agree on it in this way, without a word to each other. Only
a process that begins, and asks for another length, moves all to a lease of its own.
"""

import random
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from threading import Lock

from syncer import TemporaryError
from syncer_etcd.client import Client

_LARGEST = 2**63 - 1
#: Seconds for ending an empty lease at the end.
_FAREWELL = 1.0


class LeaseKeeper:
    """Grants, finds and renews the lease. Safe in threads."""

    def __init__(self, client: Client, ttl: float, timeout: float) -> None:
        self._client, self._ttl = client, round(ttl)
        # A pause of a third, and two renewals that get no answer: then the lease still lives.
        self._timeout = min(timeout, ttl / 4)
        self._current = 0
        self._asked = 0
        #: Found when we began, and not as long as is asked for now.
        self._unfit: set[int] = set()
        self._lock = Lock()

    @property
    def current(self) -> int:
        """The lease's id; 0 while there is none."""
        return self._current

    def obtain(self, candidates: Mapping[int, int]) -> int:
        """The lease to put entries on: the one there is, one that is found, or a new one.

        `candidates` says how many entries of ours hang on each lease that was listed.
        """
        with self._lock:
            return self._current or self._found(candidates) or self._grant()

    def find(self, candidates: Mapping[int, int]) -> None:
        """Take on a lease of an earlier process, if there is none yet."""
        with self._lock:
            if not self._current:
                self._found(candidates)

    def follow(self, counts: Mapping[int, int]) -> None:
        """Change over to the lease that most entries hang on, if it lives."""
        with self._lock:
            fit = {id_: count for id_, count in counts.items() if id_ not in self._unfit}
            if not self._current or not fit:
                return
            best = _most(fit)
            more = (counts[best], -best) > (counts.get(self._current, 0), -self._current)
            if more and self._client.granted(best):
                self._current = best

    def renew(self, leases: Iterable[int]) -> Collection[int]:
        """Keep these leases and the own one alive; returns those that are dead."""
        # Without the lock: a write must not wait for an answer that does not come.
        alive = {
            id_: self._client.keep_alive(id_, self._timeout)
            for id_ in {*leases, self._current} - {0}
        }
        dead = [id_ for id_, lives in alive.items() if not lives]
        for id_ in dead:
            self.lost(id_)
        return dead

    def lost(self, id_: int) -> None:
        """The lease is dead: the next write gets another."""
        with self._lock:
            if self._current == id_:
                self._current = 0

    def close(self) -> None:
        """End the lease if nothing hangs on it; otherwise it keeps the entries for its length."""
        if self._current:
            self._client.revoke_empty(self._current, _FAREWELL)

    def _found(self, candidates: Mapping[int, int]) -> int:
        """The lease with most entries, if it lives and is as long as it should be."""
        living = Counter(candidates)
        living.pop(0, None)
        if living:
            best = _most(living)
            if self._client.granted(best) == self._ttl:
                self._current = best
            else:
                self._unfit.add(best)
        return self._current

    def _grant(self) -> int:
        # With an id of our own, so that a repetition does not make another.
        self._asked = self._asked or random.randint(1, _LARGEST)
        if not self._client.grant(self._asked, self._ttl):
            self._asked = 0
            raise TemporaryError("the lease ran out while it was granted")
        self._current, self._asked = self._asked, 0
        return self._current


def _most(counts: Mapping[int, int]) -> int:
    return min(counts, key=lambda id_: (-counts[id_], id_))
