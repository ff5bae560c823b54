"""Supervised threads: woken, timed, and never given up."""

import threading

import pytest
from fakes import Heard

from syncer import TemporaryError
from syncer.engine.loops import NEWS_EVERY, Backoff, Loop, Mailbox, Trigger
from syncer.events import LoopFailed, LoopRecovered
from syncer.testing import wait_until

FOREVER = 3600.0


class Work:
    """Work that a test commands: what it was called with, errors to raise, a gate to wait at."""

    def __init__(self, delay=FOREVER):
        self.delay, self.calls, self.errors = delay, [], []
        self.error = None
        self.gate = threading.Event()
        self.gate.set()
        self.busy = threading.Event()

    def __call__(self, wakes):
        self.calls.append(wakes)
        self.busy.set()
        assert self.gate.wait(30)
        self.busy.clear()
        if self.errors:
            raise self.errors.pop(0)
        if self.error:
            raise self.error
        return self.delay


@pytest.fixture
def make():
    """Makes loops, and ends them after the test."""
    loops = []

    def make(work, **fields):
        heard = Heard()
        fields.setdefault("backoff", Backoff(0.001, 0.002))
        loop = Loop("test", work, heard, **fields)
        loops.append(loop)
        return loop, heard

    yield make
    for loop in loops:
        loop.stop()
        assert loop.join(30), "the loop's thread did not end"


def calls(work, count):
    wait_until(lambda: len(work.calls) >= count, what=f"{count} calls, not {len(work.calls)}")


class TestWaking:
    """When the work is done."""

    def test_it_works_at_once_when_started(self, make):
        """The first call comes without a wake."""
        work = Work()
        make(work)[0].start()
        calls(work, 1)
        assert work.calls == [frozenset()]

    def test_its_first_work_may_be_put_off(self, make):
        """Started for later, it works when that time has come, or when it is woken."""
        work = Work()
        loop, _ = make(work)
        loop.start(after=FOREVER)
        loop.wake("a")
        wait_until(lambda: work.calls == [{"a"}], 30, "the wake leads to the first call")
        soon = Work()
        make(soon)[0].start(after=0.01)
        wait_until(lambda: soon.calls == [frozenset()], 30, "the first call")

    def test_a_wake_leads_to_one_call(self, make):
        """The call gets what woke it."""
        work = Work()
        loop, _ = make(work)
        loop.start()
        calls(work, 1)
        loop.wake("a")
        calls(work, 2)
        assert work.calls == [frozenset(), {"a"}]

    def test_wakes_during_the_work_lead_to_exactly_one_more_call(self, make):
        """However many wakes come meanwhile, they are one call with all of them."""
        work = Work()
        work.gate.clear()
        loop, _ = make(work)
        loop.start()
        assert work.busy.wait(30)
        for item in ("a", "b", "a", None, "a"):
            loop.wake(item)
        work.gate.set()
        calls(work, 2)
        loop.wake("last")
        calls(work, 3)
        assert work.calls == [frozenset(), {"a", "b", None}, {"last"}]

    def test_it_works_again_when_its_time_has_come(self, make):
        """The work says after how many seconds it wants to be called again."""
        work = Work(delay=0.0)
        make(work)[0].start()
        calls(work, 5)

    def test_a_delay_that_is_over_is_no_delay(self, make):
        """A negative delay means now."""
        work = Work(delay=-5.0)
        make(work)[0].start()
        calls(work, 3)


