"""Wait for a condition instead of sleeping."""

from collections.abc import Callable
from threading import Event
from time import monotonic
from typing import TypeVar

T = TypeVar("T")

#: Seconds between two checks.
PAUSE = 0.02


def wait_until(condition: Callable[[], T], deadline: float = 25.0, what: str = "") -> T:
    """Return the condition's first true answer, or raise AssertionError after `deadline` seconds.

    `what` names the condition in that error. Errors that the condition raises are not caught.
    """
    end = monotonic() + deadline
    pause = Event()
    while True:
        found = condition()
        if found:
            return found
        if monotonic() >= end:
            named = what or getattr(condition, "__name__", "the condition")
            raise AssertionError(f"{named}: still {found!r} after {deadline:g} s")
        pause.wait(PAUSE)
