"""Entries without a mark that are taken over, with all the brakes that hold for our own."""

import attrs
import pytest
from fakes import (
    SCOPE,
    FakeSink,
    FakeSource,
    Heard,
    World,
    held,
    offer,
    skips,
    tracker,
    workload,
)

from syncer import Deregister, Reason, Register, Status, TemporaryError, Update
from syncer.desired.tracker import Desired
from syncer.engine.cycle.reconcile import Reconciler
from syncer.engine.parts import SinkPart
from syncer.plan.adoption import Adoption
from syncer.plan.guard import GuardRules
from syncer.testing import ManualClock

WEB = workload("web")
WEB_ID = f"{SCOPE}:web:80"
OWN = Adoption(hosts=("own",))
CLEANUP = Adoption(hosts=("own",), gone=True)
SAME = Adoption(hosts=("own", "same"))
OLD_NAME = "9f0c2b7d51aa"


def left_behind(id_, service="web", **fields):
    """An entry as registrator leaves it: no mark, no metadata of ours."""
    return held(id_, service=service, unmarked=True, **fields)


def world_with(*entries, workloads=(WEB,), adoption=OWN, **more):
    world = World(*workloads, adoption=adoption, **more)
    for entry in entries:
        world.sink.store.put(entry, None)
    return world


def planned(entry):
    """The changes that are planned where this entry stands."""
    world = world_with(entry)
    world.tracker.relist()
    return world.reconciler.plan().changes


def ours(world):
    """The ids in the sink that have a mark."""
    return {one.id for one in world.sink.store.all() if one.mark is not None}


@pytest.mark.parametrize("fields", [{}, {"address": "127.0.1.1"}, {"service": "old-name"}])
def test_an_entry_of_this_host_is_updated_in_place(fields):
    """What has the id that we would give is updated, whatever else it says, and is ours then."""
    world = world_with(left_behind(WEB_ID, **fields))
    report = world.cycle()
    (change,) = report.plan.changes
    assert isinstance(change, Update)
    assert change.old.mark is None
    assert ("owner", "none", "syncer") in change.differences()
    assert world.sink.writes() == [("update", WEB_ID)]
    assert ours(world) == {WEB_ID}
    assert world.cycle().plan.changes == ()


def test_what_starts_later_is_taken_over_at_once():
    """With no new look at the registry: what was nobody's is ours once its container is known."""
    world = world_with(left_behind(WEB_ID), workloads=(workload("db"),))
    world.cycle()
    world.source.put(WEB)
    (change,) = world.cycle(fresh=False).plan.changes
    assert (type(change), change.id) == (Update, WEB_ID)
    assert WEB_ID in ours(world)


def test_nothing_is_taken_over_unless_it_is_asked_for():
    """Without the setting the entry is somebody else's: a conflict, and untouched."""
    world = world_with(left_behind(WEB_ID), adoption=Adoption())
    assert skips(world.cycle().plan) == {WEB_ID: "conflict"}
    assert world.sink.writes() == []


def test_what_was_taken_over_is_removed_with_its_workload():
    """From then on it is as every registration of ours."""
    world = world_with(left_behind(WEB_ID))
    world.cycle()
    world.source.remove(WEB.id)
    (change,) = world.cycle().plan.changes
    assert change.reason is Reason.WORKLOAD_GONE
    assert world.sink.ids() == set()


@pytest.mark.parametrize(
    "entry",
    [
        left_behind("other:web:80"),
        left_behind("web-by-hand"),
        left_behind(f"{SCOPE}:gone:80", service="gone"),
        left_behind(f"{SCOPE}:web:99"),
        held(f"{SCOPE}:x:1", owner="another"),
    ],
    ids=lambda entry: entry.id,
)
def test_what_is_not_wanted_stays(entry):
    """Other hosts', hand-made and gone ones are not touched when nothing is cleaned up."""
    world = world_with(entry)
    world.cycle()
    assert world.sink.writes() == [("register", WEB_ID)]
    assert entry in world.sink.store.all()


