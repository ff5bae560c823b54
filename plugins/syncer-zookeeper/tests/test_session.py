"""The one session: kept, lost and replaced, left at the end, taken over after a restart."""

from datetime import timedelta
from threading import Event, Thread
from time import monotonic

import attrs
import pytest

from servers.faultproxy import FaultProxy
from syncer import Deregister, Reason, Register, TemporaryError, Update
from syncer.testing import make_instance, wait_until
from syncer.testing.laws import Desk
from syncer_zookeeper.session import OUTSTANDING

TWO = [make_instance("one"), make_instance("two")]
PATHS = {"/services/one/kit-scope:one:8080", "/services/two/kit-scope:two:8080"}


def ours(sink, scope="kit-scope"):
    return [r for r in sink.registrations().items if r.mark and r.mark.scope == scope]


def lives(server, session):
    """Whether the server knows a session, by its id."""
    return f"0x{session & (2**64 - 1):x}\n" in server.say("dump")


def let_pass(seconds):
    end = monotonic() + seconds
    wait_until(lambda: monotonic() > end, seconds + 20, "time goes by")


def client_id(sink):
    return sink._session._client.client_id


def take_over(sink):
    """What the engine does with what is damaged; returns the ids."""
    damaged = [one for one in ours(sink) if one.damaged]
    news = [Update(one, attrs.evolve(one, damaged="", version="")) for one in damaged]
    assert [out.error for out in sink.apply(news) if out.error] == []
    return [one.id for one in damaged]


@pytest.fixture
def witness(clean_zookeeper):
    """Looks at a path all the while, and keeps the moments at which it was not there."""
    over, gaps, looks = Event(), [], []
    client = clean_zookeeper.open_client()

    def looking(path):
        while not over.is_set():
            looks.append(client.exists(path))
            if looks[-1] is None:
                gaps.append(monotonic())

    threads = []

    def begin(path):
        threads.append(Thread(target=looking, args=(path,), daemon=True))
        threads[-1].start()
        return gaps

    yield begin
    over.set()
    for thread in threads:
        thread.join(30)
    client.stop()
    client.close()


def test_listing_makes_no_node(sink, clean_zookeeper):
    """A sink that only looks leaves nothing behind, and its session ends with it."""
    sink.registrations()
    assert sink.renew([]) == []
    (session, _) = client_id(sink)
    assert lives(clean_zookeeper, session)
    sink.close()
    assert clean_zookeeper.values() == {}
    assert not lives(clean_zookeeper, session)


def test_lives_as_long_as_syncer(clean_zookeeper, open_sink, register):
    """Nodes outlast the session's time, whatever is called in it, and nothing is called lost."""
    sink = open_sink(clean_zookeeper.address, session=4.0)
    held = register(sink, *TWO)
    let_pass(6)
    assert set(clean_zookeeper.values()) == PATHS
    assert sink.renew(held) == []


def test_all_are_held_by_it(sink, clean_zookeeper, register):
    """Nodes are ephemeral, of one session; the nodes above them are not."""
    register(sink, *TWO)
    owners = {path: stat.ephemeralOwner for path, (_, stat) in clean_zookeeper.nodes().items()}
    assert {owners[path] for path in PATHS} == {client_id(sink)[0]}
    assert {owners[path] for path in owners.keys() - PATHS} == {0}


@pytest.mark.parametrize("layout", ["json", "registrator", "curator", "spring"])
def test_expired_and_restored(clean_zookeeper, open_sink, register, layout):
    """A session that is over takes all with it; renewing says so, and all can be written again."""
    sink = open_sink(clean_zookeeper.address, layout=layout)
    held = register(sink, *TWO)
    before = client_id(sink)
    clean_zookeeper.expire(before)
    wait_until(lambda: clean_zookeeper.values() == {}, 20, "the nodes go")

    def lost():
        try:
            return {one.id for one in sink.renew(held)}
        except TemporaryError:
            return None

    assert wait_until(lost, 20, "a new session") == {one.id for one in held}
    assert sink.registrations().items == ()
    again = register(sink, *TWO)
    assert client_id(sink) != before
    assert sink.renew(again) == []
    desk = Desk(sink, lambda check, instance: check, 10)
    assert desk.held() == {one.id: one for one in again}


