"""Waiting for a condition instead of sleeping."""

from collections.abc import Callable
from threading import Event
from time import monotonic
from typing import TypeVar

T = TypeVar("T")

#: Between two looks, in seconds.
PAUSE = 0.02


def wait_until(condition: Callable[[], T], deadline: float = 10.0, what: str = "") -> T:
    """The condition's first true answer; AssertionError if there is none within `deadline` seconds.

    `what` says what was waited for. A condition that raises is not waited for.
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
