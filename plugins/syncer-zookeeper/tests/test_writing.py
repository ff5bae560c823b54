"""Changes: each on its own condition, hand edits put right, what others wrote left alone."""

import attrs
import pytest

from syncer import Conflict, Deregister, PermanentError, Reason, Register, Update
from syncer.testing import make_instance
from syncer_zookeeper.nodes.listing import Version
from syncer_zookeeper.nodes.writing import Step, groups

PATH = "/services/web/kit-scope:web:8080"


def items(sink):
    return {one.id: one for one in sink.registrations().items}


def test_edit_by_hand_is_damage(sink, clean_zookeeper, register, new):
    """A value that somebody edited shows as damaged, and an update puts it right."""
    (held,) = register(sink)
    before = clean_zookeeper.values()
    clean_zookeeper.put(PATH, before[PATH].replace("10.0.0.5", "10.9.9.9"))
    (found,) = items(sink).values()
    assert found.damaged or found.instance != held.instance
    sink.update(found, new(sink))
    assert clean_zookeeper.values() == before
    assert [one.damaged for one in items(sink).values()] == [""]


def test_removed_by_hand_comes_back(sink, clean_zookeeper, register):
    """A node that somebody removed is not listed, and can be registered again."""
    register(sink)
    assert len(items(sink)) == 1
    before = clean_zookeeper.values()
    clean_zookeeper.client.delete("/services/web", recursive=True)
    assert items(sink) == {}
    register(sink)
    assert clean_zookeeper.values() == before


def test_foreign_nodes_are_never_touched(sink, clean_zookeeper, register, new):
    """What has no mark, is no JSON, or is another's, stays as it is, and is not written over."""
    foreign = {"by-hand": '{"address": "10.0.0.1", "port": 1}', "text": "not for us"}
    for name, text in {**foreign, "kit-scope:web:8080": "somebody was first"}.items():
        clean_zookeeper.put(f"/services/web/{name}", text)
    before = clean_zookeeper.nodes("/services/web")
    view = sink.registrations()
    assert view.unclear == {"text", "kit-scope:web:8080"}
    assert [(one.id, one.mark) for one in view.items] == [("by-hand", None)]
    with pytest.raises(Conflict, match="it is there already"):
        sink.register(new(sink))
    (other,) = register(sink, make_instance("other"))
    sink.deregister(other)
    assert clean_zookeeper.nodes("/services/web") == before


def test_copy_of_a_node_is_not_ours(sink, clean_zookeeper, register):
    """A mark counts only where it was put."""
    register(sink)
    clean_zookeeper.put("/services/web/copy", clean_zookeeper.values()[PATH])
    marks = {one.id: bool(one.mark) for one in items(sink).values()}
    assert marks == {"kit-scope:web:8080": True, "/services/web/copy": False}


def test_node_that_was_made_again_is_not_taken_for_the_old(sink, clean_zookeeper, register, new):
    """Versions begin anew in a node that was removed and made again: that is a conflict."""
    (held,) = register(sink)
    text = clean_zookeeper.values()[PATH]
    clean_zookeeper.client.delete(PATH)
    clean_zookeeper.put(PATH, text)
    with pytest.raises(Conflict, match="was changed"):
        sink.update(held, new(sink))
    with pytest.raises(Conflict, match="was changed"):
        sink.deregister(held)
    assert clean_zookeeper.values() == {PATH: text}


@pytest.mark.parametrize("what", ["update", "move", "deregister"])
def test_change_that_comes_between_is_a_conflict(
    sink, clean_zookeeper, register, new, monkeypatch, what
):
    """What changes after the last look is still seen, by the version that the write names."""
    (held,) = register(sink)
    looked = sink._writer._looked_at

    def late(steps):
        found = list(looked(steps))
        clean_zookeeper.put(PATH, "changed")
        return iter(found)

    monkeypatch.setattr(sink._writer, "_looked_at", late)
    changes = {
        "update": Update(held, new(sink)),
        "move": Update(held, new(sink, make_instance("moved", id=held.id))),
        "deregister": Deregister(held, Reason.NOT_OFFERED),
    }
    (outcome,) = sink.apply([changes[what]])
    assert isinstance(outcome.error, Conflict)
    assert clean_zookeeper.values() == {PATH: "changed"}


def test_move_to_another_path_is_one_transaction(sink, clean_zookeeper, register, new):
    """When the service is renamed, the new node is there before the old one is missed."""
    (held,) = register(sink)
    renamed = make_instance("shop", id=held.id)
    sink.update(held, new(sink, renamed))
    nodes = clean_zookeeper.nodes()
    assert set(clean_zookeeper.values()) == {"/services/shop/kit-scope:web:8080"}
    made = nodes["/services/shop/kit-scope:web:8080"][1].czxid
    assert nodes["/services/web"][1].pzxid == made
    assert nodes["/services/web"][0] == b""