def test_lost_is_told_at_once(sink, clean_zookeeper, register):
    """The end of the session wakes whoever watches, without waiting for a renewal."""
    wakes, stop = [], Event()
    thread = Thread(target=sink.watch, args=(lambda: wakes.append(1), stop), daemon=True)
    thread.start()
    register(sink, *TWO)
    wait_until(lambda: wakes, 10, "the watch begins")
    sink.registrations()
    wait_until(lambda: not sink._tree.changed.is_set(), 10, "own writes are told")
    before = len(wakes)
    clean_zookeeper.expire(client_id(sink))
    wait_until(lambda: len(wakes) > before, 20, "a wake")
    stop.set()
    thread.join(30)


def test_closing_leaves_nodes_for_the_sessions_time(clean_zookeeper, open_sink, register):
    """At the end nodes stay, so that an upgrade leaves no gap; without a successor they go."""
    sink = open_sink(clean_zookeeper.address, session=5.0)
    register(sink, *TWO)
    sink.close()
    assert set(clean_zookeeper.values()) == PATHS
    wait_until(lambda: clean_zookeeper.values() == {}, 20, "the session's time is over")


def test_removed_before_closing(clean_zookeeper, open_sink, register):
    """When all was removed nothing stays, and the session ends at once."""
    sink = open_sink(clean_zookeeper.address)
    held = register(sink, *TWO)
    (session, _) = client_id(sink)
    removals = [Deregister(one, Reason.PURGED) for one in held]
    assert [out.error for out in sink.apply(removals)] == [None, None]
    sink.close()
    assert clean_zookeeper.values() == {}
    assert not lives(clean_zookeeper, session)


@pytest.mark.parametrize("layout", ["json", "registrator"])
def test_restart_leaves_no_gap(clean_zookeeper, open_sink, register, witness, layout):
    """The next process takes the nodes onto its own session; nobody ever sees one missing."""
    first = open_sink(clean_zookeeper.address, session=5.0, layout=layout)
    register(first, *TWO)
    (old, _) = client_id(first)
    assert lives(clean_zookeeper, old)
    (path, *_) = clean_zookeeper.values()
    gaps = witness(path)
    first.close()
    second = open_sink(clean_zookeeper.address, session=5.0, layout=layout)
    assert [one.damaged for one in ours(second)] == ["", ""]
    assert second.renew(ours(second)) == []
    assert second._tree.changed.is_set(), "the engine is to look again"
    assert len(take_over(second)) == 2
    assert [one.damaged for one in ours(second)] == ["", ""]
    wait_until(lambda: not lives(clean_zookeeper, old), 20, "the old session's end")
    found = clean_zookeeper.nodes().values()
    assert {stat.ephemeralOwner for value, stat in found if value} == {client_id(second)[0]}
    assert gaps == []
    assert second.renew(ours(second)) == []


def test_looking_takes_nothing_over(clean_zookeeper, open_sink, register):
    """A process that keeps nothing alive, for a plan say, finds nothing wrong with a node."""
    register(open_sink(clean_zookeeper.address), *TWO)
    other = open_sink(clean_zookeeper.address)
    assert take_over(other) == []


def test_second_syncer_of_one_scope(clean_zookeeper, open_sink, register):
    """Of two that keep the same, the one that began last has it all, and they do not wrangle."""
    one, two = open_sink(clean_zookeeper.address), open_sink(clean_zookeeper.address)
    register(one, make_instance("a"), make_instance("b"))
    register(two, make_instance("c"))
    for sink in (one, two):
        sink.renew(ours(sink))
    taken = [len(take_over(sink)) for _ in range(4) for sink in (one, two)]
    assert sum(taken[-4:]) == 0
    assert sum(taken) <= 3
    clean_zookeeper.expire(client_id(two))
    wait_until(lambda: len(ours(one)) < 3, 20, "the nodes of the second go")


def test_two_hosts_of_one_owner(clean_zookeeper, open_sink, register):
    """Hosts share the default owner; a scope's nodes are never moved to another host's session."""
    one, two = open_sink(clean_zookeeper.address), open_sink(clean_zookeeper.address)
    register(one, make_instance("one"), scope="host1")
    register(two, make_instance("two", id="host2:two:1"), scope="host2")
    before = clean_zookeeper.nodes()
    third = open_sink(clean_zookeeper.address)
    third.renew(ours(third, "host2"))
    assert [r.damaged for r in ours(third, "host1")] == [""]
    assert [r.damaged for r in ours(third, "host2")] == ["held by another session"]
    assert clean_zookeeper.nodes() == before


