"""The watch on a real server: what wakes, what does not, and how it ends."""

from threading import Event, Thread

import pytest

from syncer import Register, TemporaryError
from syncer.testing import make_instance, make_registration, wait_until
from syncer_etcd.writing import OwnWrites


class Wakes:
    """A running watch, begun again when it breaks off as the engine does, and its wakes."""

    def __init__(self, sink):
        self.count, self.breaks = 0, []
        self._sink, self.stop = sink, Event()
        self.thread = Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.stop.is_set():
            try:
                self._sink.watch(self._wake, self.stop)
            except TemporaryError as error:
                self.breaks.append(error)
                self.stop.wait(0.1)
            else:
                return

    def _wake(self):
        self.count += 1

    def after(self, do, within=15):
        """Do something, and wait for the wake that it must bring."""
        before = self.count
        do()
        wait_until(lambda: self.count > before, within, "a wake")

    def begun(self):
        wait_until(lambda: self.count, 15, "the wake when the watch begins")
        return self


@pytest.fixture
def wakes():
    """Starts watches, and ends them."""
    begun = []

    def start(sink):
        begun.append(Wakes(sink))
        return begun[-1]

    yield start
    for one in begun:
        one.stop.set()
        one.thread.join(30)


def new(sink, instance=None, **mark):
    return make_registration(sink.adjust(instance or make_instance()), **mark)


@pytest.mark.parametrize("layout", ["json", "registrator"])
def test_changes_by_others_wake(clean_etcd, open_sink, wakes, layout):
    """Writing, changing and removing by hand wake; so does the end of a lease, and a lost twin."""
    sink = open_sink(clean_etcd.address, layout=layout)
    api = clean_etcd.api
    sink.register(new(sink))
    watch = wakes(sink).begun()
    watch.after(lambda: api.put("/services/a/b", "10.0.0.1:80"))
    watch.after(lambda: api.put("/services/a/b", "10.0.0.1:81"))
    watch.after(lambda: api.delete("/services/a/b"))
    if layout == "registrator":
        watch.after(lambda: api.delete("/syncer/"))
    watch.after(lambda: api.revoke(*api.leases()))


def test_own_writes_do_not_wake(sink, clean_etcd, wakes):
    """Neither a burst of own writes nor keys elsewhere wake; the next foreign one does."""
    watch = wakes(sink).begun()
    before = watch.count
    held = [
        outcome.registration
        for outcome in sink.apply(
            [Register(new(sink, make_instance(f"s{n}"))) for n in range(1000)]
        )
    ]
    for one in held[:50]:
        sink.deregister(one)
    clean_etcd.api.put("/elsewhere", "x")
    clean_etcd.api.put("/servicesx", "x")
    watch.after(lambda: clean_etcd.api.put("/services/last", "x"))
    assert watch.count == before + 1
    assert watch.breaks == []


def test_stop_and_close_end_it(clean_etcd, open_sink, wakes):
    """Setting `stop`, and closing the sink from another thread, end a blocked watch."""
    one, two = open_sink(clean_etcd.address), open_sink(clean_etcd.address)
    stopped, closed = wakes(one).begun(), wakes(two).begun()
    stopped.stop.set()
    wait_until(lambda: not stopped.thread.is_alive(), 10, "the end after stop")
    two.close()
    wait_until(lambda: not closed.thread.is_alive(), 10, "the end after close")


def test_server_that_goes_and_comes(start_etcd, open_sink, wakes):
    """A watch whose server ends breaks off, and wakes when the server is there again."""
    server = start_etcd()
    sink = open_sink(server.address)
    watch = wakes(sink).begun()
    server.stop()
    wait_until(lambda: watch.breaks, 20, "the watch breaks off")
    watch.after(server.start, within=30)
    watch.after(lambda: server.api.put("/services/x", "y"))


def test_cancelled_watch_is_told(sink, clean_etcd, wakes, monkeypatch):
    """A watch that etcd cancels, here for a revision that was compacted, breaks off with words."""
    from syncer_etcd import watch as module

    api = clean_etcd.api
    for n in range(3):
        api.put("/services/x", str(n))
    api.request("kv/compaction", revision=api.revision())
    create = module.etcdrpc.WatchCreateRequest
    monkeypatch.setattr(
        module.etcdrpc, "WatchCreateRequest", lambda **how: create(**how, start_revision=1)
    )
    with pytest.raises(TemporaryError, match="ended the watch"):
        sink.watch(lambda: None, Event())


def test_own_writes_of_a_server_that_lost_its_data():
    """Revisions begin again: what another writes under a number of ours is not ours."""
    own = OwnWrites()
    for revision in (5, 8):
        own.begin()
        own.end(revision)
    own.began(6)
    assert own.made(5)
    assert not own.made(8)


def test_hand_edit_after_the_server_lost_its_data(start_etcd, open_sink):
    """Nothing of ours was written since; the edit has a revision that was ours before."""
    etcd = start_etcd()
    sink = open_sink(etcd.address)
    for n in range(20):
        sink.register(make_registration(sink.adjust(make_instance(f"s{n}"))))
    etcd.restart_empty()
    watch = Wakes(sink)
    watch.begun()
    for n in range(10):
        watch.after(lambda n=n: etcd.api.put("/services/x/y", str(n)))
    watch.stop.set()
    watch.thread.join(30)
