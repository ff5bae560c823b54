"""The clause for sinks whose registry has locks; with `locks = False` it is skipped."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from syncer import Sink
from syncer.testing.clauses import Contract, clause

NAME, TTL = "contract", timedelta(seconds=10)


class LockClauses(Contract):
    """`locks`: one of two has a lock, and the other gets it when it is let go."""

    @clause("locks")
    def test_one_of_two_has_the_lock(self, sink: Sink, request: pytest.FixtureRequest) -> None:
        """Who has it keeps it by asking again; let go, it is the other's at once."""
        if not sink.locks:
            pytest.skip("the sink declares that it has no locks")
        reopen: Callable[[], Sink] = request.getfixturevalue("reopen")
        other = reopen()
        assert sink.take_lock(NAME, TTL)
        assert not other.take_lock(NAME, TTL)
        assert other.take_lock("another", TTL), "locks of other names are others"
        other.release_lock(NAME)
        assert not other.take_lock(NAME, TTL), "only who has a lock can let go of it"
        assert sink.take_lock(NAME, TTL)
        sink.release_lock(NAME)
        assert other.take_lock(NAME, TTL)
        assert not sink.take_lock(NAME, TTL)
        for one in (sink, other, other):
            one.release_lock(NAME)
        other.release_lock("another")
