"""Which connections are let go of, so that nobody who is slow keeps the others out.

waitress reads requests and sends answers in one thread for all, so a slow client costs a place
among the connections, and a stream a thread too. Its own time-out counts from the last byte, and
waits for room to send: who sends a byte now and then, or reads nothing, would stay for ever.
"""

import time
from collections.abc import Collection
from typing import Any

from waitress.channel import HTTPChannel

#: Seconds in which a whole request must have come, and in which a whole answer must be taken.
PATIENCE = 60.0
#: Bytes that may wait to be sent to a stream that has lasted for some seconds: it does not read.
BEHIND, SETTLED = 262_144, 5.0


class Connection(HTTPChannel):  # type: ignore[misc]  # waitress has no types
    """A connection, which knows since when it is waited for, or is being answered."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._since, self._answers = time.monotonic(), False

    def service(self) -> None:
        """Answer one request, in a thread for that."""
        self._since, self._answers = time.monotonic(), True
        try:
            super().service()
        finally:
            self._since, self._answers = time.monotonic(), False

    def waited(self, now: float) -> float:
        """Seconds for which it has been waited for; 0 if a request of its is being answered."""
        return 0.0 if self._answers or self.requests else now - self._since

    def overdue(self, now: float) -> bool:
        """Whether others should have its place."""
        if self._answers:
            return self.total_outbufs_len > BEHIND and now - self._since > SETTLED
        return self.waited(now) > PATIENCE


def release(connections: Collection[Connection], most: int) -> None:
    """Close those that are overdue; of `most` or more also the one that was waited for longest.

    Only from the thread that sends and receives for all.
    """
    now = time.monotonic()
    for one in [one for one in connections if one.overdue(now)]:
        one.handle_close()
    if len(connections) >= most:
        longest = max(connections, key=lambda one: one.waited(now))
        if longest.waited(now):
            longest.handle_close()
