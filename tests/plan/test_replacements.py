"""What is offered under a new id stands before the old one goes."""

import pytest
from fakes import PickySink, World, held, offer, skips, wanted, workload

from syncer import (
    Deregister,
    Health,
    PermanentError,
    Plan,
    Reason,
    Register,
    Status,
    TemporaryError,
)
from syncer.api.keys import Claim, Place
from syncer.plan.brakes import SLOW_CAP, Context
from syncer.plan.replacements import hold_unreplaced, name_replacements
from syncer.plan.wanted import Adjusted, Rejected

WEB = workload("web")
OLD, NEW = "h:web:80", "new"


def gone(id=OLD, reason=Reason.NOT_OFFERED, **fields):
    """A removal of what `web-1` offered under this id."""
    return Deregister(held(id), reason, **fields)


def wants(id=NEW, **fields):
    """What `web-1` offers now."""
    return wanted(id, **fields)


@pytest.mark.parametrize(
    ("removal", "aim", "there", "after"),
    [
        pytest.param(gone(), [wants()], [], {NEW}, id="renamed"),
        pytest.param(gone(), [wants(), wants("b")], [], {NEW, "b"}, id="renamed to two"),
        pytest.param(gone(), [wants(), wants("b")], ["b"], set(), id="one stands already"),
        pytest.param(gone(), [wants()], [NEW], set(), id="a duplicate that stands"),
        pytest.param(gone(), [wants(service="api")], [], set(), id="another service"),
        pytest.param(gone(), [wants(of="web-2")], [], set(), id="another workload"),
        pytest.param(gone(), [wants(source="file")], [], set(), id="another source"),
        pytest.param(gone(), [], [], set(), id="nothing any more"),
        pytest.param(gone(reason=Reason.WORKLOAD_GONE), [wants()], [], set(), id="gone"),
        pytest.param(gone(reason=Reason.WITHHELD), [wants()], [], set(), id="withheld"),
    ],
)
def test_successors_are_the_same_service_of_the_same_workload(removal, aim, there, after):
    """Only what is known to run on is waited for, and only while nothing of it stands."""
    stands = {id_: held(id_) for id_ in (OLD, *there)}
    plan = name_replacements(
        Plan(changes=(removal,)), Context(adjusted=Adjusted(wanted=aim), entries=stands)
    )
    assert {id_ for id_, *_ in plan.changes[0].after} == after


@pytest.mark.parametrize(
    ("fields", "waits"),
    [
        pytest.param({}, False, id="ours"),
        pytest.param({"owner": "other"}, True, id="another owner's"),
        pytest.param({"scope": "g"}, True, id="another host's"),
        pytest.param({"identity": "another"}, True, id="another engine's"),
        pytest.param({"workload": "web-2"}, True, id="another workload's"),
        pytest.param({"source": "file"}, True, id="another source's"),
        pytest.param({"service": "api"}, True, id="another service"),
        pytest.param({"unmarked": True}, True, id="nobody's"),
    ],
)
def test_only_the_workloads_own_entry_stands_for_it(fields, waits):
    """Whoever else has the new id, the old one stays: it shows an instance that runs."""
    plan = Plan(changes=(gone(),))
    there = {OLD: held(OLD), NEW: held(NEW, **fields)}
    plan = name_replacements(plan, Context(adjusted=Adjusted(wanted=[wants()]), entries=there))
    assert bool(plan.changes[0].after) is waits


def test_what_another_workload_registers_is_no_successor():
    """Two that ask for one new id at once: who gets it has a successor, the other one waits."""
    put = Register(wants(of="web-2").registration)
    plan = name_replacements(
        Plan(changes=(put, gone())),
        Context(adjusted=Adjusted(wanted=[wants()]), entries={OLD: held(OLD)}),
    )
    assert skips(hold_unreplaced(plan)) == {OLD: "unreplaced"}


@pytest.mark.parametrize(
    ("after", "coming", "failed", "goes"),
    [
        pytest.param({NEW}, [NEW], [], True, id="comes"),
        pytest.param({NEW}, [NEW], [NEW], False, id="failed"),
        pytest.param({NEW}, [], [], False, id="held"),
        pytest.param({NEW, "b"}, ["b", NEW], [NEW], True, id="one of two is enough"),
        pytest.param(set(), [], ["x"], True, id="nothing to wait for"),
    ],
)
def test_a_removal_waits_for_one_successor(after, coming, failed, goes):
    """Without one that stands or comes, the removal is a skip that names what it waits for."""
    removal = gone(after=frozenset(Claim(id_, "docker", "web-1") for id_ in after))
    puts = [Register(wants(id_).registration) for id_ in coming]
    plan = hold_unreplaced(Plan(changes=(*puts, removal)), failed)
    assert (removal in plan.changes) == goes
    assert skips(plan) == ({} if goes else {OLD: "unreplaced"})