def test_a_given_id_is_taken_over_only_at_its_place():
    """An id that labels gave names no host: service, address and port must be the same."""
    named = workload("web", offers=(offer("web", id="web-1", register_address="10.0.0.1"),))
    for place, wrote in (({}, "update"), ({"address": "10.0.0.9"}, ""), ({"port": 81}, "")):
        entry = left_behind("web-1", **place)
        world = world_with(entry, workloads=(named,))
        plan = world.cycle().plan
        assert [kind for kind, _ in world.sink.writes()] == ([wrote] if wrote else [])
        assert skips(plan) == ({} if wrote else {"web-1": "conflict"})


def test_a_given_id_of_our_form_takes_nothing_made_by_hand():
    """Only the container of which syncer makes the id has it, whatever it says of its place."""
    thief = workload("thief", offers=(offer("team-a", id=f"{SCOPE}:legacy:5432"),))
    by_hand = left_behind(f"{SCOPE}:legacy:5432", service="legacy", address="10.0.0.50")
    world = world_with(by_hand, workloads=(thief,))
    assert skips(world.cycle().plan) == {by_hand.id: "conflict"}
    world.source.remove(thief.id)
    world.cycle()
    assert world.sink.store.all() == (by_hand,)


def test_its_own_container_is_found_among_those_that_claim_its_id():
    """One whose labels chose it hides it from nobody."""
    thief = workload("a-thief", offers=(offer("evil", id=WEB_ID),))
    world = world_with(left_behind(WEB_ID, address="127.0.1.1"), workloads=(thief, WEB))
    world.cycle()
    (entry,) = world.sink.store.all()
    assert (entry.instance.service, entry.mark.workload) == ("web", WEB.id)


class TestSharedIds:
    """registrator gave one `SERVICE_ID` to all ports of a container, and to several containers."""

    LABELS = {"SERVICE_ID": "same"}

    def test_the_old_entry_goes_once_the_new_one_is_there(self):
        """Several ports: each has an id of its own now."""
        ports = tuple(
            offer(f"shared-{port}", id=f"same-{port}", port=port, register_port=port)
            for port in (8000, 9000)
        )
        shared = workload("shared", offers=ports, labels=self.LABELS)
        world = world_with(left_behind("same", "shared-9000", port=9000), workloads=(shared,))
        world.cycle()
        assert world.sink.ids() == {"same", "same-8000", "same-9000"}
        world.cycle()
        assert world.sink.ids() == {"same-8000", "same-9000"}

    def test_an_id_in_the_environment(self):
        """Variables give ids as well; one that is too long is replaced by the usual one."""
        long = "x" * 300
        world = world_with(
            left_behind(long), workloads=(workload("web", env={"SERVICE_ID": long}),)
        )
        world.cycle()
        world.cycle()
        assert world.sink.ids() == {WEB_ID}

    @pytest.mark.parametrize("place", [{"port": 81}, {"address": "10.0.0.9"}, {"service": "x"}])
    def test_elsewhere_it_is_somebody_elses(self, place):
        """The id alone is no reason: it may have been registered by hand."""
        shared = workload("web", labels=self.LABELS)
        world = world_with(left_behind("same", **place), workloads=(shared,))
        world.cycle()
        world.cycle()
        assert world.sink.ids() == {WEB_ID, "same"}

    def test_what_names_no_container_stays(self):
        """By hand at the very place of a container, under an id that nobody wrote on it."""
        world = world_with(left_behind("by-hand"), workloads=(WEB,))
        world.cycle()
        world.cycle()
        assert world.sink.ids() == {WEB_ID, "by-hand"}

    def test_of_several_containers_the_one_at_its_place_has_it(self):
        """The others wait for it, and take over when it goes."""
        twins = [
            workload(name, offers=(offer("twin", id="twin", register_port=port),))
            for name, port in (("one", 81), ("two", 82))
        ]
        world = world_with(left_behind("twin", "twin", port=82), workloads=twins)
        assert skips(world.cycle().plan) == {"twin": "duplicate"}
        assert {one.mark.workload for one in world.sink.store.all()} == {"two-1"}
        world.source.remove("two-1")
        world.cycle()
        assert {one.mark.workload for one in world.sink.store.all()} == {"one-1"}
        world.source.remove("one-1")
        world.cycle()
        assert world.sink.ids() == set()


