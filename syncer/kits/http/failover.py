"""Several servers that are equals: one is used until it fails, then the next."""

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Generic, TypeVar

from syncer.api.errors import TemporaryError

S = TypeVar("S")
R = TypeVar("R")


class Failover(Generic[S]):
    """Sends each request to the last good server, on failure to the next. Safe in threads.

    Servers copy from each other with a delay, so that changing between them shows old states:
    the last good one is kept. A call asks at most `tries`, since each may take a whole deadline.
    """

    def __init__(self, servers: Sequence[S], *, tries: int = 3) -> None:
        self.servers = tuple(servers)
        self._tries = min(tries, len(self.servers))
        self._good = 0
        self._lock = Lock()

    def ask(self, send: Callable[[S], R]) -> R:
        """Return what `send` returns for the first server for which it raises no TemporaryError.

        Raises TemporaryError with the reasons of all that were asked.
        """
        first = self._good
        reasons = []
        for step in range(self._tries):
            place = (first + step) % len(self.servers)
            try:
                return send(self.servers[place])
            except TemporaryError as error:
                reasons.append(str(error))
                with self._lock:
                    if self._good == place:  # else another thread has moved on already
                        self._good = (place + 1) % len(self.servers)
        raise TemporaryError("; ".join(reasons))
