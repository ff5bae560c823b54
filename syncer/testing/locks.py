"""The clause for sinks whose registry has locks; it is skipped if `locks` is `None`."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from syncer import Sink
from syncer.testing.clauses import Contract, clause

NAME, TTL = "contract", timedelta(seconds=10)


class LockClauses(Contract):
    """`locks`: one of two sinks holds a lock; the other gets it once it is released."""

    @clause("locks")
    def test_one_of_two_has_the_lock(self, sink: Sink, request: pytest.FixtureRequest) -> None:
        """The holder keeps it by taking it again; once released, the other gets it at once."""
        if sink.locks is None:
            pytest.skip("the sink has no locks")
        reopen: Callable[[], Sink] = request.getfixturevalue("reopen")
        mine, other = sink.locks, reopen().locks
        assert other
        assert mine.take(NAME, TTL)
        assert not other.take(NAME, TTL)
        assert other.take("another", TTL), "a lock of another name is another lock"
        other.release(NAME)
        assert not other.take(NAME, TTL), "only the holder can release a lock"
        assert mine.take(NAME, TTL)
        mine.release(NAME)
        assert other.take(NAME, TTL)
        assert not mine.take(NAME, TTL)
        for one in (mine, other, other):
            one.release(NAME)
        other.release("another")
