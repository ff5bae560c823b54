"""Two engines of one name, each with a syncer, on one registry: cloned machines, mostly."""

import pytest
from fakes import FakeSource, World, exited, held, skips, workload
from hypothesis import given, settings
from hypothesis import strategies as st

from syncer import TemporaryError
from syncer.events import SkipsChanged
from syncer.plan.guard import GuardRules

GUARD = GuardRules(mode="off")


class Namesakes:
    """Two worlds with one scope, one owner and one registry; `identities` are their engines'."""

    def __init__(self, identities=("one", "two"), names=(("a", "web"), ("b", "web"))):
        sources = [
            FakeSource(
                *(workload(name, number=f"{number}{name}") for name in own), identity=identity
            )
            for number, (identity, own) in enumerate(zip(identities, names, strict=True))
        ]
        self.one = World(source=sources[0], guard=GUARD)
        self.two = World(source=sources[1], guard=GUARD, sink=self.one.sink)
        self.worlds = (self.one, self.two)

    def cycles(self, rounds=3):
        """Each in turn, a second later each time."""
        for _ in range(rounds):
            for world in self.worlds:
                world.cycle()
                world.clock.advance(1.0)

    def entries(self):
        """The identity in each entry's mark, by id."""
        return {one.id: one.mark.identity for one in self.one.sink.store.all()}

    def told(self, world, kind):
        """The reasons of this kind that were told to a world."""
        events = world.heard.of(SkipsChanged)
        return [skip.reason for event in events for skip in event.skips if skip.kind == kind]


def test_each_keeps_its_own():
    """Both are registered; an id that both want is its first one's. Nothing is written again."""
    hosts = Namesakes()
    hosts.cycles(1)
    before = len(hosts.one.sink.writes())
    hosts.cycles(20)
    assert hosts.entries() == {"h:a:80": "one", "h:web:80": "one", "h:b:80": "two"}
    assert len(hosts.one.sink.writes()) == before == 3


def test_each_is_told_of_the_other_once():
    """Whose it is, and what to do; and which of its own is not registered for it."""
    hosts = Namesakes()
    hosts.cycles(5)
    (reason,) = hosts.told(hosts.one, "namesake")
    assert "another engine (two) calls itself 'h' too" in reason
    assert "set sources.docker.scope on one of the two" in reason
    assert "former_identities = ['two']" in reason
    (reason,) = hosts.told(hosts.two, "namesake")
    assert "(one)" in reason
    (reason,) = hosts.told(hosts.two, "conflict")
    assert "(one)" in reason
    # Another container there is no other news.
    hosts.two.source.put(workload("c", number="1c"))
    hosts.cycles(2)
    assert len(hosts.told(hosts.one, "namesake")) == 1


def test_an_id_goes_over_when_its_holder_ends():
    """Who waits for an id gets it, as from any other owner."""
    hosts = Namesakes()
    hosts.cycles()
    hosts.one.source.put(exited(hosts.one.source.world["web-0web"]))
    hosts.cycles()
    assert hosts.entries() == {"h:a:80": "one", "h:web:80": "two", "h:b:80": "two"}


@pytest.mark.parametrize("order", [1, -1])
def test_marks_of_an_older_version(order):
    """What the first took for its own is put right at once, by the one that has it; that is all."""
    hosts = Namesakes(names=(("a",), ("b",)))
    for entry in (held("h:a:80", workload="a-0a"), held("h:b:80", workload="b-1b")):
        hosts.one.sink.store.put(entry, None)
    hosts.worlds = hosts.worlds[::order]
    hosts.cycles(4)
    assert hosts.entries() == {"h:a:80": "one", "h:b:80": "two"}
    assert [what for what, _ in hosts.one.sink.writes()] == ["update", "deregister", "register"]


