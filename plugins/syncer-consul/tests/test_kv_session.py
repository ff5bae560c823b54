"""The session that holds the keys, and hand edits of what stands there."""

import itertools
from datetime import timedelta

import attrs
import pytest

from syncer import Conflict, Register, SyncerError, Update
from syncer.testing import make_instance, make_registration

SESSION = timedelta(seconds=30)
LAYOUTS = pytest.mark.parametrize("layout", ["registrator", "json"])


def new(sink, instance=None, **mark):
    return make_registration(sink.adjust(instance or make_instance()), **mark)


def repair(sink):
    """Write again what the listing calls damaged, as a cycle does; returns what was wrong."""
    damaged = [one for one in sink.registrations().items if one.damaged]
    for one in damaged:
        sink.update(one, attrs.evolve(one, version="", damaged=""))
    return [one.damaged for one in damaged]


def holders(kv):
    """The sessions that hold keys; None for none."""
    return {entry.get("Session") for entry in kv.entries().values()}


@pytest.fixture
def made(clean_kv, open_kv):
    """Makes sinks with a session and one registration each: `made(layout, service="web")`."""

    def make(layout="registrator", service="web", session=SESSION, **mark):
        sink = open_kv(clean_kv.url, layout=layout, session=session)
        held = sink.register(new(sink, make_instance(service), **mark))
        return sink, held

    return make


@LAYOUTS
def test_one_session_holds_all(clean_kv, made, layout):
    """Made with the first write, and never again, whatever is written later."""
    sink, held = made(layout)
    (session,) = clean_kv.sessions()
    for number in range(5):
        held = sink.update(held, new(sink, make_instance(address=f"10.0.0.{number}")))
        sink.register(new(sink, make_instance(f"s{number}")))
    assert clean_kv.sessions() == {session}
    assert holders(clean_kv) == {session}
    assert sink.renew([held]) == []


def test_what_it_is(clean_kv, made):
    """It ends with its keys, without a delay in which nobody could write them, and does not hang
    on the health of the node.
    """
    made(session=timedelta(hours=1))
    (info,) = clean_kv.api.get("session/list")
    assert (info["Behavior"], info["TTL"], info["LockDelay"]) == ("delete", "3600s", 0)
    assert info["NodeChecks"] == []
    assert info["Name"] == "syncer syncer"


@LAYOUTS
def test_it_is_found_again_after_a_restart(clean_kv, made, open_kv, layout):
    """By the keys that it holds: nothing is written, and no other session made."""
    sink, held = made(layout)
    before, sessions = clean_kv.entries(), clean_kv.sessions()
    sink.close()
    again = open_kv(clean_kv.url, layout=layout, session=SESSION)
    assert repair(again) == []
    assert again.renew(again.registrations().items) == []
    assert repair(again) == []
    again.register(new(again, make_instance("more")))
    assert clean_kv.sessions() == sessions
    assert {k: v for k, v in clean_kv.entries().items() if k in before} == before


def test_another_length_moves_all_to_another_session(clean_kv, made, open_kv):
    """Once; the other syncer, if there still is one, follows."""
    sink, held = made()
    longer = open_kv(clean_kv.url, session=2 * SESSION)
    longer.registrations()
    longer.register(new(longer, make_instance("more")))
    assert repair(longer) == ["held by another session"]
    assert len(holders(clean_kv)) == 1
    assert repair(longer) == []
    assert repair(sink) == []
    assert repair(longer) == []


def test_two_that_keep_the_same_agree_on_one(clean_kv, open_kv):
    """Though both made one: soon one of them holds everything, and both leave it so."""
    one, two = (open_kv(clean_kv.url, session=SESSION) for _ in range(2))
    one.registrations()
    two.registrations()
    one.register(new(one, make_instance("a")))
    two.register(new(two, make_instance("b")))
    assert len(holders(clean_kv)) == 2
    for sink in (one, two, one, two):
        repair(sink)
    assert len(holders(clean_kv)) == 1
    before = clean_kv.entries()
    assert [repair(sink) for sink in (one, two, one, two)] == [[], [], [], []]
    assert clean_kv.entries() == before


def test_two_hosts_have_one_each(clean_kv, made):
    """Hosts share a prefix and an owner, and never each other's session or keys."""
    one, _ = made(service="a", scope="host1")
    two, _ = made(service="b", scope="host2")
    assert len(clean_kv.sessions()) == len(holders(clean_kv)) == 2
    before = clean_kv.entries()
    for sink in (one, two):
        assert repair(sink) == []
        assert len(sink.registrations().items) == 2
    assert clean_kv.entries() == before


@LAYOUTS
def test_destroyed_by_hand(clean_kv, made, layout):
    """Its keys go with it; the next renewal says so, and they can be written at once."""
    sink, held = made(layout)
    (session,) = clean_kv.sessions()
    clean_kv.api.put(f"session/destroy/{session}")
    assert clean_kv.values() == {}
    assert [one.id for one in sink.renew([held])] == [held.id]
    sink.register(attrs.evolve(held, version=""))
    assert repair(sink) == []
    assert session not in clean_kv.sessions()


def test_lost_before_a_write(clean_kv, made):
    """The write fails, and the next one has another session."""
    sink, _ = made()
    (session,) = clean_kv.sessions()
    clean_kv.api.put(f"session/destroy/{session}")
    with pytest.raises(SyncerError, match="session"):
        sink.register(new(sink, make_instance("more")))
    sink.register(new(sink, make_instance("more")))
    assert len(clean_kv.values("services/")) == 1


