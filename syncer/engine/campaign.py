"""Asking for a lock again and again, in a thread beside what is written meanwhile."""

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager

from syncer.engine.backoff import Backoff
from syncer.engine.election import Election
from syncer.engine.loops import Loop
from syncer.events import AnyEvent, Elected

Emit = Callable[[AnyEvent], None]


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
