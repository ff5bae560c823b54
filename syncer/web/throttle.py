"""Bounds the processor time that goes into answers, however many clients ask for them."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import ceil
from threading import Lock

#: The share of one processor's time, and the seconds of it that may be used at once.
SHARE, AT_ONCE = 0.3, 3.0
#: The longest wait that a client is asked for, in seconds.
LONGEST = 60


class Throttle:
    """Counts the time of the threads that make answers. From any thread.

    `clock` never goes back; `used` is the processor time of the calling thread.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        used: Callable[[], float] = time.thread_time,
    ) -> None:
        self._clock, self._used, self._lock = clock, used, Lock()
        self._left, self._at = AT_ONCE, clock()

    def wait(self) -> int:
        """Return the seconds until there is time for another answer; 0 if there is some now."""
        with self._lock:
            now = self._clock()
            self._left = min(AT_ONCE, self._left + SHARE * (now - self._at))
            self._at = now
            return 0 if self._left > 0 else min(LONGEST, ceil(-self._left / SHARE) or 1)

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count what is made within."""
        began = self._used()
        try:
            yield
        finally:
            with self._lock:
                self._left -= self._used() - began
