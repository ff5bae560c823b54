"""A container that is renamed, or else offered under a new id, stays drained."""

import attrs
import pytest
from draining import drain, holds, instances, marking, shown
from fakes import World, exited, held, offer, skips, workload

from syncer.plan.drain import DRAIN

WEB, WEB_ID = workload("web"), "h:web:80"


def drained_world(**fields):
    """A world in which `web` is drained under its old id."""
    world = World(WEB, sink=marking(), **fields)
    world.cycle()
    drain(world, "web")
    return world


def rename(world, *ids, **fields):
    world.source.put(workload("web", offers=[offer(id=id_, **fields) for id_ in ids]))


@pytest.mark.parametrize("fresh", [True, False])
def test_a_renamed_container_stays_drained(fresh):
    """Its new entry is written as drained, before the old one goes; it can be undrained."""
    world = drained_world()
    rename(world, "new")
    world.cycle(fresh=fresh)
    assert world.sink.writes()[-2:] == [("register", "new"), ("deregister", WEB_ID)]
    assert (shown(world.sink), holds(world.sink)) == ({"new": "draining"}, {"new": DRAIN})
    assert world.cycle().plan.changes == ()
    drain(world, "web", hold="")
    assert (shown(world.sink), holds(world.sink)) == ({"new": "up"}, {"new": ""})
    assert world.cycle().plan.changes == ()


def test_at_once_after_the_drain():
    """Also if the cycle that finds the drain finds the new name, and looked at little else."""
    world = World(WEB, workload("api"), sink=marking())
    world.cycle()
    world.cycle()
    other = World(WEB, sink=marking())
    other.sink.store = world.sink.store
    drain(other, "web")
    rename(world, "new")
    world.cycle()
    assert shown(world.sink) == {"h:api:80": "up", "new": "draining"}


@pytest.mark.parametrize("ahead", [False, True])
@pytest.mark.parametrize("also", [False, True])
def test_drained_and_renamed_before_the_registry_is_read_again(also, ahead):
    """Who knows the old entry as it was looks again before the new one is written.

    What was read ahead, before the drain, will not do.
    """
    world = World(WEB, sink=marking())
    world.sink.reads_beside = True
    world.cycle()
    if ahead:
        assert world.reconciler.reading.begin()
        world.reconciler.reading.read_ahead()
    other = World(WEB, sink=marking())
    other.sink.store = world.sink.store
    drain(other, "web")
    rename(world, "new")
    if also:  # and another container has the old name at once
        world.source.put(workload("api", offers=(offer(id=WEB_ID, register_port=81),)))
    world.cycle(fresh=False)
    assert (shown(world.sink)["new"], holds(world.sink)["new"]) == ("draining", DRAIN)


def test_a_restart_is_no_new_name():
    """The registry is not read again for it, however often a container goes and comes."""
    world = World(WEB, sink=marking())
    world.cycle()
    world.sink.log.clear()
    for made in (exited(WEB), WEB, workload("web", offers=(*WEB.offers, offer(id="more")))):
        world.source.put(made)
        world.tracker.ask(WEB.id)
        world.cycle(relist=False, fresh=False)
    assert ("registrations", "") not in world.sink.log


def test_two_that_swap_their_names():
    """The drain stays with its container."""
    one, two = instances("a", "b")
    two = attrs.evolve(two, offers=(attrs.evolve(two.offers[0], register_port=81),))
    world = World(one, two, sink=marking())
    world.cycle()
    reconciler = world.reconciler
    reconciler.carry_out(reconciler.plan_hold(lambda held: held.id == "a", DRAIN), 0.0)
    world.source.put(
        attrs.evolve(one, offers=(attrs.evolve(one.offers[0], id="b2"),)),
        attrs.evolve(two, offers=(attrs.evolve(two.offers[0], id="a"),)),
    )
    world.cycle()
    assert shown(world.sink) == {"a": "up", "b2": "draining"}
    assert world.cycle().plan.changes == ()


@pytest.mark.parametrize(
    "fields",
    [{"service": "api"}, {"register_port": 81}, {"register_address": "10.0.0.2"}],
    ids=lambda fields: min(fields),
)
def test_only_the_same_service_at_the_same_place(fields):
    """What it offers else was never drained."""
    world = drained_world()
    rename(world, "new", **fields)
    world.cycle()
    assert shown(world.sink) == {"new": "up"}


