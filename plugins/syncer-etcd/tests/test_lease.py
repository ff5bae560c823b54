"""The one lease: granted once, kept, found again, lost and replaced."""

from collections import Counter
from datetime import timedelta
from time import monotonic

import attrs
import pytest

from syncer import Deregister, Reason, Register, TemporaryError, Update
from syncer.testing import make_instance, make_registration, wait_until

TWO = [make_instance("one"), make_instance("two")]


def new(sink, instance=None, **mark):
    return make_registration(sink.adjust(instance or make_instance()), **mark)


def register(sink, *instances, **mark):
    """Write instances, and return them as held."""
    changes = [Register(new(sink, instance, **mark)) for instance in instances or (None,)]
    outcomes = list(sink.apply(changes))
    assert [one.error for one in outcomes if one.error] == []
    return [one.registration for one in outcomes]


def ours(sink, scope="kit-scope"):
    return [r for r in sink.registrations().items if r.mark and r.mark.scope == scope]


def test_listing_takes_no_lease(sink, clean_etcd):
    """A sink that only looks leaves no lease behind."""
    sink.registrations()
    sink.renew([])
    assert clean_etcd.api.leases() == set()


def test_all_hang_on_it_with_their_twins(clean_etcd, open_sink):
    """Entry and twin go in one transaction onto one lease."""
    sink = open_sink(clean_etcd.address, layout="registrator")
    register(sink)
    entries = clean_etcd.api.entries()
    assert len(entries) == 2
    assert len({entry["lease"] for entry in entries.values()}) == 1
    assert len({entry["mod_revision"] for entry in entries.values()}) == 1


@pytest.mark.parametrize("layout", ["json", "registrator"])
def test_revoked_by_hand_all_come_back(clean_etcd, open_sink, layout):
    """A lease that is gone loses everything; the renewal says so, and all can be put again."""
    sink = open_sink(clean_etcd.address, layout=layout)
    held = register(sink, *TWO)
    (before,) = clean_etcd.api.leases()
    clean_etcd.api.revoke(before)
    assert clean_etcd.api.values() == {}
    assert {lost.id for lost in sink.renew(held)} == {one.id for one in held}
    assert sink.registrations().items == ()
    again = register(sink, *TWO)
    (after,) = clean_etcd.api.leases()
    assert after != before
    assert sink.renew(again) == []


def test_revoked_before_a_write(sink, clean_etcd):
    """A write that finds the lease dead takes another one and succeeds."""
    register(sink)
    clean_etcd.api.revoke(*clean_etcd.api.leases())
    register(sink, make_instance("other"))
    assert [r.id for r in sink.registrations().items] == [make_instance("other").id]
    assert len(clean_etcd.api.leases()) == 1


@pytest.mark.parametrize("first", ["renew", "write"])
def test_found_again_after_a_restart(clean_etcd, open_sink, first):
    """The next process keeps the lease that its entries hang on, whatever it does first."""
    held = register(open_sink(clean_etcd.address))
    leases = clean_etcd.api.leases()
    second = open_sink(clean_etcd.address)
    found = ours(second)
    assert [one.damaged for one in found] == [""]
    if first == "renew":
        assert second.renew(found) == []
    register(second, make_instance("more"))
    assert clean_etcd.api.leases() == leases
    assert [one.damaged for one in ours(second)] == ["", ""]
    assert second.renew([*held, *ours(second)]) == []


def test_entries_on_another_lease_are_moved(clean_etcd, open_sink):
    """What hangs on a second lease, or on none, is damaged until it is put onto ours."""
    sink = open_sink(clean_etcd.address)
    register(sink, make_instance("a"), make_instance("b"), make_instance("c"), make_instance("d"))
    (own,) = clean_etcd.api.leases()
    other = int(clean_etcd.api.request("lease/grant", TTL=60)["ID"])
    entries = clean_etcd.api.values("/services/a/") | clean_etcd.api.values("/services/b/")
    for (key, value), lease in zip(entries.items(), (other, 0), strict=True):
        clean_etcd.api.put(key, value, lease)
    found = {one.instance.service: one for one in ours(sink)}
    assert Counter(bool(one.damaged) for one in found.values()) == {True: 2, False: 2}
    assert "another lease" in found["a"].damaged
    assert "no lease" in found["b"].damaged
    for name in ("a", "b"):
        sink.update(found[name], new(sink, make_instance(name)))
    assert [one.damaged for one in ours(sink)] == [""] * 4
    assert {int(e["lease"]) for e in clean_etcd.api.entries().values()} == {own}


def test_another_ttl_moves_to_a_new_lease(clean_etcd, open_sink):
    """After a restart with another `ttl`, entries are damaged until they hang on a new lease."""
    register(open_sink(clean_etcd.address, ttl=60), *TWO)
    sink = open_sink(clean_etcd.address, ttl=90)
    sink.registrations()
    register(sink, make_instance("new"))
    for one in [one for one in ours(sink) if one.damaged]:
        sink.update(one, new(sink, one.instance))
    assert [one.damaged for one in ours(sink)] == [""] * 3
    (lease,) = {e["lease"] for e in clean_etcd.api.entries().values()}
    assert int(clean_etcd.api.request("lease/timetolive", ID=lease)["grantedTTL"]) == 90


def test_two_syncers_of_one_scope_agree(clean_etcd, open_sink):
    """Two that keep the same entries end on one lease and do not take them from each other."""
    one, two = open_sink(clean_etcd.address), open_sink(clean_etcd.address)
    register(one, *(make_instance(f"a{n}") for n in range(3)))
    register(two, *(make_instance(f"b{n}") for n in range(2)))
    for _ in range(3):
        for sink in (one, two):
            for found in ours(sink):
                if found.damaged:
                    sink.update(found, new(sink, found.instance))
    assert [found.damaged for sink in (one, two) for found in ours(sink)] == [""] * 10
    assert len({e["lease"] for e in clean_etcd.api.entries().values()}) == 1


