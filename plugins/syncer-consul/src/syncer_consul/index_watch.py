"""Notices changes by blocking queries whose answers nobody reads: only the index counts."""

import time
from collections.abc import Callable, Mapping, Sequence
from threading import Event, Lock, Thread

from syncer_consul.client import Client
from syncer_consul.watch import SPACING, WAIT

#: A path, and the parameters of its query.
Query = tuple[str, Mapping[str, str]]


class IndexWatcher:
    """Watches several paths, over connections that `client` has for this alone.

    `ours` says of an index whether a write of our own made it: then nobody is woken.
    """

    def __init__(
        self,
        client: Client,
        queries: Sequence[Query],
        ours: Callable[[int], bool] = lambda index: False,
    ) -> None:
        self._client, self._queries, self._ours = client, queries, ours
        self._ended, self._lock = Event(), Lock()
        self._error: Exception | None = None

    def run(self, wake: Callable[[], None], stop: Event) -> None:
        """Watch until `stop` is set or `close()` is called; raises what ended it otherwise."""
        threads = [
            Thread(target=self._follow, args=(*query, wake), name="catalog watch", daemon=True)
            for query in self._queries
        ]
        for thread in threads:
            thread.start()
        try:
            while not stop.wait(0.2) and not self._ended.is_set():
                continue
        finally:
            asked = stop.is_set()
            self.close()
            for thread in threads:
                thread.join(5)
        if self._error is not None and not asked:
            raise self._error

    def close(self) -> None:
        """End a running watch."""
        self._ended.set()
        self._client.close()

    def _follow(self, path: str, query: Mapping[str, str], wake: Callable[[], None]) -> None:
        index = 0
        try:
            while not self._ended.is_set():
                asked = time.monotonic()
                found = self._ask(path, query, index)
                if index and found != index and not self._ours(found):
                    wake()
                index = found
                self._ended.wait(max(0.0, asked + SPACING - time.monotonic()))
        except Exception as error:  # noqa: BLE001 - raised by the thread that runs the watch
            with self._lock:
                if not self._ended.is_set():
                    self._error = self._error or error
            self._ended.set()

    def _ask(self, path: str, query: Mapping[str, str], index: int) -> int:
        if not index:
            return max(self._client.read(path, query).index, 1)
        found = self._client.block(path, {**query, "index": str(index)}, WAIT).index
        return max(found, 1)  # 0 would not block; one that fell is followed from there
