"""Which of several syncers writes: those that share one source agree by a lock in the registry.

Two on one swarm, or two that mirror one registry, would otherwise correct each other. The one that
has the lock writes, the others read, plan and renew, and one of them takes over when it is gone.
"""

from collections.abc import Callable
from datetime import timedelta

import attrs

from syncer.contracts import Sink
from syncer.errors import TemporaryError


@attrs.frozen(kw_only=True)
class Lock:
    """A lock by its name, and how long it outlives one who is gone."""

    name: str
    ttl: timedelta


class Election:
    """One process's part in it. `leads` may be asked from any thread, the rest is for one.

    The lock is asked for three times in its length, and who could not keep it stops writing a third
    of its length before another can have it: requests that are under way end meanwhile.
    """

    def __init__(self, sink: Sink, lock: Lock, clock: Callable[[], float]) -> None:
        self._sink, self._lock, self._clock = sink, lock, clock
        self._until = float("-inf")
        #: How often this process began to lead: what it knew before may be old by then.
        self.terms = 0

    @property
    def pause(self) -> float:
        """Seconds from one `campaign` to the next."""
        return self._lock.ttl.total_seconds() / 3

    def leads(self) -> bool:
        """Whether this process may write now."""
        return self._clock() < self._until

    def insist(self) -> Callable[[], None]:
        """What raises TemporaryError when this process, if it leads now, does so no more."""
        return self._expect_lead if self.leads() else lambda: None

    def _expect_lead(self) -> None:
        if not self.leads():
            raise TemporaryError("the lock was lost under way: another syncer may write now")

    def campaign(self) -> bool:
        """Ask for the lock, or keep it; returns whether this process leads. Raises SyncerError."""
        asked = self._clock()
        has = self._sink.take_lock(self._lock.name, self._lock.ttl)
        self.terms += has and not self.leads()
        self._until = asked + 2 * self.pause if has else float("-inf")
        return self.leads()

    def resign(self) -> None:
        """Let another lead at once, if this process did."""
        if self.leads():
            self._until = float("-inf")
            self._sink.release_lock(self._lock.name)
