"""Following event streams, one after another."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

from syncer import TemporaryError
from syncer_docker.events.parse import BrokenStream
from syncer_docker.events.stream import EventStream

#: A stream that lasted this many seconds is reopened at once: proxies end quiet ones.
SETTLED = 5.0

Wake = Callable[[str | None], None]


class Follower:
    """Reads event streams until it is closed. `tick` is how often it looks around, in seconds.

    `name` names the stream in errors.
    """

    def __init__(self, name: str, tick: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._name, self._tick, self._clock = name, tick, clock
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._stream: EventStream | None = None

    def follow(
        self,
        open_stream: Callable[[], EventStream],
        read: Callable[[EventStream], None],
        look: Callable[[], None],
        stop: threading.Event,
    ) -> None:
        """Open streams and `read` each to its end, until `stop` is set or `close()` is called.

        Meanwhile `look` is called every tick, in another thread. Raises `TemporaryError` if a
        stream ends soon after it was opened.
        """
        while not self._is_over(stop):
            began = self._clock()
            reason = "closed by the engine"
            stream = self._opened(open_stream)
            try:
                with self._attended(stream, look, stop):
                    read(stream)
            except BrokenStream as error:
                reason = str(error)
            finally:
                with self._lock:
                    self._stream = None
                stream.release()
            if not self._is_over(stop) and self._clock() - began < SETTLED:
                raise TemporaryError(f"{self._name} ended: {reason}")

    def close(self) -> None:
        """End the current stream and open no other."""
        self._closed.set()
        with self._lock:
            stream = self._stream
        if stream is not None:
            stream.close()

    def _is_over(self, stop: threading.Event) -> bool:
        return stop.is_set() or self._closed.is_set()

    def _opened(self, open_stream: Callable[[], EventStream]) -> EventStream:
        stream = open_stream()
        with self._lock:
            self._stream = stream
        if self._closed.is_set():
            stream.close()
        return stream

    @contextlib.contextmanager
    def _attended(
        self, stream: EventStream, look: Callable[[], None], stop: threading.Event
    ) -> Iterator[None]:
        """While the stream is read, call `look` every tick, and close it once `stop` is set."""
        ended = threading.Event()

        def attend() -> None:
            while not stop.wait(self._tick) and not ended.is_set():
                look()
            if not ended.is_set():
                stream.close()

        threading.Thread(target=attend, name=f"attend {self._name}", daemon=True).start()
        try:
            yield
        finally:
            ended.set()
