"""Which of several syncers writes: those that share one source agree by a lock in the registry.

Two on one swarm, or two that mirror one registry, would otherwise correct each other. The one that
has the lock writes, the others read, plan and renew, and one of them takes over when it is gone.
"""

from collections.abc import Callable, Collection, Hashable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import attrs

from syncer.api.changes import Change, Outcome, Plan, Skip
from syncer.api.contracts import Locks
from syncer.api.errors import TemporaryError
from syncer.engine.loops import Backoff, Loop
from syncer.events import AnyEvent, Elected

Emit = Callable[[AnyEvent], None]


@attrs.frozen(kw_only=True)
class Lock:
    """A lock by its name, and how long it outlives one who is gone."""

    name: str
    ttl: timedelta


class LeadLost(TemporaryError):
    """This process led when it began to write, and may not go on."""


class Election:
    """One process's part in it. `leads` may be asked from any thread, the rest is for one.

    The lock is asked for three times in its length, and who could not keep it stops writing a third
    of its length before another can have it: requests that are under way end meanwhile.
    """

    def __init__(self, locks: Locks, lock: Lock, clock: Callable[[], float]) -> None:
        self._locks, self._lock, self._clock = locks, lock, clock
        self._until = float("-inf")
        #: How often this process began to lead: what it knew before may be old by then.
        self.terms = 0
        self._broke_off = False

    @property
    def pause(self) -> float:
        """Seconds from one `campaign` to the next."""
        return self._lock.ttl.total_seconds() / 3

    def leads(self) -> bool:
        """Whether this process may write now."""
        return self._clock() < self._until

    def permitted(self, plan: Plan) -> Plan:
        """The plan, without its changes while this process may not write."""
        if self.leads():
            return plan
        text = "another syncer writes here, or it is not known yet"
        return plan.hold({c.id: Skip(c.id, "standby", text) for c in plan.changes})

    def insist(self) -> Callable[[], None]:
        """What raises LeadLost when this process, if it leads now, does so no more."""
        return self._expect_lead if self.leads() else lambda: None

    def _expect_lead(self) -> None:
        if not self.leads():
            self._broke_off = True
            raise LeadLost("the lock was lost under way: another syncer may write now")

    def campaign(self) -> bool:
        """Ask for the lock, or keep it; returns whether this process leads. Raises SyncerError."""
        asked = self._clock()
        has = self._locks.take(self._lock.name, self._lock.ttl)
        if has and (self._broke_off or not self.leads()):
            self.terms += 1
            self._broke_off = False
        self._until = asked + 2 * self.pause if has else float("-inf")
        return self.leads()

    def resign(self) -> None:
        """Let another lead at once, if this process did."""
        if self.leads():
            self._until = float("-inf")
            self._locks.release(self._lock.name)


def without_left(plan: Plan, changes: Collection[Change], outcomes: Collection[Outcome]) -> Plan:
    """The plan without those of these changes that have no outcome, since the lead was lost."""
    tried = {outcome.change.id for outcome in outcomes}
    text = "another may write here now, and goes on with what was left"
    return plan.hold({c.id: Skip(c.id, "lost", text) for c in changes if c.id not in tried})


class ElectionWork:
    """Campaigns for one sink, and tells when that changes who writes."""

    def __init__(self, name: str, election: Election, emit: Emit, won: Callable[[], None]) -> None:
        self._name, self._election, self._emit, self._won = name, election, emit, won
        self._told: bool | None = None

    def __call__(self, wakes: frozenset[Hashable]) -> float:
        """Campaign once; returns the seconds until the next time."""
        terms = self._election.terms
        try:
            self._election.campaign()
        finally:
            leads = self._election.leads()
            if leads is not self._told:
                self._told = leads
                self._emit(Elected(sink=self._name, leads=leads))
            if self._election.terms != terms:  # also after a moment without it, too short to tell
                self._won()
        return self._election.pause


def election_loop(name: str, election: Election, work: ElectionWork, emit: Emit) -> Loop:
    """A loop that campaigns; after a failure again soon enough to keep the lock."""
    return Loop(f"election {name}", work, emit, backoff=Backoff(1.0, election.pause))


@contextmanager
def campaigning(name: str, election: Election | None, emit: Emit) -> Iterator[None]:
    """Campaign once, raising what that raises; who leads then keeps on while the block runs.

    Without an election there is nobody to agree with.
    """
    if election is None:
        yield
        return
    work = ElectionWork(name, election, emit, lambda: None)
    pause = work(frozenset())
    loop = election_loop(name, election, work, emit)
    if election.leads():
        loop.start(after=pause)
    try:
        yield
    finally:
        loop.stop()
        # A request that is still under way then leaves the lock to run out.
        loop.join(pause)
