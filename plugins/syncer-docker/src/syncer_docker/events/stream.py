"""An open event stream, which another thread can end."""

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import urllib3.exceptions

from syncer_docker.events.parse import BrokenStream, Event, parse, split_lines

_PIECE = 64 * 1024


class EventStream:
    """The events in one answer of the engine, as they arrive.

    `quiet` is the longest silence in seconds before the stream ends; `None` for no limit.
    """

    def __init__(self, answer: Any, quiet: float | None = None) -> None:
        self._answer = answer
        self._lock = threading.Lock()
        self._closed = False
        # Replaces the deadline of the answer: silence is normal from now on.
        if endless := getattr(answer.raw.connection, "endless", None):
            endless(quiet)

    def __iter__(self) -> Iterator[Event]:
        """Yield the relevant events. Raises `BrokenStream` for anything that is not an event."""
        for line in self.lines():
            if (event := parse(line)) is not None:
                yield event

    def lines(self) -> Iterator[bytes]:
        """Yield the events unparsed, until the engine, `close()` or silence ends the stream.

        Raises `BrokenStream` if the connection is lost or a line is too long.
        """
        return split_lines(iter(self._read, b""))

    def close(self) -> None:
        """End the stream from any thread; a blocked read ends at once. May be called twice."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        # A RuntimeError means that the stream has already ended.
        with contextlib.suppress(OSError, ValueError, RuntimeError):
            self._answer.raw.shutdown()

    def release(self) -> None:
        """Release the connection; only in the reading thread."""
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