def test_node_that_no_session_holds(sink, clean_zookeeper, register, new):
    """A lasting node in a node's place, copied by hand say, is put onto the session."""
    (held,) = register(sink)
    ((path, text),) = clean_zookeeper.values().items()
    clean_zookeeper.client.delete(path)
    clean_zookeeper.put(path, text)
    sink.renew([held])
    assert [one.damaged for one in ours(sink)] == ["held by no session"]
    take_over(sink)
    assert clean_zookeeper.client.exists(path).ephemeralOwner == client_id(sink)[0]


def answers(sink, ask):
    try:
        return (ask(),)
    except TemporaryError:
        return None


def test_partition_longer_than_the_session(start_zookeeper, open_sink, register):
    """A server that cannot be reached for too long: all is lost, told, and back."""
    server = start_zookeeper()
    proxy = FaultProxy(server.address)
    sink = open_sink(proxy.address, session=5.0, timeout=3.0)
    held = register(sink, *TWO)
    proxy.set(drop_requests=True, drop_answers=True)
    for ask in (sink.registrations, lambda: sink.renew(held)):
        with pytest.raises(TemporaryError):
            ask()
    wait_until(lambda: server.values() == {}, 30, "the nodes go")
    proxy.heal()
    (lost,) = wait_until(lambda: answers(sink, lambda: sink.renew(held)), 20, "an answer")
    assert {one.id for one in lost} == {one.id for one in held}
    (view,) = wait_until(lambda: answers(sink, sink.registrations), 20, "an answer")
    assert view.items == ()
    again = register(sink, *TWO)
    assert sink.renew(again) == []
    assert set(server.values()) == PATHS
    proxy.close()


def test_server_restarted_empty(start_zookeeper, open_sink, register):
    """A server that lost everything: the listing is empty, renewing says so, all come back."""
    server = start_zookeeper()
    sink = open_sink(server.address)
    held = register(sink, *TWO)
    sink.registrations()
    server.restart_empty()
    (view,) = wait_until(lambda: answers(sink, sink.registrations), 20, "an answer")
    assert view.items == ()
    (lost,) = wait_until(lambda: answers(sink, lambda: sink.renew(held)), 20, "an answer")
    assert {one.id for one in lost} == {one.id for one in held}
    register(sink, *TWO)
    assert set(server.values()) == PATHS


def test_server_restarted_with_its_data(start_zookeeper, open_sink, register):
    """After a restart with data everything is as it was, and the session lives on."""
    server = start_zookeeper()
    sink = open_sink(server.address, session=10.0)
    held = register(sink, *TWO)
    before = client_id(sink)[0]
    server.restart()
    (lost,) = wait_until(lambda: answers(sink, lambda: sink.renew(held)), 20, "an answer")
    assert lost == []
    assert client_id(sink)[0] == before
    assert [one.damaged for one in ours(sink)] == ["", ""]
    assert set(server.values()) == PATHS


def test_servers_that_do_not_answer(clean_zookeeper, open_sink, register):
    """Of several servers the one that answers is used, whichever it is."""
    sink = open_sink("127.0.0.1:9", clean_zookeeper.address, "127.0.0.1:10")
    register(sink, *TWO)
    assert set(clean_zookeeper.values()) == PATHS


def test_client_that_gave_up_is_replaced(clean_zookeeper, open_sink, register):
    """When the library has ended its connection by itself, another one is made."""
    sink = open_sink(clean_zookeeper.address, timeout=5.0)
    register(sink, *TWO)
    sink._session._client.stop()
    with pytest.raises(TemporaryError, match="cannot be reached"):
        sink.registrations()
    assert sink.registrations().items == ()
    register(sink, *TWO)
    assert set(clean_zookeeper.values()) == PATHS


