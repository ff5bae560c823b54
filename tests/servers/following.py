"""A reader of a source that does with its wakes what the engine does, and nothing else."""

import time
from contextlib import suppress
from queue import Empty, Queue
from threading import Event, Thread

from servers.waiting import wait_until
from syncer import SyncerError


class Follower:
    """Keeps what a source says: lists when it is woken for everything, else asks for one."""

    def __init__(self, source):
        self.source, self.seen, self.listings, self.asked = source, {}, 0, 0
        self._wakes, self._stop = Queue(), Event()
        self._threads = [Thread(target=run, daemon=True) for run in (self._watch, self._work)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error):
        self._stop.set()
        for thread in self._threads:
            thread.join(30)
            assert not thread.is_alive()

    def until(self, condition, what="the change is seen"):
        """Wait until this holds of what is seen, a dictionary of workloads by id."""
        return wait_until(lambda: condition(dict(self.seen)), 25, what)

    def until_it_is(self, view):
        """Wait until this is what is seen, apart from what is unclear."""
        known = {one.id: one for one in view.items}

        def different():
            seen = dict(self.seen)
            ids = {*seen, *known} - view.unclear
            return sorted(id_ for id_ in ids if seen.get(id_) != known.get(id_))

        wait_until(lambda: not different() or None, 25, f"what a listing says; {view.unclear}")

    def _watch(self):
        while not self._stop.is_set():
            with suppress(SyncerError):
                self.source.watch(self._wakes.put, self._stop)
            self._stop.wait(0.05)

    def _work(self):
        while not self._stop.is_set():
            wakes = self._taken()
            try:
                if None in wakes:
                    self._list()
                else:
                    self._ask(wakes)
            except SyncerError:
                self._wakes.put(None)
                self._stop.wait(0.1)

    def _taken(self):
        wakes = set()
        with suppress(Empty):
            wakes.add(self._wakes.get(timeout=0.1))
            while True:
                wakes.add(self._wakes.get_nowait())
        return wakes

    def _list(self):
        self.listings += 1
        view = self.source.workloads()
        before = self.seen if not view.complete else {}
        kept = {id_: one for id_, one in self.seen.items() if id_ in view.unclear}
        self.seen = {**before, **kept, **{one.id: one for one in view.items}}

    def _ask(self, ids):
        for id_ in ids:
            self.asked += 1
            found = self.source.workload(id_)
            seen = {key: one for key, one in self.seen.items() if key != id_}
            self.seen = seen if found is None else {**seen, found.id: found}


def cost_of(change, proxy, *, settled):
    """Return the bytes and the number of answers that a change makes, once it has `settled`."""
    before = (proxy.carried, proxy.answers)
    change()
    settled()
    last, quiet = before, time.monotonic()

    def still():
        nonlocal last, quiet
        now = (proxy.carried, proxy.answers)
        if now != last:
            last, quiet = now, time.monotonic()
        return time.monotonic() - quiet > 0.5

    wait_until(still, 25, "no more answers")
    return last[0] - before[0], last[1] - before[1]
