"""Drains by hand, statuses that are not listed, and the last instance of a service."""

from datetime import timedelta

import attrs
import pytest
from draining import drain, dropping, holds, instances, marking, shown
from fakes import (
    FakeSource,
    Heard,
    PickySink,
    World,
    held,
    instance,
    mark,
    skips,
    workload,
)
from hypothesis import given
from hypothesis import strategies as st

from syncer import (
    STATUS_KEY,
    Check,
    CheckStatus,
    Deregister,
    Health,
    Native,
    PermanentError,
    Plan,
    Reason,
    Registration,
    SinkPart,
    State,
    Status,
    SyncerError,
    TemporaryError,
    Unhealthy,
    Update,
    with_status,
)
from syncer.api.changes import claim_of
from syncer.engine.engine import Engine
from syncer.plan.brakes import Context
from syncer.plan.drain import DRAIN
from syncer.plan.last_instance import keep_last, takes_away
from syncer.plan.wanted import Adjusted

WEB, WEB_ID = workload("web"), "h:web:80"
PLACE = ("10.0.0.1", 80)


class TestWithheld:
    """A sink's setting `withhold` removes what it could show."""

    def test_what_is_withheld_is_removed_and_comes_back(self):
        """A container that is stopping goes; if it lives on, it is registered again."""
        world = World(WEB, sink=marking(), withhold={Status.DRAINING})
        world.cycle()
        world.source.change(WEB.id, state=State.STOPPING)
        (change,) = world.cycle(fresh=False).plan.changes
        assert (type(change), change.reason) == (Deregister, Reason.WITHHELD)
        assert world.sink.ids() == set()
        world.source.change(WEB.id, state=State.RUNNING)
        world.cycle(fresh=False)
        assert shown(world.sink) == {WEB_ID: "up"}

    def test_other_statuses_are_shown(self):
        """Only what is named is withheld."""
        world = World(WEB, sink=marking(), withhold={Status.DRAINING})
        world.cycle()
        world.source.change(WEB.id, state=State.PAUSED)
        world.cycle()
        assert shown(world.sink) == {WEB_ID: "paused"}

    def test_what_starts_is_not_registered_before_it_is_up(self):
        """With `starting` withheld nobody sees an instance that is not ready."""
        world = World(sink=marking(), withhold={Status.STARTING})
        world.source.put(workload("web", health=Health.STARTING))
        world.cycle()
        assert world.sink.ids() == set()
        world.source.change(WEB.id, health=Health.HEALTHY)
        world.cycle()
        assert world.sink.ids() == {WEB_ID}


