"""The watch on indexes: over a query whose answers the test gives."""

from collections import deque
from threading import Event, Thread

import pytest

from syncer import TemporaryError
from syncer.testing import wait_until
from syncer_consul.http.index_watch import IndexWatcher
from syncer_consul.http.transport import Answer

PATIENCE = 20.0


class Script:
    """A query that is answered with indexes, then blocks until it is closed."""

    def __init__(self, *indexes):
        self.left, self.asked, self.closed = deque(indexes), [], Event()

    def __call__(self, index, wait):
        self.asked.append(index)
        if not self.left:
            self.closed.wait(PATIENCE)
            raise TemporaryError("closed")
        found = self.left.popleft()
        if isinstance(found, Exception):
            raise found
        return Answer(data=None, headers={"X-Consul-Index": str(found)})

    def close(self):
        self.closed.set()


def watched(*indexes, ours=()):
    """How often these indexes wake, and what was asked for."""
    query, wakes, stop = Script(*indexes), [], Event()
    watcher = IndexWatcher([query], query.close, ours.__contains__)
    thread = Thread(target=watcher.run, args=(lambda: wakes.append(1), stop), daemon=True)
    thread.start()
    wait_until(lambda: len(query.asked) > len(indexes), PATIENCE, "all is read")
    stop.set()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    return len(wakes), query.asked


@pytest.mark.parametrize(
    ("indexes", "ours", "wakes", "asked"),
    [
        ((5,), (), 1, [0, 5]),
        ((5, 5, 6, 6), (), 2, [0, 5, 5, 6, 6]),
        ((5, 6, 7), (6,), 2, [0, 5, 6, 7]),
        ((5, 6), (5, 6), 1, [0, 5, 6]),
        ((50, 3, 3), (3,), 2, [0, 50, 3, 3]),
        ((5, 0), (), 2, [0, 5, 1]),
    ],
    ids=["begins", "changes", "our own", "begins with our own", "falls", "never blocks on zero"],
)
def test_wakes(indexes, ours, wakes, asked):
    """When it begins, and at each index that is another and not our own; a fallen one always."""
    assert watched(*indexes, ours=ours) == (wakes, asked)


def test_a_request_that_is_cut():
    """A proxy ended it: a short one tells the index, and nobody is woken for nothing."""
    cut = TemporaryError("504 Gateway Timeout")
    assert watched(5, cut, 5, cut, 5) == (1, [0, 5, 0, 5, 0, 5])
    assert watched(5, cut, 6) == (2, [0, 5, 0, 6])


def test_an_error_ends_it():
    """Whoever runs it hears of it, and runs it again."""
    query = Script(5, TemporaryError("no leader"), TemporaryError("no leader"))
    watcher = IndexWatcher([query, query], query.close)
    with pytest.raises(TemporaryError, match="no leader"):
        watcher.run(lambda: None, Event())
    assert query.closed.is_set()


def test_close_ends_it():
    """From another thread, while it blocks; that is no error."""
    query, began = Script(5), Event()
    watcher = IndexWatcher([query], query.close)
    thread = Thread(target=watcher.run, args=(began.set, Event()), daemon=True)
    thread.start()
    assert began.wait(PATIENCE)
    watcher.close()
    thread.join(PATIENCE)
    assert not thread.is_alive()
