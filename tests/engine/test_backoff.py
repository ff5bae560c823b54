"""Delays between tries."""

from hypothesis import given
from hypothesis import strategies as st

from syncer.engine.loops import Backoff, jittered


def test_delays_double_up_to_the_cap():
    """Without jitter the steps are 1, 2, 4, ... and then the cap."""
    backoff = Backoff(1.0, 30.0, rand=lambda: 1.0)
    assert [backoff.next() for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]


@given(st.floats(0, 1), st.integers(1, 50))
def test_the_jitter_keeps_half_of_the_step(chance, tries):
    """A delay lies between half and the whole of the step."""
    backoff = Backoff(1.0, 30.0, rand=lambda: chance)
    delay = [backoff.next() for _ in range(tries)][-1]
    step = min(30.0, 2.0 ** (tries - 1))
    assert step / 2 <= delay <= step


def test_there_is_no_upper_count():
    """However many failures there were, the next delay is the cap."""
    backoff = Backoff(1.0, 30.0, rand=lambda: 1.0)
    backoff.failures = 10**9
    assert backoff.next() == 30.0


def test_a_success_starts_over_and_returns_the_failures():
    """After a success the first step comes again."""
    backoff = Backoff(1.0, 30.0, rand=lambda: 1.0)
    backoff.next(), backoff.next()
    assert backoff.reset() == 2
    assert backoff.reset() == 0
    assert backoff.next() == 1.0


def test_an_interval_varies_by_a_tenth():
    """Many hosts with one interval do not ask in step."""
    assert jittered(30, rand=lambda: 0.0) == 27.0
    assert jittered(30, rand=lambda: 1.0) == 33.0
    assert len({jittered(30) for _ in range(20)}) > 1
