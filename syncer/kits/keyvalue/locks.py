"""Locks of a store: a key for each, held by a lease or session of its own."""

from abc import abstractmethod
from datetime import timedelta
from threading import Lock

from syncer.api.contracts import Locks


class KeyLocks(Locks):
    """The locks of one sink; the holder of one renews its lease or session. Safe in threads.

    A subclass makes the requests.
    """

    def __init__(self) -> None:
        #: The lease or session with which each lock is held or was asked for. It stays if a
        #: request fails: the lock may be ours all the same, and must not wait for its end.
        self._held: dict[str, str] = {}
        self._busy = Lock()

    @abstractmethod
    def _make(self, name: str, ttl: timedelta) -> str:
        """Make a lease or session for a lock; return its id."""

    @abstractmethod
    def _renew(self, id_: str) -> bool:
        """Renew it; return whether it lives."""

    @abstractmethod
    def _end(self, id_: str) -> None:
        """End it, which releases its lock. It may have ended already."""

    @abstractmethod
    def _holder(self, name: str) -> str:
        """Return whose lease or session holds the lock's key, "" if it is free."""

    @abstractmethod
    def _acquire(self, name: str, id_: str) -> bool:
        """Write the lock's key if it is free; return whether it was."""

    def take(self, name: str, ttl: timedelta) -> bool:
        """Take or keep a lock for at least `ttl`; return whether it is held."""
        with self._busy:
            own = self._held.get(name, "")
            if own and not self._renew(own):
                del self._held[name]
                own = ""
            holder = self._holder(name)
            if not holder:
                own = self._held[name] = own or self._make(name, ttl)
                holder = own if self._acquire(name, own) else ""
            if own and holder == own:
                return True
            if own:
                self._end(own)
                del self._held[name]
            return False

    def release(self, name: str) -> None:
        """Release a lock, if it is held."""
        with self._busy:
            if own := self._held.pop(name, ""):
                self._end(own)
