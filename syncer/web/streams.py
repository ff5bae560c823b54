"""Live log lines for pages, as server-sent events: a bounded number of streams at a time.

A stream takes one of the server's threads while it lasts, so their number is bounded. A client
that is gone is noticed within three signs of life, and no stream lasts longer than `LIFETIME`: a
page reconnects by itself, and names the last line that it saw. `connections.py` closes streams
that nobody reads.
"""

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from time import monotonic, sleep

from syncer.web.board import Board, Line

#: Seconds between signs of life, and the longest life of a stream.
BEAT, LIFETIME = 1.0, 900.0
#: Seconds for which lines gather after some were sent, so that a busy stream wakes less often.
GATHER = 0.2


class Streams:
    """Hands out streams of a board's lines, `most` at a time."""

    def __init__(self, board: Board, most: int) -> None:
        self._board = board
        self._places = threading.BoundedSemaphore(most)
        self._closed = False

    def close(self) -> None:
        """End all streams at their next line or sign of life, and hand out no more."""
        self._closed = True

    def open(self, after: int) -> "Stream | None":
        """Return a stream of the lines after this one; `None` if too many are open."""
        if self._over() or not self._places.acquire(blocking=False):
            return None
        return Stream(self._board, after, self._places, self._over)

    def _over(self) -> bool:
        return self._closed or self._board.closed


class Stream:
    """One client's stream. `close` must be called in the end, even if nothing was read."""

    def __init__(
        self, board: Board, after: int, places: threading.BoundedSemaphore, over: Callable[[], bool]
    ) -> None:
        self._board, self._after, self._places, self._over = board, after, places, over
        self._until = monotonic() + LIFETIME
        self._begun = self._busy = self._closed = False

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        """Return the next lines as soon as there are any, else a comment as a sign of life."""
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
            self._after = self._board.number
            return _event("gap", self._after, {"number": self._after})
        if lines:
            self._after = lines[-1].number
        return b"".join(_lines(lines)) or b": still here\n\n"

    def close(self) -> None:
        """Free the place. May be called twice."""
        if not self._closed:
            self._closed = True
            self._places.release()


def _lines(lines: Iterable[Line]) -> Iterator[bytes]:
    for line in lines:
        yield _event("tick" if line.level == "debug" else "line", line.number, line.plain())


def _event(name: str, number: int, data: object) -> bytes:
    """Format one event. JSON has no line breaks, so text cannot forge another event."""
    return f"event: {name}\nid: {number}\ndata: {json.dumps(data, default=str)}\n\n".encode()
