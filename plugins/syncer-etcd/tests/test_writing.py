"""Transactions: how many fit in one, who is guilty when one fails, whose keys are touched."""

from collections import Counter

import attrs
import pytest

from syncer import Conflict, Deregister, PermanentError, Reason, Register, Update
from syncer.kits.keyvalue import Version, batches
from syncer.testing import make_instance, make_registration
from syncer_etcd.writing import LARGEST, MOST, step_of


def new(sink, instance=None, **mark):
    return make_registration(sink.adjust(instance or make_instance()), **mark)


def many(sink, count, **fields):
    return [new(sink, make_instance(f"s{n % 50}", id=f"id-{n}", **fields)) for n in range(count)]


def good(outcomes):
    outcomes = list(outcomes)
    assert [one.error for one in outcomes if one.error] == []
    return [one.registration for one in outcomes]


@pytest.fixture
def transactions(monkeypatch):
    """Counts the transactions of a sink and how large they were: `transactions(sink)`."""

    def count(sink):
        sizes = []
        send = sink._client.transact

        def counted(request):
            sizes.append(max(len(request.compare), len(request.success), len(request.failure)))
            return send(request)

        monkeypatch.setattr(sink._client, "transact", counted)
        return sizes

    return count


@pytest.mark.parametrize(("layout", "each"), [("json", 1), ("registrator", 2)])
def test_five_thousand_in_few_transactions(clean_etcd, open_sink, transactions, layout, each):
    """5,000 instances are written, changed and removed in full transactions of 128 operations."""
    sink = open_sink(clean_etcd.address, layout=layout)
    sizes = transactions(sink)
    fewest = -(-5000 * each // MOST)
    written = good(sink.apply([Register(one) for one in many(sink, 5000)]))
    assert len(sizes) == fewest
    assert max(sizes) == MOST
    assert len(clean_etcd.api.values()) == 5000 * each
    view = sink.registrations()
    assert sorted(r.id for r in view.items) == sorted(r.id for r in written)
    assert {r.id: r.version for r in view.items} == {r.id: r.version for r in written}
    changed = many(sink, 5000, address="10.0.0.9")
    pairs = zip(written, changed, strict=True)
    sizes.clear()
    written = good(sink.apply([Update(old, one) for old, one in pairs]))
    assert len(sizes) == fewest
    assert {r.instance.address for r in sink.registrations().items} == {"10.0.0.9"}
    sizes.clear()
    good(sink.apply([Deregister(old, Reason.PURGED) for old in written]))
    assert len(sizes) == fewest
    assert clean_etcd.api.values() == {}


def test_large_values_are_spread(sink, clean_etcd, transactions):
    """A transaction stays below what etcd takes in one request, so that none is refused."""
    sizes = transactions(sink)
    good(sink.apply([Register(one) for one in many(sink, 12, meta={"x": "y" * 300_000})]))
    assert sizes == [3, 3, 3, 3]
    assert len(clean_etcd.api.values()) == 12


def test_no_key_twice_in_one_transaction(sink):
    """Two changes of one key go in two transactions, in their order."""
    one = new(sink)
    steps = [step_of(Register(one), None, sink._layout)] * 2
    assert [len(batch) for batch in batches(steps, MOST, LARGEST)] == [1, 1]


@pytest.mark.parametrize("layout", ["json", "registrator"])
def test_only_the_guilty_fail(clean_etcd, open_sink, transactions, layout):
    """In a batch with three stale changes these three are conflicts, and all others are made."""
    sink = open_sink(clean_etcd.address, layout=layout)
    rival = open_sink(clean_etcd.address, layout=layout)
    held = good(sink.apply([Register(one) for one in many(sink, 40)]))
    taken = new(sink, make_instance("s1", id="id-51"))
    rival.register(attrs.evolve(taken, mark=attrs.evolve(taken.mark, workload="w2")))
    rival.update(held[3], new(sink, attrs.evolve(held[3].instance, address="10.9.9.9")))
    rival.deregister(held[5])
    rival.deregister(held[7])
    changes = [Register(one) for one in many(sink, 60)[50:]]
    changes += [Update(old, new(sink, attrs.evolve(old.instance, port=9))) for old in held[:6]]
    changes += [Deregister(old, Reason.PURGED) for old in held[6:20]]
    sizes = transactions(sink)
    outcomes = list(sink.apply(changes))
    assert len(outcomes) == len(changes)
    failed = {one.change.id: one.error for one in outcomes if one.error}
    assert sorted(failed) == ["id-3", "id-5", "id-51"]
    assert all(isinstance(error, Conflict) for error in failed.values())
    assert len(sizes) == 2
    now = {r.id: r.instance for r in sink.registrations().items}
    assert now["id-3"].address == "10.9.9.9"
    assert "id-5" not in now
    assert now["id-4"].port == 9
    assert "id-7" not in now
    assert len(now) == 40 - 1 - 14 + 10


def test_renaming_moves_the_key(clean_etcd, open_sink):
    """Another service name is another key: the new one comes and the old one goes at once."""
    sink = open_sink(clean_etcd.address, layout="registrator")
    held = sink.register(new(sink))
    sink.update(held, new(sink, attrs.evolve(held.instance, service="shop")))
    entries = clean_etcd.api.entries()
    assert sorted(entries) == [
        "/services/shop/kit-scope:web:8080",
        "/syncer/services/shop/kit-scope:web:8080",
    ]
    assert len({entry["mod_revision"] for entry in entries.values()}) == 1


def test_two_owners_under_one_prefix(clean_etcd, open_sink):
    """Two syncers never change each other's keys, whatever they do to their own."""
    one = open_sink(clean_etcd.address, owner="one")
    two = open_sink(clean_etcd.address, owner="two")
    theirs = good(two.apply([Register(new(two, make_instance("x"), owner="two", scope="b"))]))
    before = clean_etcd.api.entries("/services/x/")
    held = good(
        one.apply([Register(new(one, make_instance(f"s{n}"), owner="one")) for n in range(200)])
    )
    assert Counter(r.mark.owner for r in one.registrations().items) == {"one": 200, "two": 1}
    assert one.renew(held) == []
    good(one.apply([Deregister(old, Reason.PURGED) for old in held]))
    assert clean_etcd.api.entries("/services/x/") == before
    with pytest.raises(Conflict):
        one.register(new(one, make_instance("x"), owner="one"))
    assert clean_etcd.api.entries("/services/x/") == before
    assert two.renew(theirs) == []
    assert len(clean_etcd.api.leases()) == 2


def test_removing_without_a_version(clean_etcd, open_sink):
    """A registration that was never read is looked up before it is removed."""
    sink = open_sink(clean_etcd.address, layout="registrator")
    bare = new(sink)
    sink.deregister(bare)
    sink.register(bare)
    sink.deregister(bare)
    assert clean_etcd.api.values() == {}


def test_one_refused_item_does_not_stop_the_others(sink, clean_etcd, monkeypatch):
    """What etcd refuses for one item is found by splitting; the rest is written."""
    send = sink._client.transact

    def picky(request):
        if any(b"id-33" in op.request_put.key for op in request.success):
            raise PermanentError("etcd: not this one")
        return send(request)

    monkeypatch.setattr(sink._client, "transact", picky)
    outcomes = list(sink.apply([Register(one) for one in many(sink, 100)]))
    assert [one.change.id for one in outcomes if one.error] == ["id-33"]
    assert len(clean_etcd.api.values()) == 99


def test_a_version_survives_any_key():
    """It keeps keys with blanks and what is not UTF-8."""
    version = Version("/a b/\udcff c", 12, 0, "694d")
    assert Version.parse(str(version)) == version


def test_a_listing_is_of_one_moment(clean_etcd, open_sink, monkeypatch):
    """However many pages it has, with their marks, a listing shows one revision and no other."""
    monkeypatch.setattr("syncer_etcd.client.PAGE", 2)
    sink = open_sink(clean_etcd.address, layout="registrator")
    rival = open_sink(clean_etcd.address, layout="registrator")
    held = good(sink.apply([Register(one) for one in many(sink, 7)]))
    pages = sink._client._pages

    def slowly(prefix, revision):
        for number, page in enumerate(pages(prefix, revision)):
            if number == 1 and prefix == "/services/":
                for one in held:
                    rival.deregister(one)
            yield page

    monkeypatch.setattr(sink._client, "_pages", slowly)
    view = sink.registrations()
    assert {r.id for r in view.items} == {r.id for r in held}
    assert {r.damaged for r in view.items} == {""}
    assert sink.registrations().items == ()