class TestGone:
    """`adopt_gone`: what nothing offers any more."""

    def test_what_is_gone_is_removed_once_its_source_confirms(self):
        """The source is asked for the workload by the name in the id."""
        world = world_with(left_behind(f"{SCOPE}:old:80", service="old"), adoption=CLEANUP)
        plan = world.cycle().plan
        (gone,) = [c for c in plan.changes if isinstance(c, Deregister)]
        assert gone.reason is Reason.WORKLOAD_GONE
        assert world.source.asked == ["old"]
        assert world.sink.ids() == {WEB_ID}

    def test_it_stays_if_its_source_does_not_answer(self):
        """No answer is no reason to remove."""
        world = world_with(left_behind(f"{SCOPE}:old:80", service="old"), adoption=CLEANUP)
        world.source.errors["old"] = TemporaryError("no answer")
        assert skips(world.cycle().plan) == {f"{SCOPE}:old:80": "unconfirmed"}
        assert f"{SCOPE}:old:80" in world.sink.ids()

    def test_a_port_that_is_not_offered_any_more_goes(self):
        """The workload runs, and no longer offers this."""
        world = world_with(left_behind(f"{SCOPE}:web:99"), adoption=CLEANUP)
        plan = world.cycle().plan
        (gone,) = [c for c in plan.changes if isinstance(c, Deregister)]
        assert gone.reason is Reason.NOT_OFFERED
        assert world.sink.ids() == {WEB_ID}

    @pytest.mark.parametrize("id_", ["other:old:80", "old", f"{SCOPE}:old", f"{SCOPE}:old:x"])
    def test_others_and_other_forms_stay(self, id_):
        """Only ids of this host, in registrator's form."""
        world = world_with(left_behind(id_, service="old"), adoption=CLEANUP)
        world.cycle()
        assert world.sink.ids() == {WEB_ID, id_}

    def test_before_the_source_has_listed_nothing_is_removed(self):
        """What is not known is not gone."""
        world = world_with(left_behind(f"{SCOPE}:old:80", service="old"), adoption=CLEANUP)
        world.source.fail = TemporaryError("not yet")
        assert world.cycle(relist=False).plan.changes == ()

    def test_the_guard_counts_them(self):
        """A host whose containers all seem gone is not emptied at once."""
        entries = [left_behind(f"{SCOPE}:old{n}:80", service="old") for n in range(12)]
        world = world_with(*entries, adoption=CLEANUP, workloads=())
        plan = world.cycle().plan
        assert set(skips(plan).values()) == {"guard"}
        assert len(world.sink.ids()) == 12


class TestOtherNames:
    """The host was called otherwise."""

    @pytest.mark.parametrize(
        ("adoption", "old"),
        [(SAME, OLD_NAME), (Adoption(hosts=("oldname",)), "oldname")],
        ids=["random", "named"],
    )
    def test_the_new_one_stands_before_the_old_one_goes(self, adoption, old):
        """Register in one cycle; Deregister in the next, which has seen that it stands."""
        world = world_with(left_behind(f"{old}:web:80"), adoption=adoption)
        world.cycle()
        assert world.sink.writes() == [("register", WEB_ID)]
        world.cycle()
        assert world.sink.writes() == [("register", WEB_ID), ("deregister", f"{old}:web:80")]

    def test_the_old_one_stays_until_the_new_one_is_fit(self):
        """Consumers who look at health find one of the two at any time."""
        old = f"{OLD_NAME}:web:80"
        world = world_with(left_behind(old), adoption=SAME)
        world.cycle()
        (new,) = (one for one in world.sink.store.all() if one.id == WEB_ID)
        for status, left in (("UNHEALTHY", {WEB_ID, old}), ("UP", {WEB_ID})):
            shown = attrs.evolve(new.instance, status=Status[status])
            new = world.sink.store.put(attrs.evolve(new, instance=shown), new.version)
            world.cycle()
            assert world.sink.ids() == left

    def test_if_the_new_one_is_refused_the_old_one_stays(self):
        """The service is never without an instance."""
        world = world_with(left_behind(f"{OLD_NAME}:web:80"), adoption=SAME)
        world.sink.fail["register"] = TemporaryError("down")
        world.cycle()
        assert world.sink.ids() == {f"{OLD_NAME}:web:80"}

    @pytest.mark.parametrize(
        "entry",
        [
            left_behind("otherhost:web:80"),
            left_behind(f"{OLD_NAME}:web:80", address="10.0.0.9"),
            left_behind(f"{OLD_NAME}:web:80", port=81),
            left_behind(f"{OLD_NAME}:other:80"),
            left_behind(f"{OLD_NAME}:web:80", service="api"),
        ],
    )
    def test_only_what_is_the_same_but_for_a_random_name(self, entry):
        """A host with a name of its own, another address, workload or service: not ours.

        Nor once the one under our name stands, which is when an old one would go.
        """
        world = world_with(entry, adoption=SAME)
        for _ in range(3):
            world.cycle()
            assert WEB_ID in world.sink.ids()
            assert (entry.id, None) in [(one.id, one.mark) for one in world.sink.store.all()]