@LAYOUTS
def test_entries_without_a_session_get_one(clean_kv, open_kv, made, layout):
    """Sessions were switched on: what stood there before is held from now on."""
    before = open_kv(clean_kv.url, layout=layout)
    before.register(new(before, make_instance("old")))
    sink, _ = made(layout)
    assert repair(sink) == ["held by no session, and would stay"]
    assert holders(clean_kv) == clean_kv.sessions()


@LAYOUTS
def test_sessions_switched_off(clean_kv, open_kv, made, layout):
    """What a session held is freed, also by a process that has nothing else to write."""
    made(layout)
    sink = open_kv(clean_kv.url, layout=layout)
    assert repair(sink) == ["held by a session, and would go with it"]
    assert holders(clean_kv) == {None}
    (session,) = clean_kv.sessions()
    clean_kv.api.put(f"session/destroy/{session}")
    assert repair(sink) == []
    assert len(sink.registrations().items) == 1


@pytest.mark.parametrize("session", [None, SESSION])
@pytest.mark.parametrize("gone", [*itertools.product([False, True], repeat=2)])
def test_keys_that_somebody_else_took(clean_kv, open_kv, session, gone):
    """Entry and twin, each removed or held by a session of somebody else, are put right."""
    sink = open_kv(clean_kv.url, session=session)
    held = sink.register(new(sink))
    keys = [*clean_kv.entries()]
    stranger = clean_kv.api.put("session/create", {"TTL": "1h", "LockDelay": "0s"})["ID"]
    for key, removed in zip(keys, gone, strict=True):
        if removed:
            clean_kv.kv_delete(key)
        else:
            clean_kv.kv_take(key, stranger)
    found = {one.id: one for one in sink.registrations().items}
    wanted = attrs.evolve(held, version="", damaged="")
    if not found:
        sink.register(wanted)
    elif found[held.id].mark is None:  # changed, and its mark is gone: whose is it?
        with pytest.raises(Conflict):
            sink.register(wanted)
        return
    else:
        sink.update(found[held.id], wanted)
    assert repair(sink) == []
    assert sink.registrations().items == (held,)


@pytest.mark.parametrize("session", [None, SESSION])
@LAYOUTS
def test_edited_by_hand(clean_kv, open_kv, layout, session):
    """A value that somebody changed is seen, and put right."""
    sink = open_kv(clean_kv.url, layout=layout, session=session)
    held = sink.register(new(sink))
    before = clean_kv.values()
    ((key, value),) = clean_kv.values("services/").items()
    clean_kv.kv_put(key, value.replace("10.0.0.5", "10.9.9.9"))
    (found,) = sink.registrations().items
    assert found.damaged or found.instance != held.instance
    sink.update(found, attrs.evolve(held, version=""))
    assert clean_kv.values() == before
    assert repair(sink) == []


def test_a_removed_entry_is_put_right(clean_kv, open_kv):
    """Its twin still says what stood there."""
    sink = open_kv(clean_kv.url)
    sink.register(new(sink))
    before = clean_kv.values()
    (key,) = clean_kv.values("services/")
    clean_kv.kv_delete(key)
    assert repair(sink) == [f"its entry {key} is gone"]
    assert clean_kv.values() == before


@pytest.mark.parametrize("listed", [True, False])
def test_a_removed_twin_is_put_right(clean_kv, open_kv, listed):
    """The entry did not change since we wrote it, or read it with its mark: it is ours."""
    sink = open_kv(clean_kv.url)
    sink.register(new(sink))
    before = clean_kv.values()
    if listed:
        assert repair(sink) == []
    clean_kv.kv_delete("syncer/services/web/kit-scope:web:8080")
    assert repair(sink) == ["its mark is gone"]
    assert clean_kv.values() == before
    assert repair(sink) == []


def test_without_a_twin_it_is_nobodys(clean_kv, open_kv):
    """For a process that does not know it: left alone."""
    open_kv(clean_kv.url).register(new(open_kv(clean_kv.url)))
    clean_kv.kv_delete("syncer/services/web/kit-scope:web:8080")
    sink = open_kv(clean_kv.url)
    (found,) = sink.registrations().items
    assert (found.mark, found.damaged) == (None, "")
    with pytest.raises(Conflict):
        sink.register(new(sink))


def test_a_copy_of_an_entry_is_not_ours(clean_kv, open_kv):
    """A mark counts only where it was put."""
    sink = open_kv(clean_kv.url, layout="json")
    held = sink.register(new(sink))
    ((_, value),) = clean_kv.values().items()
    clean_kv.kv_put("services/web/copy", value)
    ours = [one for one in sink.registrations().items if one.mark]
    assert ours == [held]


def test_batches_with_sessions_are_whole(clean_kv, made):
    """Moving 50 registrations to another session, with twins, changes nothing that readers see."""
    sink, _ = made()
    regs = [new(sink, make_instance(f"s{n}")) for n in range(50)]
    held = [one.registration for one in sink.apply([*map(Register, regs)])]
    before = clean_kv.values()
    (session,) = clean_kv.sessions()
    sink._holder.lost(session)
    sink._holder._unfit.add(session)
    again = [attrs.evolve(one, version="") for one in held]
    sink._listing.note({})  # as if it had listed nothing: a new session is made
    outcomes = list(sink.apply([*map(Update, held, again)]))
    assert [one.error for one in outcomes if one.error] == []
    assert clean_kv.values() == before
    assert len(holders(clean_kv)) == 2
