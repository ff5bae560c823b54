"""The position in an event stream, and what a reopened stream may repeat."""

import weakref

import pytest

from syncer_docker.events.parse import SECOND, Event, EventKind
from syncer_docker.events.position import OVERLAP, Position

BEGAN = 1_700_000_000 * SECOND + 1


def event(at, id="1", kind=EventKind.CHANGED):
    """An event so many seconds after the beginning."""
    return Event(kind, id, time=BEGAN + int(at * SECOND))


@pytest.fixture
def position():
    return Position()


def test_only_the_same_event_is_known(position):
    """Not another at the same moment, nor the same thing at another."""
    position.record(event(0))
    assert event(0) in position
    assert event(0, id="2") not in position
    assert event(0, kind=EventKind.ENDED) not in position
    assert event(0.5) not in position


def test_it_asks_for_all_that_may_have_been_missed(position):
    """From a second before the last event, so that one out of order is not lost."""
    assert position.since() == ""
    position.begin(0)
    assert position.since() == ""
    position.begin(BEGAN)
    position.begin(BEGAN + 5 * SECOND)
    assert position.since() == "1699999999.000000001"
    position.record(event(2.5))
    assert position.since() == "1700000001.500000001"
    position.record(event(1.75))
    assert position.since() == "1700000001.500000001"
    position.record(event(-60))
    assert position.since() == "1699999939.000000001"


@pytest.mark.parametrize("at", [1.5, -1.5, -3600])
def test_what_is_not_repeated_is_forgotten(position, at):
    """What lies further away than the overlap, also when the engine's clock was set back."""
    first = event(0)
    position.record(first)
    kept = weakref.ref(first)
    del first
    position.record(event(at))
    assert event(0) not in position
    assert event(at) in position
    assert kept() is None


def test_all_that_may_be_repeated_is_known(position):
    """Whatever their order."""
    events = [event(at) for at in (0.2, 0, 0.9, 0.4)]
    for one in events:
        position.record(one)
    assert all(one in position for one in events)
    assert OVERLAP == SECOND


def test_times_are_to_the_nanosecond_and_not_negative():
    """An engine's clock may be just after 1970."""
    for began, since in ((5_000_000_001, "4.000000001"), (1, "0.000000000")):
        position = Position()
        position.begin(began)
        assert position.since() == since


def test_events_without_a_time_are_always_news(position):
    """Nobody can tell one from the next."""
    position.record(Event(EventKind.SIGNALLED, "1"))
    assert Event(EventKind.SIGNALLED, "1") not in position
    assert position.since() == ""


def test_of_whole_seconds_each_is_news(position):
    """Two starts in one second are equal if the engine reports whole seconds."""
    start = Event(EventKind.STARTED, "1", time=1_700_000_000 * SECOND)
    position.record(start)
    assert start not in position
    assert position.since() == "1699999999.000000000"


def test_take_over(position):
    """Another goes on from there, by itself."""
    position.record(event(0))
    other = Position()
    other.take_over(position)
    position.record(event(0.1))
    assert event(0) in other
    assert event(0.1) not in other
    assert other.since() == "1699999999.000000001"