def test_swap_of_paths(clean_zookeeper, open_sink, register, new):
    """Two instances that change places do so at one moment, where the path is the address."""
    sink = open_sink(clean_zookeeper.address, layout="registrator")
    one, two = register(sink, make_instance(port=1), make_instance(port=2))
    swapped = [
        Update(one, new(sink, attrs.evolve(one.instance, port=2))),
        Update(two, new(sink, attrs.evolve(two.instance, port=1))),
    ]
    assert [out.error for out in sink.apply(swapped)] == [None, None]
    assert {found.id: found.instance.port for found in items(sink).values()} == {
        one.id: 2,
        two.id: 1,
    }
    assert len({stat.czxid for value, stat in clean_zookeeper.nodes().values() if value}) == 1


def test_one_refused_step_of_a_group_stops_no_other(clean_zookeeper, open_sink, register, new):
    """Changes that share a path go together, but each has its own outcome."""
    sink = open_sink(clean_zookeeper.address, layout="registrator")
    (held,) = register(sink, make_instance(port=1))
    rival = make_instance(id="rival", port=1)
    changes = [
        Register(new(sink, rival)),
        Update(held, new(sink, make_instance(port=1, tags=("a",)))),
    ]
    outcomes = {out.change.id: out.error for out in sink.apply(changes)}
    assert isinstance(outcomes["rival"], Conflict)
    assert outcomes[held.id] is None
    assert items(sink)[held.id].instance.tags == ("a",)


def test_steps_are_grouped_by_paths():
    """Steps are together if a chain of shared paths leads from one to the other."""

    def step(old, path):
        return Step(None, Version(old, 0, 0, 0) if old else None, path)

    alone, first, last, between = step("", "x"), step("a", "b"), step("c", "d"), step("b", "c")
    found = groups([alone, first, last, between])
    assert found == [[alone], [first, between, last]] or found == [[alone], [first, last, between]]


def test_folders_are_made_and_left(clean_zookeeper, open_sink, register):
    """A deep prefix is made, lasting and empty; it stays when the last instance has gone."""
    sink = open_sink(clean_zookeeper.address, prefix="/a/b/c")
    (held,) = register(sink)
    (outcome,) = sink.apply([Deregister(held, Reason.NOT_OFFERED)])
    assert outcome.error is None
    nodes = clean_zookeeper.nodes()
    assert sorted(nodes) == ["/a", "/a/b", "/a/b/c", "/a/b/c/web"]
    assert {(value, stat.ephemeralOwner) for value, stat in nodes.values()} == {(b"", 0)}
    assert items(sink) == {}
    register(sink)


def test_names_that_zookeeper_does_not_take(sink, clean_zookeeper, register):
    """Slashes, dots, control characters and emoji in names are escaped, and come back."""
    names = ["a/b", "..", "\x85", "💥", "\ue000", "\ufffd", "ü", "100%"]
    register(sink, *(make_instance(name, id=f"{name}:1") for name in names))
    assert {one.instance.service for one in items(sink).values()} == set(names)
    assert set(items(sink)) == {f"{name}:1" for name in names}


def test_five_thousand(clean_zookeeper, open_sink, register, new):
    """Thousands are written, listed, changed and removed in a few calls."""
    sink = open_sink(clean_zookeeper.address, layout="curator")
    many = [make_instance(f"s{n % 250}", id=f"h:s:{n}", port=1000 + n) for n in range(5000)]
    register(sink, *many)
    found = items(sink)
    assert len(found) == 5000
    changed = [
        Update(one, new(sink, attrs.evolve(one.instance, tags=("t",)))) for one in found.values()
    ]
    assert [out.error for out in sink.apply(changed) if out.error] == []
    assert {one.instance.tags for one in items(sink).values()} == {("t",)}
    removals = [Deregister(one, Reason.PURGED) for one in items(sink).values()]
    assert [out.error for out in sink.apply(removals) if out.error] == []
    assert clean_zookeeper.values() == {}


def test_larger_than_zookeeper_takes(sink, register):
    """What the server would end the connection for is refused before; a little less is not."""
    with pytest.raises(PermanentError, match="more than ZooKeeper takes"):
        sink.adjust(make_instance(meta={"x": "y" * 995_000}))
    register(sink, make_instance(meta={"x": "y" * 990_000}))
    assert len(items(sink)) == 1


def test_folder_that_belongs_to_a_session(sink, clean_zookeeper, new):
    """Under a node of another program's session nothing can stand: that is said, for good."""
    clean_zookeeper.put("/services/web", "theirs", ephemeral=True)
    with pytest.raises(PermanentError, match="cannot have children"):
        sink.register(new(sink))
    clean_zookeeper.client.delete("/services/web")