def test_an_entry_of_a_registry_without_ids_is_updated_under_ours():
    """Its id is its place: the change replaces it, and is about our id."""
    entry = left_behind("web/10.0.0.1:80")
    (change,) = planned(entry)
    assert isinstance(change, Update)
    assert (change.id, change.old.mark) == (WEB_ID, None)
    other = attrs.evolve(entry, instance=attrs.evolve(entry.instance, id="web/elsewhere"))
    (change,) = planned(other)
    assert isinstance(change, Register)


def test_an_entry_of_a_registry_without_ids_is_left_where_ours_stands():
    """What has our id shows the instance: another one at its place is somebody's own."""
    world = world_with()
    world.cycle()
    world.sink.store.put(left_behind("web/10.0.0.1:80"), None)
    assert world.cycle().plan.changes == ()


def two_engines(adoption):
    """A reconciler for the hosts `hosta`, where `web` runs, and `hostb`, with its parts."""
    clock, heard = ManualClock(), Heard()
    a = FakeSource(workload("web", source="a", scope="hosta"), scope="hosta")
    b = FakeSource(scope="hostb")
    trackers = {
        name: tracker(source, name=name, clock=clock, emit=heard, order=order)
        for order, (name, source) in enumerate({"a": a, "b": b}.items())
    }
    sink = FakeSink()
    reconciler = Reconciler(
        "memory",
        SinkPart(sink=sink, adoption=adoption),
        Desired(trackers),
        owner="syncer",
        guard=GuardRules(),
        emit=heard,
        clock=clock,
    )
    return reconciler, sink, trackers, b


@pytest.mark.parametrize("adoption", [OWN, CLEANUP])
@pytest.mark.parametrize("port", [80, 81])
def test_what_one_engine_left_is_not_judged_by_another(adoption, port):
    """Of two engines one gives no list yet: what may run there stays."""
    reconciler, sink, trackers, b = two_engines(adoption)
    sink.store.put(left_behind("hosta:web:80"), None)
    sink.store.put(left_behind(f"hostb:web:{port}", address="10.0.0.2", port=port), None)
    trackers["a"].relist()
    b.failure = TemporaryError("down")
    with pytest.raises(TemporaryError):
        trackers["b"].relist()
    for _ in range(3):
        reconciler.cycle()
    assert f"hostb:web:{port}" in sink.ids()


def test_of_several_engines_none_speaks_for_a_host_that_none_is():
    """What is gone under a name that was given stays, since it is not known where it ran."""
    reconciler, sink, trackers, _ = two_engines(Adoption(hosts=("oldname",), gone=True))
    sink.store.put(left_behind("oldname:old:80", service="old"), None)
    for tracker_ in trackers.values():
        tracker_.relist()
    for _ in range(2):
        reconciler.cycle()
    assert sink.ids() == {"hosta:web:80", "oldname:old:80"}