def test_late_answers(start_zookeeper, open_sink, register, new):
    """When a server stops answering, what nobody waits for any more is not sent to it."""
    server = start_zookeeper()
    sink = open_sink(server.address, session=10.0, timeout=3.0)
    register(sink, make_instance("many", 5000))
    sink.registrations()
    server.freeze()
    many = [Register(new(sink, make_instance("many", port))) for port in range(1, 2000)]
    outcomes = list(sink.apply(many))
    assert {type(out.error) for out in outcomes} == {TemporaryError}
    server.thaw()
    (view,) = wait_until(lambda: answers(sink, sink.registrations), 20, "an answer")
    assert len(view.items) <= 1 + OUTSTANDING


def test_half_open_connection(start_zookeeper, open_sink, register):
    """A line that swallows everything is left for another, however often syncer asks over it."""
    server = start_zookeeper()
    proxy = FaultProxy(server.address)
    sink = open_sink(proxy.address, session=10.0, timeout=3.0)
    held = register(sink, *TWO)
    before = client_id(sink)[0]
    proxy.set(drop_requests=True, drop_answers=True)
    with pytest.raises(TemporaryError, match="deadline"):
        sink.registrations()
    # The old connection stays silent from now on; new ones work.
    proxy.heal()
    (lost,) = wait_until(lambda: answers(sink, lambda: sink.renew(held)), 60, "an answer")
    assert lost == []
    assert client_id(sink)[0] == before
    assert {one.id for one in ours(sink)} == {one.id for one in held}
    proxy.close()


def complaint(sink):
    """What a listing fails with."""
    with pytest.raises(TemporaryError) as raised:
        sink.registrations()
    return str(raised.value)


def test_line_that_does_not_greet(start_zookeeper, open_sink, register):
    """A new connection that is silent too is given up after `timeout`, not after a session."""
    server = start_zookeeper()
    proxy = FaultProxy(server.address)
    sink = open_sink(proxy.address, session=39.0, timeout=3.0)
    held = register(sink, *TWO)
    before = client_id(sink)[0]
    proxy.set(drop_requests=True, drop_answers=True)
    with pytest.raises(TemporaryError, match="deadline"):
        sink.registrations()
    wait_until(lambda: "cannot be reached" in complaint(sink), 20, "no connection")
    # The new one is silent for good, and there is no other server.
    proxy.heal()
    (lost,) = wait_until(lambda: answers(sink, lambda: sink.renew(held)), 30, "an answer")
    assert lost == []
    assert client_id(sink)[0] == before
    proxy.close()


def test_begins_before_the_server(start_zookeeper, open_sink, register):
    """A server that comes later is found; until then each call says that it cannot be reached."""
    server = start_zookeeper()
    server.kill()
    sink = open_sink(server.address, timeout=3.0)
    with pytest.raises(TemporaryError, match="cannot be reached .*refused"):
        sink.registrations()
    server.start()
    (view,) = wait_until(lambda: answers(sink, sink.registrations), 20, "an answer")
    assert view.items == ()
    register(sink)


def test_lock_ends_with_its_holder(clean_zookeeper, open_sink):
    """Who is gone without a word has a lock for its time, and no longer; who closes, not at all."""
    ttl = timedelta(seconds=6)
    first, second, third = (open_sink(clean_zookeeper.address, session=10.0) for _ in range(3))
    assert first.locks.take("a/b", ttl)
    assert not second.locks.take("a/b", ttl)
    first.locks._session.close(leave=True)
    assert not second.locks.take("a/b", ttl)
    wait_until(lambda: second.locks.take("a/b", ttl), 20, "the lock is free")
    second.close()
    assert third.locks.take("a/b", ttl)
    assert set(clean_zookeeper.nodes()) == {"/syncer-locks", "/syncer-locks/a%2Fb"}


def test_lock_of_a_session_that_was_lost(clean_zookeeper, open_sink):
    """A lock that another took meanwhile is not ours any more; else it is taken again."""
    sink, other = open_sink(clean_zookeeper.address), open_sink(clean_zookeeper.address)
    ttl = timedelta(seconds=5)
    for name in ("mine", "theirs"):
        assert sink.locks.take(name, ttl)
    clean_zookeeper.expire(sink.locks._session._client.client_id)
    wait_until(lambda: other.locks.take("theirs", ttl), 20, "the lock is free")
    (has,) = wait_until(lambda: answers(sink, lambda: sink.locks.take("theirs", ttl)), 20, "one")
    assert not has
    assert sink.locks.take("mine", ttl)
