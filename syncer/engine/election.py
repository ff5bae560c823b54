"""Which of several syncers writes: those that share a source agree by a lock in the registry.

Two on one swarm, or two that mirror one registry, would otherwise undo each other's changes. The
holder of the lock writes; the others read, plan and renew, and one takes over when it is gone.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import timedelta

import attrs

from syncer.api.changes import Change, Outcome, Plan, Skip, SkipKind
from syncer.api.contracts import Locks
from syncer.api.errors import TemporaryError
from syncer.api.keys import Part
from syncer.engine.loops import Backoff, Loop, Wakes
from syncer.events import AnyEvent, Elected


@attrs.frozen(kw_only=True)
class Lock:
    """A lock by its name, and how long it outlives a holder that is gone."""

    name: str
    ttl: timedelta


class LeadLost(TemporaryError):
    """This process led when it began to write, and must not go on writing."""


class Election:
    """This process's part in the election for one sink. `leads` may be called from any thread.

    The lock is taken three times in its length. A process that could not keep it stops writing a
    third of its length before another can take it, so that running requests end before that.
    """

    def __init__(
        self,
        sink: str,
        locks: Locks,
        lock: Lock,
        *,
        emit: Callable[[AnyEvent], None],
        clock: Callable[[], float],
    ) -> None:
        self._sink, self._locks, self._lock = sink, locks, lock
        self._emit, self._clock = emit, clock
        self._until = float("-inf")
        self._told: bool | None = None
        self._broke_off = False
        #: How often this process began to lead: what it knew before may be out of date by then.
        self.terms = 0

    @property
    def pause(self) -> float:
        """The seconds from one `campaign` to the next."""
        return self._lock.ttl.total_seconds() / 3

    def leads(self) -> bool:
        """Return whether this process may write now."""
        return self._clock() < self._until

    def only_if_leading(self, plan: Plan) -> Plan:
        """Return the plan, without its changes if this process may not write."""
        if self.leads():
            return plan
        text = "another syncer holds the lock, or the holder is not known yet"
        return plan.hold({c.id: Skip(c.id, SkipKind.STANDBY, text) for c in plan.changes})

    def require_lead(self) -> Callable[[], None]:
        """Return a function that raises LeadLost once this process, if it leads now, does not."""
        return self._expect_lead if self.leads() else lambda: None

    def _expect_lead(self) -> None:
        if not self.leads():
            self._broke_off = True
            raise LeadLost("the lock was lost meanwhile: another syncer may write now")

    def campaign(self) -> bool:
        """Take the lock, or keep it; return whether this process leads. Raises SyncerError."""
        asked = self._clock()
        try:
            has = self._locks.take(self._lock.name, self._lock.ttl)
            if has and (self._broke_off or not self.leads()):
                self.terms += 1
                self._broke_off = False
            self._until = asked + 2 * self.pause if has else float("-inf")
        finally:
            if (leads := self.leads()) is not self._told:
                self._told = leads
                self._emit(Elected(sink=self._sink, leads=leads))
        return leads

    def loop(self, won: Callable[[], None] = lambda: None) -> Loop:
        """Return a loop that campaigns, and calls `won` when a term begins.

        After a failure it campaigns again soon enough to keep the lock.
        """

        def work(wakes: Wakes) -> float:
            terms = self.terms
            self.campaign()
            if self.terms != terms:  # also after a moment without the lead, too short to tell
                won()
            return self.pause

        name = Part("election", self._sink)
        return Loop(name, work, self._emit, backoff=Backoff(1.0, self.pause))

    @contextmanager
    def campaigning(self) -> Iterator[None]:
        """Campaign, and if this process leads keep the lock while the block runs.

        Raises what `campaign` raises.
        """
        leads, loop = self.campaign(), self.loop()
        if leads:
            loop.start(after=self.pause)
        try:
            yield
        finally:
            loop.stop()
            # If a request still runs after that, the lock is left to expire.
            loop.join(self.pause)

    def resign(self) -> None:
        """Release the lock if this process leads, so that another can lead at once."""
        if self.leads():
            self._until = float("-inf")
            self._locks.release(self._lock.name)


def without_left(plan: Plan, changes: Collection[Change], outcomes: Collection[Outcome]) -> Plan:
    """Hold back those of these changes that have no outcome since the lead was lost."""
    tried = {outcome.change.id for outcome in outcomes}
    text = "another syncer may hold the lock now, and continues with the rest"
    return plan.hold({c.id: Skip(c.id, SkipKind.LOST, text) for c in changes if c.id not in tried})