class TestHold:
    """What an operator asked for stands in the mark, and every cycle keeps it."""

    def test_a_hold_in_the_mark_is_kept(self):
        """A running syncer that finds a hold shows the instance as draining and leaves it so."""
        world = World(WEB, sink=marking())
        world.cycle()
        other = World(WEB, sink=marking())
        other.sink.store = world.sink.store
        drain(other, "web")
        for fresh in (True, False, True):
            assert world.cycle(fresh=fresh).plan.changes == ()
        assert shown(world.sink) == {WEB_ID: "draining"}
        assert holds(world.sink) == {WEB_ID: DRAIN}

    def test_the_plan_says_what_is_held(self):
        """It is no change and no fault, but it is there to be seen."""
        world = World(WEB, sink=marking())
        world.cycle()
        drain(world, "web")
        plan = world.cycle().plan
        assert (plan.changes, plan.unchanged, skips(plan)) == ((), 1, {WEB_ID: "held"})

    def test_the_rest_of_a_held_registration_is_kept_right(self):
        """Another address is written, and the hold stays."""
        world = World(WEB, sink=marking())
        world.cycle()
        drain(world, "web")
        world.source.put(workload("web", port=8080))
        world.cycle()
        (kept,) = world.sink.store.all()
        assert (kept.instance.port, kept.mark.hold) == (8080, DRAIN)
        assert shown(world.sink) == {WEB_ID: "draining"}

    def test_a_new_workload_under_the_id_is_not_held(self):
        """A container that takes the place of the drained one is in use at once."""
        world = World(WEB, sink=marking())
        world.cycle()
        drain(world, "web")
        world.source.remove(WEB.id)
        world.source.put(workload("web", number="2"))
        world.cycle()
        assert shown(world.sink) == {WEB_ID: "up"}
        assert holds(world.sink) == {WEB_ID: ""}

    def test_a_restart_of_the_workload_is_held(self):
        """The same container, stopped and started, stays out of use if syncer saw no stop."""
        world = World(WEB, sink=marking())
        world.cycle()
        drain(world, "web")
        world.source.change(WEB.id, health=Health.STARTING)
        world.cycle()
        world.source.change(WEB.id, health=Health.HEALTHY)
        world.cycle()
        assert shown(world.sink) == {WEB_ID: "draining"}

    def test_what_is_gone_is_removed_though_held(self):
        """A hold keeps no registration of a workload that is gone."""
        world = World(WEB, sink=marking())
        world.cycle()
        drain(world, "web")
        world.source.remove(WEB.id)
        world.cycle()
        assert world.sink.ids() == set()

    def test_a_hold_of_others_is_theirs(self):
        """What another owner holds is neither kept nor read."""
        world = World(WEB, sink=marking())
        world.sink.store.put(held(WEB_ID, owner="other", hold=DRAIN), None)
        assert skips(world.cycle().plan) == {WEB_ID: "conflict"}

    def test_withheld_or_not_a_hold_is_shown(self):
        """Where draining instances are removed, one that is held stays: its mark must stand."""
        world = World(WEB, sink=marking(), withhold={Status.DRAINING})
        world.cycle()
        drain(world, "web")
        world.cycle()
        assert shown(world.sink) == {WEB_ID: "draining"}

    def test_a_sink_that_lags_does_not_lose_a_hold(self):
        """A hold that a late listing does not show is found by the fresh question."""
        world = World(WEB, sink=marking())
        world.cycle()
        late = world.sink.registrations()
        drain(world, "web")
        world.sink.stale_for = timedelta(seconds=30)
        world.sink.registration = lambda id: next(iter(world.sink.store.all()))
        world.sink.registrations = lambda: late
        world.source.put(workload("web", port=8080))
        world.cycle()
        assert holds(world.sink) == {WEB_ID: DRAIN}

    def test_a_race_is_a_conflict_and_no_loss(self):
        """A cycle on the ground of an old listing does not overwrite a hold."""
        world = World(WEB, sink=marking())
        world.cycle()
        other = World(WEB, sink=marking())
        other.sink.store = world.sink.store
        drain(other, "web")
        world.source.put(workload("web", port=8080))
        report = world.cycle(fresh=False)
        assert WEB_ID in report.failed
        assert report.retry
        world.cycle()
        (kept,) = world.sink.store.all()
        assert (kept.instance.port, kept.mark.hold) == (8080, DRAIN)