class TestFailing:
    """Whatever the work raises, it is called again."""

    @pytest.mark.parametrize(
        "error", [TemporaryError("down"), KeyError("bug"), SystemExit(1), BaseException("panic")]
    )
    def test_it_goes_on(self, make, error):
        """No exception ends a loop: not a plugin's mistake, nor a library that wants to exit."""
        work = Work()
        work.errors = [error]
        loop, heard = make(work)
        loop.start()
        calls(work, 2)
        wait_until(lambda: heard.of(LoopRecovered), what="its recovery")
        assert [type(event) for event in heard] == [LoopFailed, LoopRecovered]
        assert heard[0].loop == "test"
        assert heard[0].error

    def test_an_error_that_cannot_be_shown_does_not_end_it(self, make):
        """Even an error whose text fails is one failure."""

        class Unprintable(Exception):
            def __str__(self):
                raise ValueError("no text")

        work = Work()
        work.errors = [Unprintable()]
        loop, heard = make(work)
        loop.start()
        calls(work, 2)
        assert "Unprintable" in heard[0].error

    def test_the_wakes_are_kept_for_the_next_try(self, make):
        """What a failed call was to do is done by the next, with what came meanwhile."""
        work = Work()
        loop, _ = make(work)
        loop.start()
        calls(work, 1)
        work.errors = [TemporaryError("down")]
        loop.wake("a")
        calls(work, 3)
        assert work.calls[1:3] == [{"a"}, {"a"}]

    def test_wakes_do_not_end_the_delay_except_for_the_urgent(self, make):
        """A busy host does not hammer what is down; word that it is back is acted on."""
        work = Work()
        work.errors = [TemporaryError("down")]
        loop, _ = make(work, backoff=Backoff(FOREVER, FOREVER), least=0.001)
        loop.start()
        calls(work, 1)
        for number in range(100):
            loop.wake(number)
        assert not threading.Event().wait(0.1)
        assert len(work.calls) == 1
        loop.wake(Trigger.EVERYTHING)
        calls(work, 2)
        assert work.calls[1] == {Trigger.EVERYTHING, *range(100)}

    def test_urgent_wakes_do_not_make_a_failing_loop_spin(self, make):
        """Word that comes all the time shortens the delay to a least one, not to nothing."""
        work = Work()
        work.error = TemporaryError("down")
        loop, _ = make(work, backoff=Backoff(FOREVER, FOREVER), least=FOREVER)
        loop.start()
        calls(work, 1)
        for _ in range(50):
            loop.wake(Trigger.EVERYTHING)
        assert not threading.Event().wait(0.1)
        assert len(work.calls) == 1

    def test_a_failure_is_told_once_and_then_now_and_then(self, make):
        """The first, every tenth, and whenever its text changes; each one is an event."""
        work = Work()
        work.errors = [TemporaryError("down")] * 21 + [TemporaryError("other")] * 2
        loop, heard = make(work)
        loop.start()
        calls(work, 24)
        wait_until(lambda: heard.of(LoopRecovered), what="its recovery")
        failed = heard.of(LoopFailed)
        assert [event.failures for event in failed] == [*range(1, 24)]
        told = [(event.error, event.failures) for event in failed if event.news]
        assert told == [("down", 1), ("down", NEWS_EVERY), ("down", 2 * NEWS_EVERY), ("other", 22)]
        assert heard.of(LoopRecovered) == [LoopRecovered(loop="test", failures=23)]

    def test_only_the_unexpected_comes_with_a_traceback_and_once(self, make):
        """An error of the agreed kinds needs none."""
        work = Work()
        work.errors = [TemporaryError("down"), *[KeyError("bug")] * 12]
        loop, heard = make(work)
        loop.start()
        calls(work, 14)
        traces = [(event.error, bool(event.trace)) for event in heard.of(LoopFailed)]
        assert traces == [("down", False), ("'bug'", True), *[("'bug'", False)] * 11]

    def test_delays_grow_and_start_over_after_a_success(self, make):
        """The delay reported is the delay waited."""
        work = Work(delay=0.0)
        work.errors = [TemporaryError(str(n)) for n in range(3)]
        loop, heard = make(work, backoff=Backoff(0.001, 1.0, rand=lambda: 1.0))
        loop.start()
        calls(work, 5)
        assert [e.retry_in for e in heard.of(LoopFailed)] == [0.001, 0.002, 0.004]
        work.errors = [TemporaryError("again")]
        wait_until(lambda: len(heard.of(LoopFailed)) == 4)
        assert heard.of(LoopFailed)[-1].retry_in == 0.001

    def test_failures_are_handed_on(self, make):
        """A callback gets the text of a failure."""
        work, errors = Work(), []
        work.errors = [TemporaryError("down"), ValueError()]
        loop, _ = make(work, on_failure=errors.append)
        loop.start()
        calls(work, 3)
        assert errors == ["down", "ValueError"]

    def test_work_that_does_not_return_may_say_that_it_does_well(self, make):
        """A watch that is up again shows so without ending."""
        work = Work()
        loop, heard = make(work)
        work.errors = [TemporaryError("down")]
        loop.start()
        calls(work, 2)
        wait_until(lambda: heard.of(LoopRecovered))
        loop.mark_healthy()
        assert len(heard.of(LoopRecovered)) == 1


class TestStopping:
    """How a loop ends."""

    def test_running_work_ends_first(self, make):
        """Stopping waits for the work; nothing is begun after it."""
        work = Work()
        work.gate.clear()
        loop, _ = make(work)
        loop.start()
        assert work.busy.wait(30)
        loop.wake("more")
        loop.stop()
        assert not loop.join(0.01)
        work.gate.set()
        assert loop.join(30)
        assert len(work.calls) == 1

    @pytest.mark.parametrize("errors", [[], [TemporaryError("down")]], ids=["idle", "failing"])
    def test_waiting_ends_at_once(self, make, errors):
        """Neither an interval nor a delay after a failure holds the end up."""
        work = Work()
        work.errors = errors
        loop, _ = make(work, backoff=Backoff(FOREVER, FOREVER), least=FOREVER)
        loop.start()
        calls(work, 1)
        loop.stop()
        assert loop.join(30)

    def test_a_loop_that_never_started_has_ended(self, make):
        """Joining it does not fail."""
        loop, _ = make(Work())
        loop.stop()
        assert loop.join(0)

    def test_a_loop_that_was_stopped_before_its_start_does_nothing(self, make):
        """A start that comes too late works nothing."""
        work = Work()
        loop, _ = make(work)
        loop.stop()
        loop.start()
        assert loop.join(30)
        assert work.calls == []


class TestMailbox:
    """Wakes, each once."""

    def test_all_are_taken_together(self):
        """What was taken is not taken again."""
        box = Mailbox()
        box.put("a"), box.put(None), box.put("a")
        assert box.take(0) == {"a", None}
        assert box.take(0) == frozenset()

    def test_waiting_for_one_leaves_it_there(self):
        """Waiting for a wake does not take it."""
        box = Mailbox()
        box.put("a")
        box.wait_for("a", FOREVER)
        assert box.take(0) == {"a"}

    def test_closing_ends_all_waiting(self):
        """Now and from now on."""
        box = Mailbox()
        box.close()
        box.wait_for("a", FOREVER)
        assert box.take(FOREVER) == frozenset()
