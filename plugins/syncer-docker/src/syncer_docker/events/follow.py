"""Following streams of events, one after the other, until it is time to stop."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Protocol

from syncer import TemporaryError

#: A stream that lived this many seconds is opened again at once: proxies end quiet ones.
SETTLED = 5.0

Wake = Callable[[str | None], None]


class Closing(Protocol):
    """What another thread can end."""

    def close(self) -> None:
        """End it; a read that waits ends at once."""


def follow(
    listen: Callable[[], str],
    over: Callable[[], bool],
    what: str,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Call `listen`, which follows one stream and returns why it ended, until it is over.

    Raises TemporaryError if a stream ends soon after it was opened.
    """
    while not over():
        began = clock()
        reason = listen()
        if not over() and clock() - began < SETTLED:
            raise TemporaryError(f"{what} ended: {reason}")


@contextlib.contextmanager
def attended(
    name: str, stream: Closing, stop: threading.Event, look: Callable[[], None], tick: float
) -> Iterator[None]:
    """Beside a stream: end it when `stop` is set, and `look` elsewhere each `tick` seconds."""
    ended = threading.Event()

    def attend() -> None:
        while not stop.wait(tick) and not ended.is_set():
            look()
        if not ended.is_set():
            stream.close()

    threading.Thread(target=attend, name=f"attend {name}", daemon=True).start()
    try:
        yield
    finally:
        ended.set()
