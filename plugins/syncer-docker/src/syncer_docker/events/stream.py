"""The connection that events arrive on: it must end when another thread says so."""

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import urllib3.exceptions

from syncer_docker.events.parse import BrokenStream, Event, Lines, parse

_PIECE = 64 * 1024


class EventStream:
    """The events of one answer of the engine, as they come.

    `quiet` is the longest silence in seconds before it ends by itself; None: there is none.
    """

    def __init__(self, answer: Any, quiet: float | None = None) -> None:
        self._answer = answer
        self._lock = threading.Lock()
        self._closed = False
        self._wait_at_most(quiet)

    def __iter__(self) -> Iterator[Event]:
        """The events that matter. Raises BrokenStream if something else comes.

        It ends when the engine ends it, after too long a silence, or after `close()`.
        """
        lines = Lines()
        while data := self._read():
            for line in lines.feed(data):
                if (event := parse(line)) is not None:
                    yield event

    def close(self) -> None:
        """End the stream, from any thread; a read that waits ends at once. May be called twice."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        # A RuntimeError means that the stream has ended by itself.
        with contextlib.suppress(OSError, ValueError, RuntimeError):
            self._answer.raw.shutdown()

    def release(self) -> None:
        """Let go of the connection; only by the thread that reads."""
        self.close()
        with contextlib.suppress(OSError):
            self._answer.close()

    def _read(self) -> bytes:
        try:
            return bytes(self._answer.raw.read1(_PIECE))
        except (TimeoutError, urllib3.exceptions.ReadTimeoutError):
            pass
        except (OSError, ValueError, AttributeError, urllib3.exceptions.HTTPError) as error:
            if not self._closed:
                raise BrokenStream(f"connection lost: {error}") from error
        return b""

    def _wait_at_most(self, quiet: float | None) -> None:
        """From now on silence is normal: what was allowed for an answer is too short."""
        socket = getattr(self._answer.raw.connection, "sock", None)
        if socket is not None:
            socket.settimeout(quiet)
