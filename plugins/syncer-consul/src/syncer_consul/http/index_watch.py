"""Notices changes by blocking queries whose answers nobody reads: only the index counts."""

from collections.abc import Callable, Mapping, Sequence
from threading import Event, Lock, Thread

from syncer_consul.agent.watch import SPACING, WAIT
from syncer_consul.http.client import Client

#: A path, and the parameters of its query.
Query = tuple[str, Mapping[str, str]]


class IndexWatcher:
    """Watches several paths, over connections that `client` has for this alone.

    `ours` says of an index whether a write of our own made it: then nobody is woken. What somebody
    else writes within the same tenth of a second is hidden by it until the next listing.
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
        """Watch until `stop` is set or `close()` is called; raises what ended it otherwise.

        Wakes, too, when each path begins to be watched.
        """
        threads = [
            Thread(target=self._follow, args=(*query, wake), name="index watch", daemon=True)
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
                found = self._ask(path, query, index)
                # Not faster than this; and the answer to our own write may still be on its way.
                self._ended.wait(SPACING)
                if self._is_news(found, index):
                    wake()
                index = found
        except Exception as error:  # noqa: BLE001 - raised by the thread that runs the watch
            with self._lock:
                if not self._ended.is_set():
                    self._error = self._error or error
            self._ended.set()

    def _is_news(self, found: int, before: int) -> bool:
        # One that fell is of a server that began anew, and is followed from there.
        return not before or found < before or (found > before and not self._ours(found))

    def _ask(self, path: str, query: Mapping[str, str], index: int) -> int:
        """The index: at once with `index` 0, else when it is another, or in time."""
        if not index:
            return max(self._client.read(path, query).index, 1)
        found = self._client.block(path, {**query, "index": str(index)}, WAIT).index
        return max(found, 1)  # 0 would not block