def test_one_alone_takes_over_without_a_gap():
    """An upgrade writes each entry once, in place."""
    world = World(workload("web"))
    world.cycle()
    world.source.own_identity = "mine"
    world.sink.log.clear()
    world.cycle()
    assert world.sink.writes() == [("update", "h:web:80")]
    assert [one.mark.identity for one in world.sink.store.all()] == ["mine"]
    world.cycle(fresh=False)
    assert len(world.sink.writes()) == 1
    # Also by a cycle that looks at nothing but what changed.
    world.source.own_identity = "my next"
    world.cycle(fresh=False)
    assert [one.mark.identity for one in world.sink.store.all()] == ["my next"]


def test_an_engine_that_is_replaced_meanwhile():
    """What this very process registered for the engine before is its own."""
    world = World(workload("web"), source=FakeSource(workload("web"), identity="old"))
    world.cycle()
    world.source.own_identity = "new"
    world.source.clear()
    world.source.put(workload("web", number="another"))
    world.cycle()
    assert [(r.mark.identity, r.mark.workload) for r in world.sink.store.all()] == [
        ("new", "web-another")
    ]


def test_an_identity_that_is_not_told_yet():
    """Entries of the scope are kept alive till then, whosever they are; nothing is removed."""
    hosts = Namesakes()
    hosts.cycles()
    late = World(source=FakeSource(identity="one"), guard=GUARD, sink=hosts.one.sink)

    def silent():
        raise TemporaryError("no answer")

    late.source.identity = silent
    with pytest.raises(TemporaryError):
        late.tracker.relist()
    finished = late.reconciler.cycle().finished
    assert not finished.applied
    assert {one.id for one in late.reconciler.alive()} == set(hosts.entries())
    del late.source.identity
    late.tracker.relist()
    late.reconciler.plan()
    assert {one.id for one in late.reconciler.alive()} == {"h:a:80", "h:web:80"}


def test_what_is_removed_at_exit():
    """Only our own."""
    hosts = Namesakes()
    hosts.cycles()
    hosts.one.reconciler.release(hosts.one.reconciler.manages)
    assert hosts.entries() == {"h:b:80": "two"}


def test_an_engine_without_an_identity_beside_one_that_has_one():
    """Podman beside Docker, both with the host's name: it leaves the other's entries alone."""
    hosts = Namesakes(identities=("docker's", ""), names=(("a",), ("b",)))
    hosts.cycles(1)
    assert hosts.told(hosts.two, "namesake")
    hosts.cycles(20)
    assert hosts.entries() == {"h:a:80": "docker's", "h:b:80": ""}
    # The first cannot tell whose the second's are: it gives up after a few tries.
    assert hosts.told(hosts.one, "contested")


names = st.sampled_from(["a", "b", "web"])
steps = st.lists(
    st.tuples(st.sampled_from([0, 1]), st.sampled_from(["start", "stop", "cycle", "cycle"]), names),
    max_size=40,
)


@settings(max_examples=200, deadline=None)
@given(steps=steps)
def test_neither_ever_touches_what_is_the_others(steps):
    """Whatever starts and ends on either: each write is to its own, and in the end all is there."""
    hosts = Namesakes(names=((), ()))
    store = hosts.one.sink.store
    for number, what, name in (*steps, (0, "cycle", ""), (1, "cycle", ""), (0, "cycle", "")):
        world, other = hosts.worlds[number], ("two", "one")[number]
        id_ = f"{name}-{number}{name}"
        if what == "start":
            world.source.put(workload(name, number=f"{number}{name}"))
        elif what == "stop" and id_ in world.source.world:
            world.source.remove(id_)
        else:
            before = {one.id: one for one in store.all() if one.mark.identity == other}
            world.cycle()
            world.clock.advance(100.0)
            after = {one.id: one for one in store.all() if one.mark.identity == other}
            assert before == after
    runs = {f"h:{one.name}:80" for world in hosts.worlds for one in world.source.world.values()}
    assert hosts.entries().keys() == runs


def test_the_skip_is_seen_where_little_is_looked_at():
    """Also in a cycle that looks only at what changed."""
    hosts = Namesakes()
    hosts.cycles()
    hosts.one.source.put(workload("new", number="0new"))
    found = skips(hosts.one.cycle(fresh=False).plan)
    assert found == {"h:b:80": "namesake"}
