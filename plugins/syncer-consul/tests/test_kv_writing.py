"""Transactions: how many fit in one, who is guilty when one fails, whose keys are touched."""

from datetime import timedelta

import attrs
import pytest

from servers.consul import ACL, MANAGEMENT_TOKEN
from servers.counting import CountingProxy
from syncer import (
    Conflict,
    Deregister,
    PermanentError,
    Reason,
    Register,
    Secret,
    TemporaryError,
    Update,
)
from syncer.kits.keyvalue import Version, batches
from syncer.testing import make_instance, make_registration
from syncer_consul.kv.writing import LARGEST, MOST, OwnWrites, step_of

TXN = "PUT /v1/txn"


def new(sink, instance=None, **mark):
    return make_registration(sink.adjust(instance or make_instance()), **mark)


def many(sink, count, **fields):
    return [new(sink, make_instance(f"s{n % 50}", id=f"id-{n}", **fields)) for n in range(count)]


def good(outcomes):
    outcomes = list(outcomes)
    assert [one.error for one in outcomes if one.error] == []
    return [one.registration for one in outcomes]


@pytest.fixture
def proxy(clean_kv):
    """A counting proxy before Consul."""
    made = CountingProxy(clean_kv.consul.address)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("options", "each"),
    [
        ({"layout": "json"}, 1),
        ({"layout": "registrator"}, 2),
        ({"layout": "json", "session": timedelta(minutes=1)}, 2),
        ({"layout": "registrator", "session": timedelta(minutes=1)}, 4),
    ],
)
def test_two_thousand_in_few_transactions(clean_kv, open_kv, proxy, options, each):
    """2,000 instances are written, changed and removed in full transactions of 64 operations."""
    sink = open_kv(proxy.address, **options)
    written = good(sink.apply([Register(one) for one in many(sink, 2000)]))
    assert proxy.counts.pop(TXN) == -(-2000 * each // MOST)
    keys = 2000 * (2 if options["layout"] == "registrator" else 1)
    assert len(clean_kv.values()) == keys
    listed = {one.id: one for one in sink.registrations().items}
    assert listed == {one.id: one for one in written}
    assert {one.id: one.version for one in written} == {
        one.id: one.version for one in listed.values()
    }
    assert proxy.counts.pop(TXN) == 1
    changed = many(sink, 2000, address="10.0.0.9")
    written = good(sink.apply([*map(Update, written, changed)]))
    assert proxy.counts.pop(TXN) == -(-2000 * each // MOST)
    assert {one.instance.address for one in sink.registrations().items} == {"10.0.0.9"}
    proxy.counts.clear()
    good(sink.apply([Deregister(old, Reason.PURGED) for old in written]))
    assert proxy.counts[TXN] == keys // MOST + bool(keys % MOST)
    assert clean_kv.values() == {}


def test_large_values_are_spread(clean_kv, open_kv, proxy):
    """A transaction stays below what Consul takes in one request, so that none is refused."""
    sink = open_kv(proxy.address, layout="json")
    good(sink.apply([Register(one) for one in many(sink, 9, meta={"x": "y" * 90_000})]))
    assert proxy.counts[TXN] == 3
    assert len(clean_kv.values()) == 9


def test_no_key_twice_in_one_transaction(clean_kv, open_kv):
    """Two changes of one key go in two transactions, in their order."""
    sink = open_kv(clean_kv.url)
    steps = [step_of(Register(new(sink)), None, sink._layout, "")] * 2
    assert [len(batch) for batch in batches(steps, MOST, LARGEST)] == [1, 1]


@pytest.mark.parametrize("session", [None, timedelta(minutes=1)])
@pytest.mark.parametrize("layout", ["json", "registrator"])
def test_only_the_guilty_fail(clean_kv, open_kv, layout, session):
    """In a batch with three stale changes these three are conflicts, and all others are made."""
    sink = open_kv(clean_kv.url, layout=layout, session=session)
    held = good(sink.apply([Register(one) for one in many(sink, 40)]))
    rival = open_kv(clean_kv.url, layout=layout, session=session)
    rival.registrations()
    taken = new(sink, make_instance("s1", id="id-51"))
    rival.register(attrs.evolve(taken, mark=attrs.evolve(taken.mark, workload="w2")))
    rival.update(held[3], new(sink, attrs.evolve(held[3].instance, address="10.9.9.9")))
    rival.deregister(held[5])
    rival.deregister(held[7])
    changes = [Register(one) for one in many(sink, 60)[50:]]
    changes += [Update(old, new(sink, attrs.evolve(old.instance, port=9))) for old in held[:6]]
    changes += [Deregister(old, Reason.PURGED) for old in held[6:20]]
    outcomes = list(sink.apply(changes))
    assert len(outcomes) == len(changes)
    failed = {one.change.id: one.error for one in outcomes if one.error}
    assert sorted(failed) == ["id-3", "id-5", "id-51"]
    assert all(isinstance(error, Conflict) for error in failed.values())
    now = {one.id: one.instance for one in sink.registrations().items}
    assert now["id-3"].address == "10.9.9.9"
    assert "id-5" not in now
    assert now["id-4"].port == 9
    assert "id-7" not in now
    assert len(now) == 40 - 1 - 14 + 10


def test_somebody_elses_keys_are_untouched(clean_kv, open_kv):
    """Entries of another host under the same prefix, and those that nobody marked, stay as they
    are, byte for byte and at their index.
    """
    one, two = open_kv(clean_kv.url), open_kv(clean_kv.url)
    two.register(new(two, make_instance("x"), scope="host2"))
    clean_kv.kv_put("services/web/by-hand", "10.1.1.1:80")
    clean_kv.kv_put("services/note", "not an entry")
    before = clean_kv.entries()
    held = good(one.apply([Register(one_) for one_ in many(one, 100)]))
    with pytest.raises(Conflict):
        one.register(new(one, make_instance("x")))
    with pytest.raises(Conflict):
        one.register(new(one, make_instance("web", id="by-hand")))
    good(one.apply([Deregister(old, Reason.PURGED) for old in held]))
    assert clean_kv.entries() == before


def test_removing_without_a_version(clean_kv, open_kv):
    """A registration that was never read is looked up before it is removed."""
    sink = open_kv(clean_kv.url)
    bare = new(sink)
    sink.deregister(bare)
    sink.register(bare)
    sink.deregister(bare)
    assert clean_kv.values() == {}


def test_what_a_token_may_not_write_is_refused(start_consul, open_kv):
    """Not a conflict, which would be tried again at once; and it does not stop the others."""
    agent = start_consul(config=ACL)
    agent.api.token = MANAGEMENT_TOKEN
    rules = 'key_prefix "" { policy = "read" }\n' + "".join(
        f'key_prefix "{tree}services/mine/" {{ policy = "write" }}\n' for tree in ("", "syncer/")
    )
    sink = open_kv(agent.url, token=Secret(agent.api.create_token(rules)))
    assert sink.registrations().complete
    wanted = [new(sink, make_instance(name)) for name in ("mine", "theirs")]
    outcomes = {
        one.change.new.instance.service: one for one in sink.apply([*map(Register, wanted)])
    }
    assert outcomes["mine"].error is None
    assert type(outcomes["theirs"].error) is PermanentError
    assert "Permission denied" in str(outcomes["theirs"].error)


def test_a_server_that_is_away_is_asked_once(open_kv, monkeypatch):
    """Not once for each transaction: with thousands of instances that would take an hour."""
    sink = open_kv("127.0.0.1:9")
    asked = []
    change = sink._store.change
    monkeypatch.setattr(sink._store, "change", lambda verbs: asked.append(1) or change(verbs))
    outcomes = list(sink.apply([Register(one) for one in many(sink, 500)]))
    assert {type(one.error) for one in outcomes} == {TemporaryError}
    assert (len(outcomes), len(asked)) == (500, 1)


def test_a_version_survives_any_key():
    """It keeps keys with blanks, and who holds what."""
    version = Version("a b/c - d", 12, 0, "1ed3dd5c-b27d-30ee-8f2d-c73a68ff373e", "")
    assert Version.parse(str(version)) == version


def test_own_writes_are_forgotten_when_the_index_falls():
    """A server that began anew gives the same indexes to others' writes."""
    own = OwnWrites()
    for index in (50, 51, 52):
        own.note(index)
    assert 51 in own
    own.note(7)
    assert 7 in own
    assert 51 not in own
    for index in range(8, 3000):
        own.note(index)
    assert 7 not in own
    assert 2999 in own
