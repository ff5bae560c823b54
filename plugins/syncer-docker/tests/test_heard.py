"""What was heard last, and what a stream that is opened anew may repeat."""

import pytest

from syncer_docker.events.heard import Heard
from syncer_docker.events.parse import OVERLAP, Event, Kind

SECOND = 1_000_000_000
BEGAN = 1_700_000_000 * SECOND + 1


def event(at, id="1", kind=Kind.CHANGED):
    """An event so many seconds after the beginning."""
    return Event(kind, id, time=BEGAN + int(at * SECOND))


@pytest.fixture
def heard():
    return Heard()


def test_only_the_same_event_was_heard(heard):
    """Not another at the same moment, nor the same thing at another."""
    heard.add(event(0))
    assert event(0) in heard
    assert event(0, id="2") not in heard
    assert event(0, kind=Kind.ENDED) not in heard
    assert event(0.5) not in heard


def test_it_asks_for_all_that_may_have_been_missed(heard):
    """From a second before the last event, so that one told out of order is not lost."""
    assert heard.since() == ""
    heard.begin(0)
    assert heard.since() == ""
    heard.begin(BEGAN)
    heard.begin(BEGAN + 5 * SECOND)
    assert heard.since() == "1699999999.000000001"
    heard.add(event(2.5))
    assert heard.since() == "1700000001.500000001"
    heard.add(event(1.75))
    assert heard.since() == "1700000001.500000001"
    heard.add(event(-60))
    assert heard.since() == "1699999939.000000001"


@pytest.mark.parametrize("at", [1.5, -1.5, -3600])
def test_what_is_not_repeated_is_forgotten(heard, at):
    """What lies further away than the overlap, also when the engine's clock was set back."""
    heard.add(event(0))
    heard.add(event(at))
    assert event(0) not in heard
    assert event(at) in heard
    assert (heard._known, len(heard._recent)) == ({event(at)}, 1)


def test_all_that_may_be_repeated_is_known(heard):
    """Whatever their order."""
    events = [event(at) for at in (0.2, 0, 0.9, 0.4)]
    for one in events:
        heard.add(one)
    assert all(one in heard for one in events)
    assert OVERLAP == SECOND


def test_events_without_a_time_are_always_news(heard):
    """Nobody can tell one from the next."""
    heard.add(Event(Kind.SIGNALLED, "1"))
    assert Event(Kind.SIGNALLED, "1") not in heard
    assert heard.since() == ""


def test_of_whole_seconds_each_is_news(heard):
    """Two starts in one second look alike, where an engine tells no more."""
    start = Event(Kind.STARTED, "1", time=1_700_000_000 * SECOND)
    heard.add(start)
    assert start not in heard
    assert heard.since() == "1699999999.000000000"


def test_take_over(heard):
    """Another goes on from there, by itself."""
    heard.add(event(0))
    other = Heard()
    other.take_over(heard)
    heard.add(event(0.1))
    assert event(0) in other
    assert event(0.1) not in other
    assert other.since() == "1699999999.000000001"
