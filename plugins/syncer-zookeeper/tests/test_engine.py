"""The sink in the engine, through what happens to servers, sessions and syncer itself."""

from threading import Event, Thread

import pytest

from servers.squatters import Squatted
from syncer import Engine
from syncer.testing import FakeSource, make_workload, wait_until


@pytest.fixture
def source():
    return FakeSource(make_workload("web"), make_workload("db"))


@pytest.fixture
def run(source, open_sink):
    """Runs engines: `run(server)` returns one that has started."""
    engines = []

    def start(server, **options):
        sink = open_sink(server.address, session=6.0, timeout=5.0)
        engines.append(Engine({"fake": source}, {"zookeeper": sink}, **options))
        engines[-1].start()
        return engines[-1]

    yield start
    for engine in engines:
        engine.stop()


def services(server):
    """The services that stand there."""
    return sorted({path.split("/")[2] for path in server.values("/services")})


def wait_for(server, *names):
    wait_until(lambda: services(server) == sorted(names), 20, f"{names} stand there")


def test_follows_the_source(clean_zookeeper, source, run):
    """What starts and ends is written and removed."""
    run(clean_zookeeper)
    wait_for(clean_zookeeper, "db", "web")
    source.remove("db")
    source.put(make_workload("new"))
    wait_for(clean_zookeeper, "new", "web")


def test_hand_edits_are_put_right_at_once(clean_zookeeper, run):
    """What somebody changes or removes is put back on the wake, long before the next interval."""
    run(clean_zookeeper, interval=600.0)
    wait_for(clean_zookeeper, "db", "web")
    before = clean_zookeeper.values()
    (path, other) = before
    clean_zookeeper.put(path, before[path].replace("10.0.0.5", "10.9.9.9"))
    wait_until(lambda: clean_zookeeper.values() == before, 20, "the edit is put right")
    clean_zookeeper.client.delete(other)
    wait_until(lambda: clean_zookeeper.values() == before, 20, "the node is back")


def test_session_that_expires(clean_zookeeper, run):
    """All nodes go with a session, and all come back on another, without an interval."""
    engine = run(clean_zookeeper, interval=600.0)
    wait_for(clean_zookeeper, "db", "web")
    before = {stat.ephemeralOwner for value, stat in clean_zookeeper.nodes().values() if value}
    (sink,) = [reconciler.sink for reconciler in engine._reconcilers.values()]
    clean_zookeeper.expire(sink._session._client.client_id)

    def back():
        now = [stat.ephemeralOwner for value, stat in clean_zookeeper.nodes().values() if value]
        return len(now) == 2 and not before & set(now)

    wait_until(back, 20, "both are back")


def test_server_restarted_empty(start_zookeeper, run):
    """A server that lost everything has everything again."""
    server = start_zookeeper()
    run(server, interval=600.0)
    wait_for(server, "db", "web")
    server.restart_empty()
    wait_for(server, "db", "web")


def test_restart_of_syncer_leaves_no_gap(clean_zookeeper, run):
    """A new process takes over before the old one's session ends; a consumer sees no gap."""
    first = run(clean_zookeeper, interval=600.0)
    wait_for(clean_zookeeper, "db", "web")
    old = {stat.ephemeralOwner for value, stat in clean_zookeeper.nodes().values() if value}
    gaps, over = [], Event()
    consumer = clean_zookeeper.open_client()
    paths = tuple(clean_zookeeper.values())

    def look():
        while not over.is_set():
            gaps.extend(path for path in paths if not consumer.exists(path))

    thread = Thread(target=look, daemon=True)
    thread.start()
    first.stop()
    run(clean_zookeeper, interval=600.0)
    (hexadecimal,) = [f"{owner & (2**64 - 1):x}" for owner in old]
    wait_until(lambda: hexadecimal not in clean_zookeeper.say("dump"), 20, "the old session ends")
    over.set()
    thread.join(30)
    consumer.stop()
    consumer.close()
    assert gaps == []
    now = {stat.ephemeralOwner for value, stat in clean_zookeeper.nodes().values() if value}
    assert len(now) == 1
    assert not now & old


def test_deregistering_at_exit(clean_zookeeper, run):
    """With `on_exit = deregister` nothing stays."""
    engine = run(clean_zookeeper, on_exit="deregister")
    wait_for(clean_zookeeper, "db", "web")
    engine.stop()
    assert clean_zookeeper.values() == {}


def test_an_id_that_another_host_gave_away(clean_zookeeper, open_sink):
    """Its own container gets the node, though the other's session holds it."""
    sinks = [open_sink(clean_zookeeper.address) for _ in range(2)]
    assert Squatted(*sinks).settled() == ("10.0.0.5", "host2")
