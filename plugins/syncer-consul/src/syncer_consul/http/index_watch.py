"""Notices changes by blocking queries whose answers nobody reads: only the index counts."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from threading import Event, Lock, Thread
from types import MappingProxyType
from typing import Any

from syncer import SyncerError

#: A blocking query: called with `index` and `wait`, returns an `Answer`.
Query = Callable[..., Any]

#: How long one query blocks; ending it early is cheap, and a dead connection is noticed.
WAIT = "30s"
#: Answers are taken no faster than this, in seconds.
SPACING = 0.1


def index_of(query: Query, index: int) -> int:
    """Return the query's index: at once if `index` is 0, else when it is another, or in time."""
    found: int = query(index=index, wait=WAIT).index
    # One that fell belongs to a server that was restarted; 0 would not block at all.
    return max(found, 1)


def run_watch(
    targets: Sequence[Callable[[], None]], stop: Event, ended: Event, close: Callable[[], None]
) -> None:
    """Run the threads of a watch until `stop` or `ended` is set; `close` ends them."""
    threads = [Thread(target=target, name="consul watch", daemon=True) for target in targets]
    for thread in threads:
        thread.start()
    try:
        while not stop.wait(0.2) and not ended.is_set():
            continue
    finally:
        close()
        for thread in threads:
            thread.join(5)


class IndexWatcher:
    """Watches the index of several queries.

    `close` closes the connections of the queries, which are for them alone. `ours` tells of an
    index whether a write of our own made it: then nobody is woken. A change that somebody else
    makes within the same tenth of a second is hidden by it until the next listing. `began` gets
    the index at which each query begins, also on a server that has lost data.
    """

    def __init__(
        self,
        queries: Sequence[Query],
        close: Callable[[], None],
        ours: Callable[[int], bool] = lambda index: False,
        began: Callable[[int], None] = lambda index: None,
    ) -> None:
        self._queries, self._close, self._ours, self._began = queries, close, ours, began
        self._ended, self._lock = Event(), Lock()
        self._error: Exception | None = None

    def run(
        self,
        wake: Callable[[], None],
        stop: Event,
        others: Mapping[Query, Callable[[], None]] = MappingProxyType({}),
    ) -> None:
        """Watch until `stop` is set or `close()` is called; raises what ended it otherwise.

        Wakes, too, when each query begins to be watched. `others` has wakes for single queries.
        """
        follow = [partial(self._follow, one, others.get(one, wake)) for one in self._queries]
        run_watch(follow, stop, self._ended, self.close)
        if self._error is not None and not stop.is_set():
            raise self._error

    def close(self) -> None:
        """End a running watch."""
        self._ended.set()
        self._close()

    def _index_of(self, query: Query, index: int) -> int:
        try:
            return index_of(query, index)
        except SyncerError:
            if not index or self._ended.is_set():
                raise
        # Perhaps a proxy cuts long requests: then a short one is answered, and tells what changed.
        self._ended.wait(SPACING)
        found = index_of(query, 0)
        self._began(found)
        return found

    def _follow(self, query: Query, wake: Callable[[], None]) -> None:
        index = 0
        try:
            while not self._ended.is_set():
                found = self._index_of(query, index)
                # No faster than this; and the answer to our own write may still be on its way.
                self._ended.wait(SPACING)
                # An index that fell is of a server that began again, and is followed from there.
                if not index or found < index:
                    self._began(found)
                    wake()
                elif found > index and not self._ours(found):
                    wake()
                index = found
        except Exception as error:  # noqa: BLE001 - raised by the thread that runs the watch
            with self._lock:
                if not self._ended.is_set():
                    self._error = self._error or error
            self._ended.set()
