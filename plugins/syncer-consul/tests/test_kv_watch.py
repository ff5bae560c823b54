"""Watching the store: what others change wakes, what we write ourselves does not."""

from threading import Event, Thread

import pytest

from servers.counting import CountingProxy
from servers.waiting import holds_for
from syncer import Register
from syncer.testing import make_instance, make_registration, wait_until
from syncer_consul.kv.writing import OwnWrites

PATIENCE = 20.0


def new(sink, instance=None, **mark):
    return make_registration(sink.adjust(instance or make_instance()), **mark)


@pytest.fixture
def watched():
    """Runs a sink's watch: `watched(sink)` returns the list of its wakes, once it listens."""
    stop, threads = Event(), []

    def start(sink):
        wakes = []
        run = Thread(target=sink.watch, args=(lambda: wakes.append(1), stop), daemon=True)
        threads.append(run)
        run.start()
        count = len(sink._prefixes)
        wait_until(lambda: len(wakes) == count, PATIENCE, "each tree is watched")
        wakes.clear()
        return wakes

    yield start
    stop.set()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()


@pytest.mark.parametrize("prefix", ["services", "o dd/50%41"])
@pytest.mark.parametrize("change", ["add", "edit", "remove", "remove the mark"])
def test_others_changes_wake(clean_kv, open_kv, watched, prefix, change):
    """Whatever is done to an entry or its twin."""
    sink = open_kv(clean_kv.url, prefix=prefix)
    held = sink.register(new(sink))
    wakes = watched(sink)
    key = sink._layout.key(held.instance)
    if change == "add":
        clean_kv.kv_put(f"{prefix}/web/other", "10.0.0.1:1")
    elif change == "edit":
        clean_kv.kv_put(key, "10.0.0.1:1")
    else:
        clean_kv.kv_delete(f"syncer/{key}" if change == "remove the mark" else key)
    wait_until(lambda: wakes, PATIENCE, "the change wakes")


@pytest.mark.parametrize(
    ("prefix", "strangers"),
    [("services", ["services2"]), ("o dd/50%41", ["o dd/50%412", "o dd/50A", "o%20dd/50%41"])],
)
def test_own_writes_and_strangers_do_not(clean_kv, open_kv, watched, prefix, strangers):
    """Hundreds of our own in many transactions, and keys beside ours: a `%` is no escape."""
    sink = open_kv(clean_kv.url, prefix=prefix)
    held = sink.register(new(sink))
    wakes = watched(sink)
    list(sink.apply([Register(new(sink, make_instance(f"s{n}"))) for n in range(200)]))
    sink.update(held, new(sink, make_instance(port=1)))
    for other in strangers:
        clean_kv.kv_put(f"{other}/web/x", "10.0.0.1:1")
    holds_for(lambda: not wakes, 1.0, "nothing wakes")
    clean_kv.kv_put(f"{prefix}/web/x", "10.0.0.1:1")
    wait_until(lambda: wakes, PATIENCE, "it still watches")


def test_a_server_that_comes_back_empty_wakes(start_consul, open_kv, watched):
    """The watch breaks off, which the daemon begins again, and that wakes."""
    agent = start_consul()
    sink = open_kv(agent.url)
    sink.register(new(sink))
    wakes, over = [], Event()

    def run():
        while not over.is_set():
            try:
                sink.watch(lambda: wakes.append(1), over)
            except Exception:  # noqa: BLE001 - as the daemon does
                over.wait(0.1)

    thread = Thread(target=run, daemon=True)
    thread.start()
    wait_until(lambda: len(wakes) == 2, PATIENCE, "it begins")
    agent.restart()
    wait_until(lambda: len(wakes) > 2, 40, "it begins again")
    over.set()
    thread.join(PATIENCE)
    assert sink.registrations().items == ()


def test_own_writes_of_a_server_that_lost_its_data():
    """Indexes begin again: what another writes under a number of ours is not ours."""
    own = OwnWrites()
    for index in (5, 8):
        own.note(index)
    own.began(6)
    assert 5 in own
    assert 8 not in own


def test_a_proxy_that_cuts_long_requests(clean_kv, open_kv, watched, cutting):
    """A cut is no failure: the watch goes on, and wakes for changes only."""
    sink = open_kv(cutting.address)
    clean_kv.kv_put("services/db/y", "10.0.0.2:1")
    wakes = watched(sink)
    wait_until(lambda: cutting.cuts >= 6, PATIENCE, "it is cut several times")
    assert not wakes
    clean_kv.kv_put("services/web/x", "10.0.0.1:1")
    wait_until(lambda: wakes, PATIENCE, "it still watches")


@pytest.fixture
def cutting(clean_kv):
    """A proxy that answers 504 to what takes longer than a second."""
    made = CountingProxy(clean_kv.consul.address, patience=1.0)
    yield made
    made.close()
