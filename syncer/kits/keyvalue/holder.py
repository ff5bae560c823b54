"""The lease or session that holds all entries of a sink, and whose end removes them."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from threading import Lock

#: How many entries each lease or session holds, by its id.
Counts = Mapping[str, int]


class Holder(ABC):
    """Makes, finds and renews the lease or session. Safe in threads.

    After a restart it is found by the entries that it holds, so that it lives on. If several hold
    our entries, the one with most of them is used, of equals the one with the smallest id, and
    the sink moves the other entries to it: two syncers that register the same entries agree on
    one without a message to each other. Only a process that begins with other settings moves all
    entries to a lease of its own.

    A subclass makes the requests.
    """

    def __init__(self) -> None:
        self._current = ""
        #: Found at the start, and not with the settings of now.
        self._unfit: set[str] = set()
        self._lock = Lock()

    @abstractmethod
    def _make(self) -> str:
        """Make a lease or session; return its id."""

    @abstractmethod
    def _lives(self, id_: str) -> bool:
        """Whether it lives."""

    @abstractmethod
    def _fits(self, id_: str) -> bool:
        """Whether it lives, and is as the settings want it."""

    @abstractmethod
    def _renew(self, id_: str) -> bool:
        """Renew it for its whole length; return whether it lives."""

    @property
    def current(self) -> str:
        """The id; "" if there is none yet."""
        return self._current

    def obtain(self, counts: Counts) -> str:
        """Return the id to write entries with: the current one, one that is found, or a new one."""
        with self._lock:
            if not self._current and not self._find(counts):
                self._current = self._make()
            return self._current

    def find(self, counts: Counts) -> None:
        """Take over the one of an earlier process, if there is none yet."""
        with self._lock:
            if not self._current:
                self._find(counts)

    def follow(self, counts: Counts) -> None:
        """Change to the one that holds most entries, if it lives."""
        with self._lock:
            if self._current:
                fit = {id_: n for id_, n in counts.items() if id_ not in self._unfit}
                best = _most({self._current: 0, **fit})
                if best != self._current and self._lives(best):
                    self._current = best

    def renew(self, ids: Collection[str]) -> Collection[str]:
        """Renew these and the current one; return those that are dead."""
        # Without the lock: a write must not wait for an answer that does not come.
        dead = [id_ for id_ in {*ids, self._current} - {""} if not self._renew(id_)]
        for id_ in dead:
            self.lost(id_)
        return dead

    def lost(self, id_: str) -> None:
        """Note that it is dead: the next write gets another."""
        with self._lock:
            if self._current == id_:
                self._current = ""

    def _find(self, counts: Counts) -> str:
        if counts:
            best = _most(counts)
            if self._fits(best):
                self._current = best
            else:
                self._unfit.add(best)
        return self._current


def _most(counts: Counts) -> str:
    return min(counts, key=lambda id_: (-counts[id_], id_))
