"""Requests over urllib3's connections that end in time as a whole.

urllib3 gives each address of a name, and each piece of an answer, the whole time again: a server
that sends a byte now and then would never be given up.
"""

import http.client
import io
import socket
import time
from functools import partial
from typing import Any

import urllib3

#: An answer of more bytes than this is taken for a mistake.
LARGEST_ANSWER = 256 * 1024 * 1024
#: The least that a socket can wait for, in seconds: 0 would not wait at all.
_LEAST = 0.001


def left(end: float) -> float:
    """Return the seconds until this moment of the clock, and never nothing."""
    return max(end - time.monotonic(), _LEAST)


class Deadline(urllib3.Timeout):
    """The time until `end`, for the part of a request that begins now.

    Waiting for a place in the pool counts too. `connect` is the most for connecting and sending.
    """

    def __init__(self, end: float, connect: float) -> None:
        now = left(end)
        super().__init__(total=now, connect=min(now, connect), read=now)
        self._end, self._most = end, connect

    def clone(self) -> "Deadline":
        """Return what is left of it, as urllib3 asks when a part of a request begins."""
        return Deadline(self._end, self._most)


def timed(kind: type[Any]) -> type[Any]:
    """Return connections of this kind that keep the `Deadline` of each request.

    `endless` frees an answer that may go on for ever.
    """

    class Timed(kind):  # type: ignore[misc]
        timeout: float
        _reader: "_Reader | None" = None

        def connect(self) -> None:
            end = time.monotonic() + self.timeout
            super().connect()
            # Sending has the time that connecting left over.
            self.timeout = left(end)
            self.sock.settimeout(self.timeout)

        def getresponse(self) -> Any:
            self.response_class = partial(self._begin, time.monotonic() + self.timeout)
            return super().getresponse()

        def endless(self, quiet: float | None) -> None:
            """Let the answer go on for ever, unless it is silent for so many seconds."""
            if self._reader is not None:
                self._reader.endless(quiet)

        def _begin(self, end: float, sock: socket.socket, *more: Any, **named: Any) -> Any:
            answer = http.client.HTTPResponse(sock, *more, **named)
            # The socket's own file object keeps it open for as long as it is read from.
            self._reader = _Reader(answer.fp.detach(), sock, end)
            answer.fp = io.BufferedReader(self._reader)
            return answer

    return Timed


class _Reader(io.RawIOBase):
    """Reads an answer from a socket until its deadline, however little comes at a time."""

    def __init__(self, raw: Any, sock: socket.socket, end: float) -> None:
        self._raw, self._sock, self._end = raw, sock, end
        self._count: int | None = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._count is None:
            return self._raw.readinto(buffer)  # type: ignore[no-any-return]
        if time.monotonic() >= self._end:
            raise TimeoutError("the answer did not end in time")
        if self._count > LARGEST_ANSWER:
            raise http.client.HTTPException(f"an answer of more than {LARGEST_ANSWER} bytes")
        self._sock.settimeout(left(self._end))
        found: int = self._raw.readinto(buffer)
        self._count += found
        return found

    def endless(self, quiet: float | None) -> None:
        self._count = None
        self._sock.settimeout(quiet)

    def close(self) -> None:
        self._raw.close()
        super().close()
