"""Heartbeats are spread evenly over the interval, by a clock that the tests move."""

from collections import Counter

import pytest

from syncer.testing import ManualClock
from syncer_eureka.renewer import CATCH_UP, FEW, Schedule

INTERVAL = 30.0
MANY = [f"host1:web{n}:{8000 + n}" for n in range(5000)]
#: On average in one second.
RATE = len(MANY) / INTERVAL


class Run:
    """Asks each second who is due, and renews them; remembers who was renewed when."""

    def __init__(self, ids, schedule=None, clock=None):
        self.ids, self.clock = list(ids), clock or ManualClock()
        self.schedule = schedule or Schedule(INTERVAL)
        self.load, self.last, self.gaps = Counter(), {}, []
        self.start = self.clock.now

    def seconds(self, count, *, alive=True):
        for _ in range(count):
            now = self.clock.advance(1.0)
            due = self.schedule.due(self.ids, now)
            assert len(due) == len(set(due))
            self.load[now] = len(due)
            for id_ in due if alive else ():
                if id_ in self.last:
                    self.gaps.append(now - self.last[id_])
                self.last[id_] = now
                self.schedule.renewed(id_, now)


@pytest.fixture
def run():
    """5,000 instances that were just registered, all in one second."""
    run = Run(MANY)
    for id_ in MANY:
        run.schedule.renewed(id_, run.clock.now)
        run.last[id_] = run.clock.now
    return run


def test_five_thousand_are_spread_evenly(run):
    """No second has more than half as much again as the average, and every one is in time."""
    run.seconds(600)
    settled = [load for when, load in run.load.items() if when > run.start + 2 * INTERVAL]
    assert max(settled) < 1.5 * RATE
    assert min(settled) > 0.5 * RATE
    assert max(run.gaps) <= 1.5 * INTERVAL + 1
    assert set(run.last) == set(MANY)


def test_after_the_first_round_each_has_its_own_moment(run):
    """From then on every instance is renewed exactly once in each interval."""
    run.seconds(60)
    run.gaps.clear()
    run.seconds(300)
    assert {round(gap) for gap in run.gaps} <= {29, 30, 31}
    assert len(run.gaps) == pytest.approx(10 * len(MANY), rel=0.01)


def test_the_moments_survive_a_restart():
    """What was spread stays spread: a moment depends on nothing but the name."""
    ids = MANY[:100]
    one, two = Schedule(INTERVAL), Schedule(INTERVAL)
    for id_ in ids:
        one.renewed(id_, 1000.0)
        two.renewed(id_, 1000.0 + 7 * INTERVAL)
    assert one.due(ids, 1030.0) == two.due(ids, 1030.0 + 7 * INTERVAL)


def test_a_start_is_no_burst():
    """Nobody knows when they were renewed last: as soon as possible, but not all at once."""
    run = Run(MANY)
    run.seconds(15)
    assert max(run.load.values()) <= CATCH_UP * RATE + 1
    assert set(run.last) == set(MANY)


def test_few_are_renewed_at_once():
    """At a start a handful does not wait."""
    run = Run(MANY[:FEW])
    run.seconds(1)
    assert set(run.last) == set(MANY[:FEW])


def test_after_an_outage_there_is_no_burst(run):
    """What became overdue while no server answered is caught up with in bounded steps."""
    run.seconds(90)
    run.seconds(120, alive=False)
    run.load.clear()
    run.seconds(15)
    assert max(run.load.values()) <= CATCH_UP * RATE + 1
    assert {when > run.clock.now - 16 for when in run.last.values()} == {True}


def test_after_a_long_pause_there_is_no_burst(run):
    """As after a host was suspended, or a call took long."""
    run.seconds(60)
    run.clock.advance(3600)
    run.load.clear()
    run.seconds(1)
    assert max(run.load.values()) <= CATCH_UP * RATE * INTERVAL / 10 + 1


def test_the_longest_overdue_come_first():
    """Order is by urgency, not by name."""
    schedule = Schedule(INTERVAL)
    ids = MANY[:10]
    for place, id_ in enumerate(reversed(ids)):
        schedule.again(id_, 100.0 + place)
    assert schedule.due(ids, 200.0) == ids[::-1]


def test_what_is_gone_is_forgotten(run):
    """Ids that nobody holds any more do not pile up."""
    run.ids = MANY[:10]
    run.seconds(60)
    assert len(run.schedule._due) == 10


def test_what_is_written_before_it_is_held_is_not_due_again():
    """A cycle writes for a while before what it wrote is held: that is no reason to renew it."""
    schedule = Schedule(INTERVAL)
    schedule.renewed("a", 1000.0)
    assert schedule.due([], 1001.0) == []
    assert schedule.due(["a"], 1002.0) == []