class TestByHand:
    """One drain, of what is registered and nothing else."""

    def test_only_what_is_named_is_touched(self):
        """Other changes that are due wait for a cycle."""
        world = World(WEB, workload("api"), sink=marking())
        world.cycle()
        world.source.put(workload("new"))
        world.source.change("api-1", state=State.PAUSED)
        report = drain(world, "web")
        assert (report.applied, report.plan.asked) == (1, 1)
        assert report.ours == 2, "of all that is ours, not of what was asked for"
        assert shown(world.sink) == {WEB_ID: "draining", "h:api:80": "up"}

    def test_undrain_gives_back(self):
        """The status is that of the workload again."""
        world = World(WEB, sink=marking())
        world.cycle()
        drain(world, "web")
        report = drain(world, "web", hold="")
        assert report.applied == 1
        assert (shown(world.sink), holds(world.sink)) == ({WEB_ID: "up"}, {WEB_ID: ""})
        assert world.cycle().plan.skipped == ()

    def test_twice_is_once(self):
        """What is drained already is counted, and not written."""
        world = World(WEB, sink=marking())
        world.cycle()
        drain(world, "web")
        report = drain(world, "web")
        assert (report.applied, report.plan.unchanged, report.plan.skipped) == (0, 1, ())

    def test_what_is_gone_is_left_to_a_cycle(self):
        """A drain removes nothing."""
        world = World(WEB, sink=marking())
        world.cycle()
        world.source.remove(WEB.id)
        assert drain(world, "web").applied == 0
        assert world.sink.ids() == {WEB_ID}

    def test_a_sink_that_drops_says_that_it_cannot(self):
        """Without a registration there is nowhere to keep it: nothing is done, and it is said."""
        world = World(WEB, sink=dropping())
        world.cycle()
        report = drain(world, "web")
        assert report.applied == 0
        (skip,) = report.plan.skipped
        assert skip.kind == "rejected"
        assert "cannot show that an instance is draining" in skip.reason
        assert shown(world.sink) == {WEB_ID: "up"}
        assert world.cycle().plan.skipped == ()

    def test_a_sink_that_shows_no_difference_says_that_it_cannot(self):
        """Where an instance looks the same in every status, a drain would be one by name only."""
        world = World(WEB, sink=PickySink())
        world.cycle()
        assert skips(drain(world, "web").plan) == {WEB_ID: "rejected"}
        world.source.change(WEB.id, state=State.PAUSED)
        assert skips(drain(world, "web").plan) == {WEB_ID: "rejected"}
        assert holds(world.sink) == {WEB_ID: ""}

    @pytest.mark.parametrize("sink", [dropping, PickySink])
    def test_a_sink_that_parks_keeps_it(self, sink):
        """A form that no consumer finds is as good as one that they see to be draining."""
        world = World(WEB, sink=sink())
        world.sink.park = lambda one: with_status(one, Unhealthy.KEEP)
        world.cycle()
        drain(world, "web")
        assert (shown(world.sink), holds(world.sink)) == ({WEB_ID: "draining"}, {WEB_ID: DRAIN})
        assert world.cycle().plan.changes == ()
        drain(world, "web", hold="")
        assert shown(world.sink) == {WEB_ID: "up"}

    def test_what_was_kept_by_its_drain_alone_goes_with_it(self):
        """It is not up: when the drain ends nothing keeps it, and it comes back undrained."""
        world = World(WEB, sink=dropping())
        world.sink.park = lambda one: with_status(one, Unhealthy.KEEP)
        world.cycle()
        drain(world, "web")
        world.source.change(WEB.id, health=Health.UNHEALTHY)
        world.cycle()
        assert holds(world.sink) == {WEB_ID: DRAIN}
        drain(world, "web", hold="")
        assert world.sink.ids() == set()
        world.source.change(WEB.id, health=Health.HEALTHY)
        world.cycle()
        assert (shown(world.sink), holds(world.sink)) == ({WEB_ID: "up"}, {WEB_ID: ""})

    def test_what_is_withheld_is_left_to_who_runs(self):
        """A drain removes nothing: what has to stand before may not be there yet."""
        world = World(WEB, sink=dropping())
        world.cycle()
        world.source.change(WEB.id, state=State.STOPPING)
        assert drain(world, "web").plan.changes == ()
        assert [change.reason for change in world.cycle().plan.changes] == [Reason.WITHHELD]

    def test_a_refusal_is_told(self):
        """What the sink refuses is in the report."""
        world = World(WEB, sink=marking())
        world.cycle()
        world.sink.fail["update"] = PermanentError("no")
        assert dict(drain(world, "web").failed) == {WEB_ID: "no"}

    def test_the_last_one_is_left(self):
        """Of two instances one is drained, the other says why not; with force both go."""
        world = World(*instances("a", "b"), sink=marking())
        world.cycle()
        report = drain(world, "web", force=False)
        assert (report.applied, skips(report.plan)) == (1, {"a": "last"})
        assert shown(world.sink) == {"a": "up", "b": "draining"}
        drain(world, "web")
        assert shown(world.sink) == {"a": "draining", "b": "draining"}

    def test_instances_of_others_count(self):
        """One of another owner takes over, if it is up."""
        world = World(*instances("a"), sink=marking())
        world.cycle()
        world.sink.store.put(held("foreign", unmarked=True, meta={STATUS_KEY: "paused"}), None)
        assert skips(drain(world, "web", force=False).plan) == {"a": "last"}
        world.sink.store.put(held("more", unmarked=True), None)
        assert drain(world, "web", force=False).applied == 1