SAME = {"service": "web", "place": Place("192.0.2.9", 9)}
AT_ITS_PLACE = {"service": "Web", "place": Place("10.0.0.1", 80)}
ANOTHER = {"service": "dns", "place": Place("10.0.0.1", 53)}


@pytest.mark.parametrize(
    ("claim", "fields", "there", "after"),
    [
        pytest.param(Claim(NEW, "docker", "web-1"), SAME, [], {NEW}, id="same service"),
        pytest.param(Claim(NEW, "docker", "web-1"), AT_ITS_PLACE, [], {NEW}, id="at its place"),
        pytest.param(Claim(NEW, "docker", "web-1"), ANOTHER, [], set(), id="another service"),
        pytest.param(
            Claim(NEW, "docker", "web-1"), SAME, [NEW], set(), id="stands in an older form"
        ),
        pytest.param(Claim(NEW, "docker", "web-2"), SAME, [], set(), id="another workload"),
        pytest.param(Claim(NEW, "file", "web-1"), SAME, [], set(), id="another source"),
    ],
)
def test_what_the_sink_has_no_form_for_is_waited_for(claim, fields, there, after):
    """If it may be the same service: it runs, and a sink's form may have another name."""
    stands = {id_: held(id_) for id_ in (OLD, *there)}
    aim = Adjusted(rejected={claim: Rejected("too long", **fields)})
    plan = name_replacements(Plan(changes=(gone(),)), Context(adjusted=aim, entries=stands))
    assert {id_ for id_, *_ in plan.changes[0].after} == after


def test_what_stands_already_is_enough():
    """Whatever else the sink has no form for."""
    aim = Adjusted(
        wanted=[wants()], rejected={Claim("x", "docker", "web-1"): Rejected("no", **SAME)}
    )
    plan = name_replacements(
        Plan(changes=(gone(),)),
        Context(adjusted=aim, entries={OLD: held(OLD), NEW: held(NEW)}),
    )
    assert plan.changes[0].after == frozenset()


class TestRenamed:
    """A container that is renamed runs on at its address."""

    @pytest.fixture
    def world(self):
        world = World(WEB)
        world.cycle()
        world.source.change(WEB.id, offers=(offer("web", id=NEW),))
        return world

    @pytest.mark.parametrize("error", [TemporaryError("busy"), PermanentError("bad name")])
    def test_the_old_one_stays_while_the_new_one_is_refused(self, world, error):
        """Whether the registry is busy or refuses for good, the service keeps its instance."""
        world.sink.fail["register"] = error
        for _ in range(3):
            report = world.cycle()
            assert world.sink.ids() == {OLD}
            assert skips(report.plan)[OLD] == "unreplaced"
        world.sink.fail.clear()
        world.clock.advance(SLOW_CAP)
        world.cycle()
        assert world.sink.ids() == {NEW}

    def test_the_old_one_stays_while_the_sink_has_no_form_for_the_new_one(self):
        """A name that the registry cannot hold costs the service nothing."""

        def adjust(instance):
            if instance.id == NEW:
                raise PermanentError("no such names here")
            return instance

        world = World(WEB, sink=PickySink(adjust))
        world.cycle()
        world.source.change(WEB.id, offers=(offer("web", id=NEW),))
        for _ in range(3):
            assert skips(world.cycle().plan) == {NEW: "rejected", OLD: "unreplaced"}
        assert world.sink.ids() == {OLD}
        world.source.change(WEB.id, offers=(offer("web", id="other"),))
        world.cycle()
        assert world.sink.ids() == {"other"}

    def test_the_old_one_stays_while_somebody_else_has_the_new_id(self, world):
        """An entry without a mark under the new id costs the service nothing."""
        foreign = world.sink.store.put(held(NEW, unmarked=True), None)
        assert skips(world.cycle().plan) == {NEW: "conflict", OLD: "unreplaced"}
        assert world.sink.ids() == {OLD, NEW}
        world.sink.store.drop(NEW, foreign.version)
        world.cycle()
        assert world.sink.ids() == {NEW}

    def test_the_old_one_goes_with_its_workload(self, world):
        """Nothing is kept for a container that does not run."""
        world.sink.fail["register"] = PermanentError("bad name")
        world.cycle()
        world.source.remove(WEB.id)
        world.cycle()
        assert world.sink.ids() == set()


def test_an_ill_one_that_asks_for_the_old_id_ends_no_waiting():
    """The old one stays until the new one stands, whoever else asks for its id unlisted."""
    world = World(WEB, withhold=(Status.UNHEALTHY,))
    world.cycle()
    world.sink.fail["register", NEW] = PermanentError("no")
    ill = (offer(id=OLD, register_port=81),)
    world.source.put(
        workload("web", offers=(offer(id=NEW),)),
        workload("ill", health=Health.UNHEALTHY, offers=ill),
    )
    assert skips(world.cycle().plan) == {OLD: "unreplaced"}
    assert world.sink.ids() == {OLD}
