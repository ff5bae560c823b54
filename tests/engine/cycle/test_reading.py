"""Reading a sink, also while changes are being made in it."""

import threading

import pytest
from fakes import held

from syncer import Sink, TemporaryError, View
from syncer.engine.cycle.reading import Reading, ReadState
from syncer.testing import wait_until


class Scripted(Sink):
    """Gives one answer after the other; an error is raised, a function called for its answer."""

    reads_beside = True

    def __init__(self, *answers):
        self.answers = list(answers)

    def registrations(self):
        answer = self.answers.pop(0)
        if callable(answer):
            answer = answer()
        if isinstance(answer, Exception):
            raise answer
        return View(answer)

    register = update = deregister = None


OLD, NEW = held("h:a:80"), held("h:b:80")


def started(*answers):
    """A reading whose sink was read once, and then gives these answers."""
    reading = Reading(Scripted((), *answers))
    reading.take({})
    return reading


def read_ahead(reading):
    assert reading.begin()
    reading.read_ahead()


def test_what_was_read_ahead_is_taken_once():
    """The next is read when it is asked for."""
    reading = started((OLD,), (NEW,))
    read_ahead(reading)
    assert reading.take({})[1] == {OLD.id: OLD}
    assert reading.take({})[1] == {NEW.id: NEW}


def test_one_read_at_a_time():
    """From its beginning until its result is taken no other begins."""
    reading = started((OLD,))
    assert reading.state is ReadState.IDLE
    assert reading.begin()
    assert reading.state is ReadState.READING
    assert not reading.begin()
    reading.read_ahead()
    assert reading.state is ReadState.READY
    assert not reading.begin()
    reading.take({})
    assert reading.state is ReadState.IDLE


def test_nothing_is_read_ahead_of_the_first_read():
    """Cycles have nothing to go on with; nor after an error."""
    reading = Reading(Scripted(TemporaryError("down"), ()))
    assert not reading.begin()
    with pytest.raises(TemporaryError):
        reading.take({})
    assert not reading.begin()
    reading.take({})
    assert reading.begin()


def test_a_sink_that_does_not_allow_it_is_not_read_ahead():
    """It is read by the cycle."""
    reading = started()
    reading._sink.reads_beside = False
    assert not reading.begin()


def test_a_read_that_comes_too_late_is_left_out():
    """A cycle that could not wait for its beginning has read by itself."""
    reading = started((OLD,))
    assert reading.begin()
    assert reading.take({})[1] == {OLD.id: OLD}
    reading.read_ahead()
    assert reading.state is ReadState.IDLE


def test_a_running_read_is_waited_for():
    """The sink is not read by two threads at a time."""
    running, go_on = threading.Event(), threading.Event()

    def answer():
        running.set()
        assert go_on.wait(30)
        return (OLD,)

    reading, taken = started(answer), []
    assert reading.begin()
    ahead = threading.Thread(target=reading.read_ahead)
    ahead.start()
    assert running.wait(30)
    taker = threading.Thread(target=lambda: taken.append(reading.take({})[1]))
    taker.start()
    assert not taken
    go_on.set()
    wait_until(lambda: taken == [{OLD.id: OLD}], 30, "the read is taken")
    ahead.join(30), taker.join(30)


def test_what_was_written_meanwhile_is_newer():
    """An entry that was added or removed while the sink was read is as we know it."""

    def answer():
        reading.wrote(OLD.id)
        reading.wrote(NEW.id)
        return (OLD,)

    reading = started(answer)
    read_ahead(reading)
    assert reading.take({NEW.id: NEW})[1] == {NEW.id: NEW}


def test_what_was_written_before_is_as_it_is_read():
    """Somebody may have changed it since."""
    reading = started((OLD,), ())
    reading.wrote(NEW.id)
    read_ahead(reading)
    assert reading.take({NEW.id: NEW})[1] == {OLD.id: OLD}
    reading.wrote(OLD.id)
    assert reading.take({OLD.id: OLD})[1] == {}


@pytest.mark.parametrize("when", ["during", "after"])
def test_a_reading_from_before_an_uncertain_write_will_not_do(when):
    """It is read once more."""

    def answer():
        if when == "during":
            reading.distrust()
        return (OLD,)

    reading = started(answer, (NEW,), (OLD,))
    read_ahead(reading)
    if when == "after":
        reading.distrust()
    assert reading.take({})[1] == {NEW.id: NEW}
    read_ahead(reading)
    assert reading.take({})[1] == {OLD.id: OLD}


def test_an_error_is_raised_where_the_reading_is_taken():
    """Once; then it is read again."""
    reading = started(TemporaryError("down"), ())
    read_ahead(reading)
    with pytest.raises(TemporaryError, match="down"):
        reading.take({})
    assert reading.take({})[1] == {}