class TestKeepLast:
    """The setting `keep_last`: a service keeps its last instance that is up."""

    def test_the_last_one_stays_up_until_it_is_gone(self):
        """It is not drained while it stops, and goes when it has stopped."""
        world = World(WEB, sink=marking(), keep_last=True)
        world.cycle()
        world.source.change(WEB.id, state=State.STOPPING)
        assert skips(world.cycle(fresh=False).plan) == {WEB_ID: "last"}
        assert shown(world.sink) == {WEB_ID: "up"}
        world.source.change(WEB.id, state=State.EXITED)
        world.cycle(fresh=False)
        assert world.sink.ids() == set()

    def test_another_one_lets_it_go(self):
        """Once its successor is up, the old one is drained."""
        world = World(*instances("a"), sink=marking(), keep_last=True)
        world.cycle()
        world.source.change("a-1", state=State.STOPPING)
        world.source.put(*instances("b"))
        assert skips(world.cycle().plan) == {"a": "last"}  # b is not there before this cycle
        assert skips(world.cycle().plan) == {}
        assert shown(world.sink) == {"a": "draining", "b": "up"}

    def test_what_is_up_is_read_afresh(self):
        """A listing from before is not believed when the last one is about to go."""
        world = World(*instances("a", "b"), sink=marking(), keep_last=True)
        world.cycle()
        other = next(one for one in world.sink.store.all() if one.id == "b")
        ill = attrs.evolve(other.instance, status=Status.UNHEALTHY)
        world.sink.store.put(attrs.evolve(other, instance=ill), other.version)
        world.source.change("a-1", state=State.STOPPING)
        assert skips(world.cycle(fresh=False).plan) == {"a": "last"}

    def test_removal_counts_as_well(self):
        """With `withhold` the last one is not removed either."""
        world = World(WEB, sink=marking(), keep_last=True, withhold={Status.DRAINING})
        world.cycle()
        world.source.change(WEB.id, state=State.STOPPING)
        assert skips(world.cycle().plan) == {WEB_ID: "last"}

    def test_the_end_of_a_drain_takes_none_away(self):
        """What became of the last one meanwhile is not written by an `undrain` either."""
        world = World(WEB, sink=marking(), keep_last=True)
        world.cycle()
        world.source.change(WEB.id, state=State.PAUSED)
        assert skips(world.cycle().plan) == {WEB_ID: "last"}
        assert skips(drain(world, "web", hold="").plan) == {WEB_ID: "last"}
        assert shown(world.sink) == {WEB_ID: "up"}

    def test_one_that_moves_and_is_ill_counts_for_nothing(self):
        """Its entry is written anew and is not up then: the other one stays."""
        world = World(*instances("a", "b"), sink=marking(), keep_last=True)
        world.cycle()
        (moved,) = instances("b", port=8080, state=State.PAUSED)
        world.source.put(moved)
        world.source.change("a-1", state=State.STOPPING)
        assert skips(world.cycle().plan) == {"a": "last"}
        assert shown(world.sink) == {"a": "up", "b": "paused"}

    @pytest.mark.parametrize("by_hand", [False, True])
    def test_its_fed_check_stays_passing(self, by_hand):
        """What the registry holds as up is reported to be: by a cycle, and after a drain."""
        checked = attrs.evolve(WEB.offers[0], checks=(Check(kind="container"),))
        fed = {"translate": lambda check, one: Native(key=check.key, fed=True)}
        world = World(
            attrs.evolve(WEB, offers=(checked,)), sink=marking(), keep_last=not by_hand, **fed
        )
        world.cycle()
        if by_hand:
            assert skips(drain(world, "web", force=False).plan) == {WEB_ID: "last"}
        else:
            world.source.change(WEB.id, state=State.STOPPING)
            assert skips(world.cycle().plan) == {WEB_ID: "last"}
        (result,) = world.reconciler.results().values()
        assert result.status is CheckStatus.PASSING
        drain(world, "web", force=True)
        (result,) = world.reconciler.results().values()
        assert result.status is CheckStatus.CRITICAL

    def test_a_wrong_address_is_not_kept(self):
        """What moved is written, whatever its status: the old address serves nobody."""
        for withhold in (set(), {Status.PAUSED}):
            world = World(WEB, sink=marking(), keep_last=True, withhold=withhold)
            world.cycle()
            world.source.put(workload("web", port=8080, state=State.PAUSED))
            world.cycle()
            assert shown(world.sink) == ({} if withhold else {WEB_ID: "paused"})

    def test_without_it_the_last_one_goes(self):
        """It is off unless it is asked for."""
        world = World(WEB, sink=marking())
        world.cycle()
        world.source.change(WEB.id, state=State.STOPPING)
        world.cycle()
        assert shown(world.sink) == {WEB_ID: "draining"}


IDS = ("a", "b", "c", "d")
STATUSES = st.sampled_from([Status.UP, Status.UP, Status.PAUSED])


