"""What a cycle leaves out makes no difference: random histories, against one that forgets all."""

import attrs
import pytest
from fakes import FakeSink, FakeSource, World, exited, held, offer, skips, workload
from hypothesis import given, settings
from hypothesis import strategies as st

from syncer import Health, Status
from syncer.engine.cycle.reconcile import Reconciler
from syncer.engine.parts import SinkPart
from syncer.plan.contested import WINDOW
from syncer.plan.drain import DRAIN
from syncer.plan.guard import GuardRules
from syncer.testing import ManualClock

names = st.sampled_from(["a", "b", "c", "d"])
#: Few, so that workloads claim the same ones.
ids = st.sampled_from(["h:a:80", "h:b:80", "h:c:80", "shared"])
offers = st.lists(
    st.builds(
        offer,
        service=st.sampled_from(["web", "api"]),
        id=ids,
        register_port=st.integers(80, 81),
    ),
    max_size=2,
)
puts = st.tuples(st.just("put"), names, offers)
others = st.tuples(st.sampled_from(["stop", "remove", "ill", "ask"]), names)
edits = st.tuples(st.sampled_from(["forget", "retag", "disown", "theirs", "twins", "drain"]), ids)
cycles = st.tuples(st.just("cycle"), st.booleans())
steps = st.lists(st.one_of(puts, puts, others, edits, cycles, cycles), max_size=30)
GUARD = GuardRules(mode="off")


class History(World):
    """A world that is driven step by step."""

    def __init__(self, withhold):
        self.part = {"withhold": withhold}
        super().__init__(
            guard=GUARD, sink=FakeSink(), source=FakeSource(identity="me"), **self.part
        )
        self.edited = True

    def step(self, what, *about):
        """Do one thing."""
        getattr(self, what)(*about)

    def put(self, name, offers):
        self.source.put(workload(name, offers=tuple({o.id: o for o in offers}.values())))

    def stop(self, name):
        if found := self.source.world.get(f"{name}-1"):
            self.source.put(exited(found))

    def ill(self, name):
        if found := self.source.world.get(f"{name}-1"):
            self.source.put(attrs.evolve(found, health=Health.UNHEALTHY))

    def remove(self, name):
        if f"{name}-1" in self.source.world:
            self.source.remove(f"{name}-1")

    def ask(self, name):
        self.tracker.ask(f"{name}-1")

    def _edit(self, id_, **fields):
        self.edited = True
        if found := self.sink.registration(id_):
            self.sink.store.put(attrs.evolve(found, **fields), found.version)

    def forget(self, id_):
        self.edited = True
        if found := self.sink.registration(id_):
            self.sink.store.drop(id_, found.version)

    def retag(self, id_):
        if found := self.sink.registration(id_):
            self._edit(id_, instance=attrs.evolve(found.instance, tags=("edited",)))

    def disown(self, id_):
        self._edit(id_, mark=None)

    def theirs(self, id_):
        if (found := self.sink.registration(id_)) and found.mark:
            self._edit(id_, mark=attrs.evolve(found.mark, owner="somebody"))

    def twins(self, id_):
        if (found := self.sink.registration(id_)) and found.mark:
            self._edit(id_, mark=attrs.evolve(found.mark, identity="twin"))

    def drain(self, id_):
        if (found := self.sink.registration(id_)) and found.mark:
            self._edit(id_, mark=attrs.evolve(found.mark, hold=DRAIN))

    def cycle(self, relist):
        """A cycle, and the same plan made by one who remembers nothing."""
        self.clock.advance(WINDOW + 1)  # what is undone again and again is not this test's subject
        if relist:
            self.tracker.relist()
        fresh, self.edited = self.edited or relist, False
        plan = self.reconciler.plan(fresh=fresh)
        assert _said(plan) == _said(self._stranger().plan())
        assert not self.reconciler.carry_out(plan, 0.0).finished.failed

    def _stranger(self):
        return Reconciler(
            "memory",
            SinkPart(sink=self.sink, **self.part),
            self.desired,
            owner="syncer",
            guard=GUARD,
            emit=self.heard,
            clock=ManualClock(),
        )


def _said(plan):
    """All that a plan says, whatever its order."""
    changes = sorted(plan.changes, key=lambda change: change.id)
    skipped = {(skip.id, skip.kind) for skip in plan.skipped}
    return changes, skipped, plan.unchanged, plan.ours, plan.foreign


@settings(max_examples=300, deadline=None)
@given(steps=steps, withhold=st.sampled_from([(), (Status.UNHEALTHY,)]))
def test_a_cycle_finds_what_one_finds_that_looks_at_everything(steps, withhold):
    """Whatever changed in sources and registry, leaving out what did not change hides nothing."""
    history = History(withhold)
    for step in (("cycle", True), *steps, ("cycle", True), ("cycle", False)):
        history.step(*step)


def test_what_stands_in_the_way_is_said_each_time():
    """However little else is looked at: it may be all that a person sees of it."""
    world = World(workload("a"), workload("b"), guard=GUARD)
    world.sink.store.put(held("h:a:80", unmarked=True), None)
    for relist, fresh in ((True, True), (True, True), (False, False), (False, True)):
        assert skips(world.cycle(relist=relist, fresh=fresh).plan) == {"h:a:80": "conflict"}


def test_what_waits_for_its_replacement_waits_on():
    """A drained one whose new id is another's stays, also when nothing else is looked at."""
    history = History(())
    rival = [offer(id="h:a:80", register_port=81)]
    history.put("a", [offer(id="shared")])
    history.put("b", rival)
    history.cycle(True)
    history.drain("shared")
    history.put("a", [offer(id="h:a:80")])
    for relist in (True, False, False):
        history.cycle(relist)
        assert history.sink.ids() == {"shared", "h:a:80"}


class TestRivals:
    """Two workloads that ask for one id, of which one says so without a word in the plan."""

    ILL = workload("b", offers=(offer(id="shared", register_port=81),), health=Health.UNHEALTHY)
    UP = workload("a", offers=(offer(id="shared"),))

    def settled(self, *workloads):
        """A world in which nothing is left to do."""
        world = World(*workloads, guard=GUARD, withhold=(Status.UNHEALTHY,))
        world.cycle()
        assert not world.cycle(fresh=False).plan.skipped
        return world

    def held(self, world):
        (one,) = world.sink.store.all()
        return one.mark.workload

    @pytest.mark.parametrize("gone", [False, True])
    def test_one_that_is_not_listed_takes_nothing_along(self, gone):
        """When an ill one changes or goes, the registration of the one that is well stays."""
        world = self.settled(self.UP, self.ILL)
        if gone:
            world.source.remove(self.ILL.id)
        else:
            world.source.put(attrs.evolve(self.ILL, labels={"changed": "yes"}))
        report = world.cycle(fresh=False)
        assert report.plan.changes == ()
        assert self.held(world) == self.UP.id

    def test_one_that_gets_well_waits(self):
        """An ill one that is well again does not take the id from its holder."""
        world = self.settled(self.UP, self.ILL)
        world.source.put(attrs.evolve(self.ILL, health=Health.HEALTHY))
        report = world.cycle(fresh=False)
        assert skips(report.plan) == {"shared": "duplicate"}
        assert self.held(world) == self.UP.id

    def test_both_new_at_once(self):
        """Two that appear together, while all else is settled, are rivals from then on."""
        world = self.settled()
        world.source.put(self.UP, self.ILL)
        world.cycle(fresh=False)
        world.source.put(attrs.evolve(self.ILL, labels={"changed": "yes"}))
        assert world.cycle(fresh=False).plan.changes == ()
        assert self.held(world) == self.UP.id
