"""Reading a sink, also while changes are being made in it."""

import pytest
from fakes import held

from syncer import Sink, TemporaryError, View
from syncer.engine.reading import Reading


class Scripted(Sink):
    """Gives one answer after the other; an error is raised, a function called for its answer."""

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


def test_what_was_read_ahead_is_taken_once():
    """The next is read when it is asked for."""
    reading = Reading(Scripted((OLD,), (NEW,)))
    reading.ahead()
    assert reading.take({})[1] == {OLD.id: OLD}
    assert reading.take({})[1] == {NEW.id: NEW}


def test_what_was_written_meanwhile_is_newer():
    """An entry that was added or removed while the sink was read is as we know it."""

    def answer():
        reading.wrote(OLD.id)
        reading.wrote(NEW.id)
        return (OLD,)

    reading = Reading(Scripted(answer))
    reading.ahead()
    assert reading.take({NEW.id: NEW})[1] == {NEW.id: NEW}


def test_what_was_written_before_is_as_it_is_read():
    """Somebody may have changed it since."""
    reading = Reading(Scripted((OLD,), ()))
    reading.wrote(NEW.id)
    reading.ahead()
    assert reading.take({NEW.id: NEW})[1] == {OLD.id: OLD}
    reading.wrote(OLD.id)
    assert reading.take({OLD.id: OLD})[1] == {}


@pytest.mark.parametrize("when", ["during", "after"])
def test_a_reading_from_before_an_uncertain_write_will_not_do(when):
    """It is read once more."""

    def answer():
        if when == "during":
            reading.drop()
        return (OLD,)

    reading = Reading(Scripted(answer, (NEW,), (OLD,)))
    reading.ahead()
    if when == "after":
        reading.drop()
    assert reading.take({})[1] == {NEW.id: NEW}
    reading.ahead()
    assert reading.take({})[1] == {OLD.id: OLD}


def test_an_error_is_raised_where_the_reading_is_taken():
    """Once; then it is read anew."""
    reading = Reading(Scripted(TemporaryError("down"), ()))
    reading.ahead()
    with pytest.raises(TemporaryError, match="down"):
        reading.take({})
    assert reading.take({})[1] == {}