def test_two_hosts_of_one_owner_have_a_lease_each(clean_etcd, open_sink):
    """Hosts share the default owner; a scope's entries never hang on another host's lease."""
    one, two = open_sink(clean_etcd.address), open_sink(clean_etcd.address)
    register(one, make_instance("one"), scope="host1")
    two.registrations()
    register(two, make_instance("two", id="host2:two:1"), scope="host2")
    leases = clean_etcd.api.leases()
    assert len(leases) == 2
    third = open_sink(clean_etcd.address)
    assert third.renew(ours(third, "host2")) == []
    register(third, make_instance("three", id="host2:three:1"), scope="host2")
    assert clean_etcd.api.leases() == leases
    assert clean_etcd.api.lease_of("/services/two/host2:two:1") == clean_etcd.api.lease_of(
        "/services/three/host2:three:1"
    )
    assert [one.damaged for one in ours(third, "host2")] == ["", ""]


def test_an_empty_lease_is_ended_at_close(clean_etcd, open_sink):
    """After everything was removed nothing stays; with entries the lease stays."""
    sink = open_sink(clean_etcd.address)
    held = register(sink, *TWO)
    open_sink(clean_etcd.address).close()
    list(sink.apply([Deregister(held[0], Reason.PURGED)]))
    second = open_sink(clean_etcd.address)
    second.renew(ours(second))
    second.close()
    assert len(clean_etcd.api.leases()) == 1
    list(sink.apply([Deregister(held[1], Reason.PURGED)]))
    sink.close()
    assert clean_etcd.api.leases() == set()


def test_grant_whose_answer_is_lost_is_not_made_twice(sink, clean_etcd, monkeypatch):
    """When the answer to a grant does not come, the next attempt finds what was made."""
    client = sink._client
    grant = client.grant

    def lossy(id_, ttl):
        grant(id_, ttl)
        monkeypatch.setattr(client, "grant", grant)
        raise TemporaryError("no answer")

    monkeypatch.setattr(client, "grant", lossy)
    (outcome,) = sink.apply([Register(new(sink))])
    assert isinstance(outcome.error, TemporaryError)
    register(sink)
    assert len(clean_etcd.api.leases()) == 1


def test_partition_longer_than_the_lease(start_etcd, open_sink):
    """A server that cannot be reached for longer than the TTL: then all is lost, told, and back."""
    server = start_etcd()
    sink = open_sink(server.address, ttl=5, timeout=4.0)
    held = register(sink, *TWO)
    server.freeze()
    with pytest.raises(TemporaryError):
        sink.renew(held)
    # The server's clock goes on while it is stopped.
    end = monotonic() + 6
    wait_until(lambda: monotonic() > end, 30, "time goes by")
    server.thaw()
    wait_until(lambda: server.api.values("/services/") == {}, 30, "the entries run out")
    assert {one.id for one in sink.renew(held)} == {one.id for one in held}
    assert sink.registrations().items == ()
    assert sink.renew(register(sink, *TWO)) == []
    assert len(server.api.leases()) == 1


def test_server_restarted_empty(start_etcd, open_sink):
    """A server that lost everything: the listing is empty, the renewal says so, all come back."""
    server = start_etcd()
    sink = open_sink(server.address, layout="registrator")
    held = register(sink, *TWO)
    server.restart_empty()

    def answers():
        try:
            return sink.registrations()
        except TemporaryError:
            return None

    assert wait_until(answers, 20, "the connection is made again").items == ()
    assert {one.id for one in sink.renew(held)} == {one.id for one in held}
    register(sink, *TWO)
    assert {one.id for one in ours(sink)} == {one.id for one in held}


def test_server_restarted_with_its_data(start_etcd, open_sink):
    """After a restart with data everything is as it was, and the lease lives on."""
    server = start_etcd()
    sink = open_sink(server.address)
    held = register(sink, *TWO)
    server.restart()

    def renewed():
        try:
            return sink.renew(held) == []
        except TemporaryError:
            return False

    wait_until(renewed, 20, "the lease is renewed again")
    (first, second) = sorted(ours(sink), key=lambda one: one.id)
    moved = new(sink, attrs.evolve(first.instance, address="10.0.0.9"))
    (outcome,) = sink.apply([Update(first, moved)])
    assert outcome.error is None
    assert second.damaged == ""


def test_renewed_through_a_proxy(clean_etcd, etcd_proxy, open_sink):
    """The lease has its whole length again, though a proxy hears of the request only."""
    sink = open_sink(etcd_proxy.address, ttl=600.0)
    held = register(sink)
    (lease,) = clean_etcd.api.leases()
    wait_until(lambda: left(clean_etcd, lease) < 599, 20, "the lease grows old")
    assert sink.renew(held) == []
    assert left(clean_etcd, lease) >= 599


def test_a_lock_through_a_proxy(clean_etcd, etcd_proxy, open_sink):
    """It is kept as well."""
    sink, length = open_sink(etcd_proxy.address), timedelta(seconds=600)
    assert sink.locks.take("a", length)
    (lease,) = clean_etcd.api.leases()
    wait_until(lambda: left(clean_etcd, lease) < 599, 20, "the lease grows old")
    assert sink.locks.take("a", length)
    assert left(clean_etcd, lease) >= 599
    sink.locks.release("a")


def left(etcd, lease):
    """The seconds that a lease has left."""
    return int(etcd.api.request("lease/timetolive", ID=lease)["TTL"])