@given(st.data())
def test_no_service_loses_its_last_instance(data):
    """Of any plan, what is left keeps an instance up for each service that would lose its last
    one for no other reason; and nothing else is held.
    """
    items = {
        id_: registered(id_, data.draw(st.sampled_from(["x", "y"])), data.draw(STATUSES))
        for id_ in data.draw(st.sets(st.sampled_from(IDS), min_size=1))
    }
    changes = [change for one in items.values() if (change := data.draw(any_change(one)))]
    places = {claim_of(one): PLACE for one in items.values()}
    plan = Plan(changes=tuple(changes))
    kept = keep_last(
        plan,
        Context(adjusted=Adjusted(withheld=places), entries=items, careful=True),
    )
    assert all(change in changes for change in kept.changes)
    after, freely = outcome(items, kept.changes), outcome(items, changes)
    for service in ("x", "y"):
        went = [c for c in changes if takes_away(c, places) and c.old.instance.service == service]
        if went and not freely[service]:
            assert after[service] == 1
        else:
            assert after[service] == freely[service]


def registered(id_, service, status):
    made = instance(id_, service=service, status=status)
    return Registration(instance=made, mark=mark(made))


def any_change(one):
    """A change that may befall a registration."""
    down = attrs.evolve(one, instance=attrs.evolve(one.instance, status=Status.DRAINING))
    return st.sampled_from(
        [None, Update(one, down), Update(one, one)]
        + [Deregister(one, reason) for reason in (Reason.WITHHELD, Reason.WORKLOAD_GONE)]
    )


def outcome(items, changes):
    """How many are up of each service after these changes."""
    left = dict(items)
    for change in changes:
        if isinstance(change, Deregister):
            del left[change.id]
        else:
            left[change.id] = change.new
    ups = [one.instance.service for one in left.values() if one.up]
    return {service: ups.count(service) for service in ("x", "y")}


class TestEngine:
    """`Engine.drain` and `Engine.undrain`, as the commands use them."""

    def parts(self, *workloads, **fields):
        self.source, self.sink, self.heard = FakeSource(*workloads), marking(), Heard()
        part = SinkPart(sink=self.sink, **fields)
        self.engine = Engine({"docker": self.source}, {"memory": part}, listeners=[self.heard])
        self.engine.reconcile()
        return self.engine

    @pytest.mark.parametrize("name", ["web", "web-1", "web-", WEB_ID, ""])
    def test_names(self, name):
        """A service, a workload, the beginning of its id, an id of a registration, or all."""
        engine = self.parts(WEB, workload("api"))
        engine.drain(name, force=True)
        drained = {WEB_ID: "draining", "h:api:80": "up" if name else "draining"}
        assert shown(self.sink) == drained
        engine.undrain(name)
        assert shown(self.sink) == {WEB_ID: "up", "h:api:80": "up"}

    def test_a_workload_by_its_name(self):
        """Of a service with several instances one container is drained."""
        engine = self.parts(*instances("a", "b"))
        engine.drain("a")
        assert shown(self.sink) == {"a": "draining", "b": "up"}

    def test_the_last_one_needs_force(self):
        """A service with one instance is not taken out of use by mistake."""
        engine = self.parts(WEB)
        report = engine.drain("web")["memory"]
        assert (report.applied, skips(report.plan)) == (0, {WEB_ID: "last"})
        assert engine.drain("web", force=True)["memory"].applied == 1

    def test_an_unknown_name_is_nothing_of_ours(self):
        """`asked` in the plan counts what has the name."""
        report = self.parts(WEB).drain("other")["memory"]
        assert (report.plan.asked, report.plan.changes, report.ours) == (0, (), 1)

    def test_a_source_without_an_answer(self):
        """What cannot be described is not drained, and it is said why."""
        engine = self.parts(WEB)
        fresh = Engine({"docker": self.source}, {"memory": self.sink})
        self.source.failure = TemporaryError("down")
        reports = fresh.drain("web")
        assert reports.errors == {"source docker": "down"}
        assert shown(self.sink) == {WEB_ID: "up"}
        assert engine.drain("web", force=True)["memory"].applied == 1  # it knows it from before

    def test_not_beside_itself(self):
        """A started engine is not asked; another one is."""
        with (
            self.parts(WEB) as engine,
            pytest.raises(SyncerError, match=r"while the engine runs, .*: use now\(\)"),
        ):
            engine.drain("web")

    def test_explain_says_what_is_held(self):
        """The story of a drained workload says so."""
        engine = self.parts(WEB)
        engine.drain("web", force=True)
        (story,) = engine.explain("web")
        assert story.sinks["memory"][WEB_ID].startswith("held: drain")
