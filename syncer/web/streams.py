"""Live lines for pages: server-sent events. As many at once as are allowed, each for a while.

A stream takes one thread of the server for as long as it lasts, so their number is bounded; a
client that is gone is noticed at the next sign of life, and none lives longer than `LIFETIME`:
a page comes back by itself, and says what it saw last. One that does not read is let go of by
`connections.py`.
"""

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from time import monotonic, sleep

from syncer.web.board import Board, Line

#: Seconds between two signs of life, and the longest life of a stream.
BEAT, LIFETIME = 10.0, 900.0
#: Seconds in which lines gather once some were sent: however much happens, no stream wakes oftener.
GATHER = 0.2


class Streams:
    """Hands out streams of what a board is told, `most` at a time."""

    def __init__(self, board: Board, most: int) -> None:
        self._board = board
        self._places = threading.BoundedSemaphore(most)
        self._closed = False

    def close(self) -> None:
        """End all, each at its next line or sign of life, and hand out no more."""
        self._closed = True

    def open(self, after: int) -> "Stream | None":
        """A stream of what comes after this line; None if there are enough."""
        if self._over() or not self._places.acquire(blocking=False):
            return None
        return Stream(self._board, after, self._places, self._over)

    def _over(self) -> bool:
        return self._closed or self._board.closed


class Stream:
    """One client's stream. `close` must be called in the end, also if nothing was read of it."""

    def __init__(
        self,
        board: Board,
        after: int,
        places: threading.BoundedSemaphore,
        over: Callable[[], bool],
    ) -> None:
        self._board, self._after, self._places, self._over = board, after, places, over
        self._until = monotonic() + LIFETIME
        self._begun = self._busy = self._closed = False

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        """The next lines, as soon as there are any; a comment as a sign of life if not."""
        if not self._begun:
            self._begun = True
            return b"retry: 2000\n: welcome\n\n"
        if self._busy:
            sleep(GATHER)
        if self._closed or self._over() or monotonic() > self._until:
            raise StopIteration
        lines = self._board.wait(self._after, BEAT)
        self._busy = lines != ()
        if lines is None:
            self._after = self._board.seen().number
            return _event("gap", self._after, {"number": self._after})
        if lines:
            self._after = lines[-1].number
        return b"".join(_told(lines)) or b": still here\n\n"

    def close(self) -> None:
        """Give the place back; twice is fine."""
        if not self._closed:
            self._closed = True
            self._places.release()


def _told(lines: Iterable[Line]) -> Iterator[bytes]:
    for line in lines:
        yield _event("tick" if line.level == "debug" else "line", line.number, line.plain())


def _event(name: str, number: int, data: object) -> bytes:
    """One event; JSON has no line breaks, so none can be forged."""
    return f"event: {name}\nid: {number}\ndata: {json.dumps(data, default=str)}\n\n".encode()
