"""The one way in which tests wait: for a condition, with a deadline, never for a fixed time."""

import time

#: A busy machine may stall for ten seconds, so no test gives up sooner, whatever its `deadline`.
#: After 30 s syncer reads everything anyhow: what is due at once must be there before.
PATIENCE = 25


def wait_until(condition, deadline, what, ignore=()):
    """Call `condition` until its answer is true, and return that answer.

    After `deadline` seconds, or `PATIENCE`, fail with `what` was waited for and the last answer,
    or the last exception of the kinds in `ignore`; other exceptions end the wait at once.
    """
    deadline = max(deadline, PATIENCE)
    end = time.monotonic() + deadline
    pause = 0.01
    while True:
        try:
            answer = condition()
        except ignore as error:
            answer, last = None, f"last error: {error!r}"
        else:
            last = f"last answer: {answer!r}"
        if answer:
            return answer
        if time.monotonic() >= end:
            raise AssertionError(f"waited {deadline} s for {what}; {last}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.2)


def holds_for(condition, seconds, what):
    """Fail as soon as `condition` is not true within the next `seconds`: for "nothing happens"."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert condition(), what
        time.sleep(0.02)


def pulse_for(seconds, every, renew):
    """Let `seconds` go by, and call `renew` at once and then every `every` seconds."""
    begun = due = time.monotonic()

    def over():
        nonlocal due
        if time.monotonic() >= due:
            renew()
            due += every
        return time.monotonic() - begun > seconds

    wait_until(over, seconds + 20, f"{seconds} s to go by")
