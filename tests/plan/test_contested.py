"""The brake on changes that somebody else undoes again and again."""

import pytest
from fakes import World, held, offer, skips, wanted, workload

from syncer import Deregister, Plan, Reason, Register, Update
from syncer.engine.cycle.reporter import CycleReport
from syncer.events import SkipsChanged
from syncer.plan.brakes import SLOW_CAP, Context
from syncer.plan.contested import (
    PUT_PAUSE,
    PUTS_FREE,
    REMOVAL_PAUSE,
    REMOVALS_FREE,
    WINDOW,
    Contested,
)
from syncer.testing import ManualClock

WEB = "h:web:80"
PUT = Register(wanted().registration)
#: Each kind of change, how often it is made again at once, and how long it waits then.
KINDS = {
    "register": (PUT, PUTS_FREE, PUT_PAUSE),
    "update": (Update(held(tags=("x",)), wanted().registration), PUTS_FREE, PUT_PAUSE),
    "remove": (
        Deregister(held(workload="gone"), Reason.WORKLOAD_GONE),
        REMOVALS_FREE,
        REMOVAL_PAUSE,
    ),
}


class Opponent:
    """Undoes each change of a brake's owner at once."""

    def __init__(self):
        self.clock = ManualClock()
        self.brake = Contested(self.clock)

    def tries(self, change):
        """Whether the change is let through; then it is made, and undone."""
        plan = self.brake(Plan(changes=(change,)), Context())
        if plan.changes:
            self.brake.note(change)
        else:
            assert skips(plan) == {change.id: "contested"}
        return bool(plan.changes)


@pytest.mark.parametrize("kind", KINDS)
def test_pauses_grow(kind):
    """The first repairs come at once; from then on each waits twice as long, up to a limit."""
    change, free, first = KINDS[kind]
    fight = Opponent()
    for _ in range(1 + free):
        assert fight.tries(change)
    waits = []
    for _ in range(9):
        assert not fight.tries(change)
        waits.append(fight.brake.wait())
        fight.clock.advance(fight.brake.wait() - 0.1)
        assert not fight.tries(change)
        fight.clock.advance(0.2)
        assert fight.tries(change)
    expected = [min(SLOW_CAP, first * 2**n) for n in range(9)]
    assert waits == pytest.approx(expected)


def test_what_is_undone_once_in_a_while_is_put_right_at_once():
    """However often that happens in all."""
    fight = Opponent()
    for _ in range(20):
        assert fight.tries(PUT)
        fight.clock.advance(WINDOW + 1)


def test_a_pause_is_forgotten_once_there_is_peace():
    """Whoever undoes it again long afterwards is met by the first repair again."""
    fight = Opponent()
    while fight.tries(PUT):
        pass
    fight.clock.advance(fight.brake.wait() + WINDOW + 1)
    assert [fight.tries(PUT) for _ in range(1 + PUTS_FREE)] == [True] * (1 + PUTS_FREE)


def test_a_container_that_comes_and_goes_is_followed():
    """Registered and removed in turn, all of it by us: nobody undoes anything."""
    fight = Opponent()
    remove = Deregister(held(), Reason.WORKLOAD_GONE)
    assert all(fight.tries(change) for _ in range(50) for change in (PUT, remove))
    assert fight.tries(remove), "what somebody registers after all that is the first time"


def test_what_changes_all_the_time_is_written():
    """Another content is another change."""
    fight = Opponent()
    assert all(fight.tries(Register(wanted(port=port).registration)) for port in range(1, 60))


def test_old_changes_are_forgotten():
    """What was changed long ago takes no room."""
    fight = Opponent()
    for number in range(300):
        assert fight.tries(Register(wanted(f"h:web:{number}").registration))
        fight.clock.advance(1.0)
    assert len(fight.brake._made) <= WINDOW + 1


def delete(world, id_=WEB):
    """Remove an entry by hand."""
    world.sink.store.drop(id_, world.sink.registration(id_).version)


def test_a_cycle_stops_repairing_and_says_so():
    """An entry that is removed all the time is written less and less often, with a warning."""
    world = World(workload("web"))
    world.cycle()
    for _ in range(PUTS_FREE):
        delete(world)
        assert world.cycle().applied == 1
    delete(world)
    finished = world.cycle()
    assert (finished.applied, skips(finished.plan)) == (0, {WEB: "contested"})
    assert [event.skips[0].kind for event in world.heard.of(SkipsChanged)] == ["contested"]
    assert isinstance(world.report, CycleReport)
    assert world.report.wait == pytest.approx(PUT_PAUSE)
    world.clock.advance(PUT_PAUSE)
    assert world.cycle().applied == 1


def test_two_configurations_for_one_engine():
    """Two syncers that want the same entry in different forms do not overwrite it for ever."""
    plain, tagged = workload("web"), workload("web", offers=(offer("web", tags=("blue",)),))
    one = World(plain)
    two = World(tagged, sink=one.sink)
    for _ in range(60):
        for world in (one, two):
            world.cycle()
            world.clock.advance(1.0)
    writes = [what for what, _ in one.sink.writes()]
    assert writes[0] == "register"
    assert set(writes[1:]) == {"update"}
    assert len(writes) < 40  # of 60 cycles
    told = [event for world in (one, two) for event in world.heard.of(SkipsChanged)]
    assert {skip.kind for event in told for skip in event.skips} == {"contested"}


def test_two_that_take_themselves_for_one_come_to_rest():
    """Clones with one identity as well: what each removes of the other's soon stays."""
    one = World(workload("web"))
    two = World(workload("api"), sink=one.sink)
    for _ in range(20):
        for world in (one, two):
            world.cycle()
            world.clock.advance(1.0)
    ids = {entry.id for entry in one.sink.store.all()}
    assert ids == {WEB, "h:api:80"}
    one.sink.log.clear()
    for world in (one, two):
        world.cycle()
    assert one.sink.writes() == []