def test_only_that_of_two_ports():
    """Each of a service's instances on one container has its own drain."""
    world = World(sink=marking())
    ports = (offer(id="a"), offer(id="b", register_port=81))
    world.source.put(workload("web", offers=ports))
    world.cycle()
    reconciler = world.reconciler
    reconciler.carry_out(reconciler.plan_hold(lambda held: held.id == "a", DRAIN), 0.0)
    world.source.put(workload("web", offers=[attrs.evolve(p, id=f"{p.id}2") for p in ports]))
    world.cycle()
    assert shown(world.sink) == {"a2": "draining", "b2": "up"}


@pytest.mark.parametrize("fields", [{"owner": "other"}, {"scope": "g"}, {"source": "file"}])
def test_of_nobody_else(fields):
    """What another syncer holds at the same place is its own."""
    world = World(sink=marking())
    world.sink.store.put(held("theirs", hold=DRAIN, **fields), None)
    rename(world, "new")
    world.cycle()
    assert shown(world.sink)["new"] == "up"


def test_an_entry_that_stands_has_its_own_word():
    """Where the old one is not removed, the new one can be undrained by itself."""
    world = drained_world(policy="upsert-only")
    rename(world, "new")
    world.cycle()
    assert shown(world.sink) == {WEB_ID: "draining", "new": "draining"}
    reconciler = world.reconciler
    reconciler.carry_out(reconciler.plan_hold(lambda held: held.id == "new", ""), 0.0)
    for _ in range(2):
        world.cycle()
        assert shown(world.sink) == {WEB_ID: "draining", "new": "up"}


@pytest.fixture
def waiting():
    """A world in which somebody else has the new id: the old one stays, and is drained."""
    world = drained_world()
    world.foreign = world.sink.store.put(held("new", owner="other"), None)
    rename(world, "new")
    assert skips(world.cycle().plan) == {"new": "conflict", WEB_ID: "unreplaced"}
    assert shown(world.sink) == {WEB_ID: "draining", "new": "up"}
    return world


def test_one_that_waits_can_be_undrained_and_drained(waiting):
    """What is written is what it offers now, under its old id, for as long as it waits."""
    world = waiting
    for hold, status in (("", "up"), (DRAIN, "draining"), ("", "up")):
        for applied in (1, 0):
            report = drain(world, "web", hold=hold)
            assert (report.applied, report.plan.unchanged) == (applied, 1 - applied)
            assert skips(report.plan) == {}
            assert skips(world.cycle().plan) == {"new": "conflict", WEB_ID: "unreplaced"}
            assert shown(world.sink) == {WEB_ID: status, "new": "up"}


@pytest.mark.parametrize(("hold", "status"), [("", "up"), (DRAIN, "draining")])
def test_what_it_waited_for_is_as_it_was(waiting, hold, status):
    """The successor is in use, or not, as was asked for last."""
    world = waiting
    drain(world, "web", hold=hold)
    world.sink.store.drop("new", world.foreign.version)
    world.cycle()
    assert shown(world.sink) == {"new": status}


def test_the_last_one_is_left_under_its_old_id_too(waiting):
    """Without force it stays in use."""
    world = waiting
    drain(world, "web", hold="")
    world.sink.store.drop("new", world.foreign.version)
    report = drain(world, "web", force=False)
    assert (report.applied, skips(report.plan)) == (0, {WEB_ID: "last"})


def test_before_a_cycle_has_seen_the_new_name():
    """A drain and its end count for the container, whatever its entry is called meanwhile."""
    world = World(WEB, sink=marking())
    world.cycle()
    rename(world, "new")
    assert drain(world, "web").applied == 1
    assert shown(world.sink) == {WEB_ID: "draining"}
    rename(world, "newer")
    world.cycle()
    assert shown(world.sink) == {"newer": "draining"}
    rename(world, "newest")
    assert drain(world, "web", hold="").applied == 1
    world.cycle()
    assert shown(world.sink) == {"newest": "up"}
