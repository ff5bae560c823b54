"""Wakes: what others change is told, and a listing asks only for what has changed."""

from threading import Event, Thread

import pytest

from syncer.testing import make_instance, wait_until
from syncer_zookeeper.nodes import tree

PATH = "/services/web/kit-scope:web:8080"


@pytest.fixture
def wakes(sink):
    """A sink that is watched: the wakes so far."""
    found, stop = [], Event()
    thread = Thread(target=sink.watch, args=(lambda: found.append(1), stop), daemon=True)
    thread.start()
    wait_until(lambda: found, 10, "the wake with which a watch begins")
    yield found
    stop.set()
    thread.join(30)
    assert not thread.is_alive()


def settled(sink, wakes):
    """List until nothing is told any more; returns the number of wakes."""

    def quiet():
        sink.registrations()
        return not sink._tree.changed.is_set()

    wait_until(quiet, 10, "nothing changes")
    return len(wakes)


@pytest.mark.parametrize(
    "change",
    [
        lambda server: server.put(PATH, "edited"),
        lambda server: server.client.delete(PATH),
        lambda server: server.put("/services/web/other", "new"),
        lambda server: server.put("/services/other/one", "new"),
        lambda server: server.client.delete("/services", recursive=True),
    ],
    ids=["edited", "removed", "beside", "another service", "everything"],
)
def test_others_changes_wake(sink, clean_zookeeper, wakes, register, change):
    """Whatever somebody changes under the path wakes, and can be seen then."""
    register(sink)
    before = settled(sink, wakes)
    listed = sink.registrations()
    change(clean_zookeeper)
    wait_until(lambda: len(wakes) > before, 10, "a wake")
    now = sink.registrations()
    assert (now.items, now.unclear) != (listed.items, listed.unclear)


def test_the_path_itself_appears(sink, clean_zookeeper, wakes):
    """Before anything stands there, its coming wakes."""
    before = settled(sink, wakes)
    clean_zookeeper.put("/services/web/one", '{"address": "10.0.0.1", "port": 1}')
    wait_until(lambda: len(wakes) > before, 10, "a wake")
    wait_until(lambda: len(sink.registrations().items) == 1, 10, "it is listed")


def test_elsewhere_does_not_wake(sink, clean_zookeeper, wakes, register):
    """What changes beside the path is not told."""
    register(sink)
    before = settled(sink, wakes)
    clean_zookeeper.put("/elsewhere/x", "y")
    clean_zookeeper.put(PATH, "edited")
    wait_until(lambda: len(wakes) > before, 10, "a wake for what came after it")
    assert len(wakes) == before + 1


def test_close_ends_a_watch(sink, wakes):
    """Closing from another thread ends a watch soon."""
    stop = Event()
    thread = Thread(target=sink.watch, args=(lambda: None, stop), daemon=True)
    thread.start()
    sink.close()
    thread.join(30)
    assert not thread.is_alive()


def gets(monkeypatch, sink):
    """Counts how many values are asked for from now on."""
    asked = []
    get = tree._get
    monkeypatch.setattr(tree, "_get", lambda path, told: asked.append(path) or get(path, told))
    return asked


def test_only_changes_are_read(sink, clean_zookeeper, register, monkeypatch):
    """What was read and has not changed is not asked for again, by how many there may be."""
    register(sink, *(make_instance("web", port) for port in range(1, 101)))
    sink.registrations()
    asked = gets(monkeypatch, sink)
    assert len(sink.registrations().items) == 100
    assert asked == []
    clean_zookeeper.client.delete("/services/web/kit-scope:web:7")
    clean_zookeeper.put("/services/web/kit-scope:web:8", "edited")
    view = sink.registrations()
    assert (len(view.items), view.unclear) == (98, {"kit-scope:web:8"})
    assert asked == ["/services/web", "/services/web/kit-scope:web:8"]


def test_now_and_then_everything_is_read(sink, register, monkeypatch):
    """Whatever was promised, one listing in so many asks for everything."""
    register(sink)
    sink.registrations()
    asked = gets(monkeypatch, sink)
    for _ in range(tree.WHOLE):
        sink.registrations()
    assert asked == ["/services", "/services/web", PATH]


def test_changes_while_the_connection_was_lost(start_zookeeper, open_sink, register, monkeypatch):
    """What changed while nobody could tell is seen when the connection is back."""
    monkeypatch.setattr(tree, "WHOLE", 10**9)
    server = start_zookeeper()
    sink = open_sink(server.address, session=10.0)
    register(sink)
    assert len(sink.registrations().items) == 1
    sink._session._client.handler._line.shutdown(2)
    server.put("/services/web/other", '{"address": "10.0.0.1", "port": 1}')
    wait_until(lambda: len(sink.registrations().items) == 2, 20, "it is listed")
