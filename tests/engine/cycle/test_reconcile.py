"""One cycle of one sink."""

from datetime import timedelta

import attrs
import pytest
from fakes import SOURCE, FakeSink, FakeSource, World, exited, held, offer, skips, workload

from syncer import (
    Deregister,
    PermanentError,
    Reason,
    Register,
    TemporaryError,
    Update,
    View,
)
from syncer.api.changes import digest_of
from syncer.engine.cycle.confirm_gone import UNANSWERED
from syncer.events import (
    ChangeApplied,
    ChangeFailed,
    CycleFinished,
    GuardPaused,
    GuardReleased,
    ProblemsFound,
    SkipsChanged,
    Warned,
)
from syncer.plan.brakes import SLOW_CAP
from syncer.plan.guard import PAUSE, GuardRules

WEB, API = workload("web"), workload("api", port=81)
UPDATED = workload("web", offers=(offer(tags=("other",)),))
WEB_ID, API_ID = "h:web:80", "h:api:80"


def renamed(service, **fields):
    """Labels that now offer another id."""
    return (offer(service, id=f"id-{service}", **fields),)


class TestWhatItDoes:
    """From what runs to what is registered."""

    def test_what_runs_is_registered(self):
        """The first cycle writes all that is wanted, and tells so."""
        world = World(WEB, API)
        report = world.cycle()
        assert world.sink.ids() == {WEB_ID, API_ID}
        assert (report.applied, dict(report.failed)) == (2, {})
        assert not report.retry
        assert not world.report.again
        assert [type(e.change) for e in world.heard.of(ChangeApplied)] == [Register, Register]
        assert world.heard[-1] is report

    def test_ten_cycles_without_a_change_write_nothing(self):
        """An idle syncer reads and never writes, whether it reads afresh or not."""
        world = World(WEB, API)
        world.cycle()
        world.sink.log.clear()
        for fresh in (True, False) * 5:
            report = world.cycle(fresh=fresh)
            assert (report.applied, report.plan.changes, report.plan.unchanged) == (0, (), 2)
        assert world.sink.log == [("registrations", "")] * 5

    def test_a_change_is_an_update(self):
        """Another port moves the registration in place."""
        world = World(WEB)
        world.cycle()
        world.source.put(workload("web", port=8080))
        world.cycle(fresh=False)
        (kept,) = world.sink.store.all()
        assert kept.instance.port == 8080
        assert isinstance(world.heard.of(ChangeApplied)[-1].change, Update)

    def test_what_is_gone_is_removed(self):
        """Once its source has confirmed that the workload is gone, so is its registration."""
        world = World(WEB, API)
        world.cycle()
        world.source.remove(WEB.id)
        world.cycle(fresh=False)
        assert world.sink.ids() == {API_ID}
        assert world.source.asked == [WEB.id]
        assert world.heard.of(ChangeApplied)[-1].change.reason is Reason.WORKLOAD_GONE

    def test_what_is_not_offered_any_more_needs_no_question(self):
        """A workload that is described completely and offers another id is known to live."""
        world = World(WEB)
        world.cycle()
        world.source.change(WEB.id, offers=renamed("new"))
        world.cycle()
        assert world.sink.ids() == {"id-new"}
        assert world.source.asked == []

    def test_new_ones_are_written_before_old_ones_go(self):
        """A service that changes its id is never without a registration."""
        world = World(WEB, API)
        world.cycle()
        world.sink.log.clear()
        world.source.remove(WEB.id)
        world.source.change(API.id, offers=renamed("new"))
        world.source.put(workload("third"))
        world.cycle()
        order = [operation for operation, _ in world.sink.writes()]
        assert order == ["register", "register", "deregister", "deregister"]

    def test_foreign_registrations_are_left_alone(self):
        """Nobody else's registration is written or removed, whatever is under our ids."""
        world = World(WEB)
        foreign = [held(WEB_ID, unmarked=True), held("x", owner="other"), held("y", scope="b")]
        for registration in foreign:
            world.sink.store.put(registration, None)
        before = world.sink.store.all()
        plan = world.cycle().plan
        assert world.sink.store.all() == before
        assert world.sink.writes() == []
        assert skips(plan) == {WEB_ID: "conflict"}
        assert plan.foreign == 3

    def test_the_policy_of_the_sink_counts(self):
        """A sink with `upsert-only` keeps what is gone, and says so."""
        world = World(WEB, policy="upsert-only")
        world.cycle()
        world.source.clear()
        plan = world.cycle().plan
        assert skips(plan) == {WEB_ID: "policy"}
        assert world.source.asked == []
        assert world.sink.ids() == {WEB_ID}

    def test_planning_writes_nothing(self):
        """A plan for people shows the changes and makes none."""
        world = World(WEB)
        world.tracker.relist()
        assert [c.id for c in world.reconciler.plan().changes] == [WEB_ID]
        assert world.sink.writes() == []
        assert world.sink.ids() == set()
        assert not world.heard.of(CycleFinished)


class TestRemovals:
    """Nothing is removed on bad information."""

    def lost(self, **fields):
        """A world whose only workload is missing from the listing."""
        world = World(WEB, **fields)
        world.cycle()
        world.source.hidden.add(WEB.id)
        world.sink.log.clear()
        return world

    def test_another_workload_named_as_its_id_does_not_keep_it(self):
        """Whoever starts a workload chooses its name; engines find workloads by name too."""
        world = self.lost(source=_ByName(WEB))
        world.source.remove(WEB.id)
        world.source.put(workload(WEB.id, number="other", offers=()))
        assert world.source.workload(WEB.id) is not None
        report = world.cycle()
        assert skips(report.plan) == {}
        assert world.sink.ids() == set()

    def test_a_workload_that_runs_after_all_is_kept(self):
        """The listing missed it: it stays, and the next cycle looks again."""
        world = self.lost()
        report = world.cycle()
        assert skips(report.plan) == {WEB_ID: "alive"}
        assert world.report.again
        assert not report.retry
        report = world.cycle(relist=False)
        assert (report.plan.changes, report.plan.skipped, world.report.again) == ((), (), False)
        assert world.sink.writes() == []

    @pytest.mark.parametrize("error", [TemporaryError("timeout"), RuntimeError("bug")])
    def test_an_error_of_the_question_keeps(self, error):
        """No answer is no confirmation; the reason is told."""
        world = self.lost()
        world.source.errors[WEB.id] = error
        report = world.cycle()
        assert skips(report.plan) == {WEB_ID: "unconfirmed"}
        assert str(error) in report.plan.skipped[0].reason
        assert world.sink.ids() == {WEB_ID}
        del world.source.errors[WEB.id]
        world.source.clear()
        world.cycle()
        assert world.sink.ids() == set()

    def test_a_source_that_does_not_answer_is_not_asked_for_everything(self):
        """A source whose questions time out holds a cycle up a few times, not for each removal."""
        made = [workload(f"w{n}") for n in range(9)]
        world = World(*made)
        world.cycle()
        world.source.hidden |= {w.id for w in made}
        world.source.errors = {w.id: TemporaryError("timeout") for w in made}
        report = world.cycle()
        assert set(skips(report.plan).values()) == {"unconfirmed"}
        assert len(report.plan.skipped) == 9
        assert len(world.source.asked) == UNANSWERED

    @pytest.mark.parametrize("error", [PermanentError("no right"), TemporaryError("it hangs")])
    def test_a_workload_that_cannot_be_asked_for_costs_no_other(self, error):
        """One question without an answer keeps one registration."""
        made = [workload(f"w{n}") for n in range(3)]
        world = World(*made)
        world.cycle()
        world.source.clear()
        world.source.errors = {"w0-1": error}
        world.cycle()
        assert world.sink.ids() == {"h:w0:80"}

    def test_what_may_not_be_asked_for_is_an_answer(self):
        """However many of them there are, the others are asked for: refusals come at once."""
        made = [workload(f"w{n}") for n in range(9)]
        world = World(*made)
        world.cycle()
        world.source.clear()
        refused = [f"w{n}-1" for n in range(UNANSWERED + 1)]
        world.source.errors = dict.fromkeys(refused, PermanentError("no right"))
        world.cycle()
        assert world.sink.ids() == {f"h:w{n}:80" for n in range(UNANSWERED + 1)}

    def test_a_stopped_workload_is_removed_without_the_guard(self):
        """What the source was asked for and found stopped needs no guard."""
        made = [workload(f"w{n}") for n in range(20)]
        world = World(*made)
        world.cycle()
        world.source.put(*(exited(w) for w in made))
        report = world.cycle()
        assert report.applied == 20
        assert world.sink.ids() == set()
        assert not world.heard.of(GuardPaused)

    def test_an_incomplete_listing_of_the_source_removes_nothing(self):
        """What it does not show may be there."""
        world = self.lost()
        world.source.complete = False
        world.source.clear()
        world.tracker.ask(WEB.id)
        assert skips(world.cycle().plan) == {WEB_ID: "doubt"}
        assert world.sink.ids() == {WEB_ID}

    def test_a_failed_source_removes_nothing(self):
        """Its last word is kept, and not acted on."""
        world = World(WEB, API)
        world.cycle()
        world.source.clear()
        world.tracker.ask(WEB.id)
        world.tracker.note_failure("down")
        report = world.cycle(relist=False)
        assert skips(report.plan) == {WEB_ID: "doubt"}
        assert world.sink.ids() == {WEB_ID, API_ID}

    def test_before_the_first_listing_nothing_is_removed(self):
        """A sink that answers before the source is only read."""
        world = World()
        world.sink.store.put(held("old", workload="gone"), None)
        report = world.cycle(relist=False)
        assert (report.plan.changes, world.sink.writes()) == ((), [])
        world.cycle()
        assert world.sink.ids() == set()

    def test_a_workload_without_an_answer_from_its_parser_keeps_its_registration(self):
        """A label parser that fails after an upgrade removes nothing."""
        world = World(WEB)
        world.cycle()
        world.source.change(WEB.id, offers=None)
        broken = (("p", lambda w, ports: 1 / 0),)
        world.tracker._translator = attrs.evolve(world.tracker._translator, parsers=broken)
        assert skips(world.cycle().plan) == {WEB_ID: "unclear"}
        assert world.sink.ids() == {WEB_ID}


class TestGuard:
    """Too many removals at once."""

    def emptied(self, mode="confirm"):
        world = World(
            *(workload(f"w{n}") for n in range(20)), guard=GuardRules(mode=mode, share=0.3)
        )
        world.cycle()
        world.source.clear()
        return world

    def test_an_empty_listing_is_held_until_the_next_says_the_same(self):
        """Everything is kept for one listing more, and both moments are told."""
        world = self.emptied()
        report = world.cycle()
        assert report.applied == 0
        assert len(world.sink.ids()) == 20
        assert world.heard.of(GuardPaused) == [GuardPaused(sink="memory", held=20, ours=20)]
        world.cycle(relist=False)
        assert len(world.sink.ids()) == 20
        assert not world.heard.of(GuardReleased)
        world.clock.advance(PAUSE)
        world.cycle()
        assert world.sink.ids() == set()
        assert len(world.heard.of(GuardPaused)) == len(world.heard.of(GuardReleased)) == 1

    def test_what_comes_back_is_never_removed(self):
        """A source that was wrong for one listing costs nothing."""
        world = self.emptied()
        world.cycle()
        world.source.put(*(workload(f"w{n}") for n in range(20)))
        report = world.cycle()
        assert (report.plan.unchanged, report.plan.skipped) == (20, ())
        assert world.heard.of(GuardReleased)
        assert len(world.sink.writes()) == 20

    def test_refuse_holds_on(self):
        """In mode `refuse` listings let nothing go."""
        world = self.emptied("refuse")
        for _ in range(3):
            world.cycle()
        assert len(world.sink.ids()) == 20

    def test_a_person_lets_go(self):
        """Of the plan that was shown; this is told, and done in the next cycle."""
        world = self.emptied("refuse")
        world.cycle()
        held = world.reconciler.guarded()
        assert len(held) == 20
        assert world.reconciler.override_guard("0" * 12) == 0
        assert not world.heard.of(Warned)
        assert world.reconciler.override_guard(digest_of(held)) == 20
        assert digest_of(held) in world.heard.of(Warned)[0].text
        world.cycle(relist=False, fresh=False)
        assert world.sink.ids() == set()
        assert world.reconciler.guarded() == ()
        assert world.heard.of(GuardReleased)


class TestErrors:
    """What fails costs itself only."""

    def test_one_refused_item_does_not_stop_the_others(self):
        """The others are written; the failure is in the report and told."""
        world = World(*(workload(f"w{n}") for n in range(5)))
        world.sink.fail["register", "h:w2:80"] = PermanentError("no")
        report = world.cycle()
        assert world.sink.ids() == {f"h:w{n}:80" for n in (0, 1, 3, 4)}
        assert (report.applied, dict(report.failed)) == (4, {"h:w2:80": "no"})
        (failed,) = world.heard.of(ChangeFailed)
        assert (failed.change.id, failed.error, failed.permanent) == ("h:w2:80", "no", True)

    def test_a_permanent_refusal_is_not_hammered(self):
        """The same is tried again after the slow cap, or at once with other content."""
        world = World(WEB)
        world.sink.fail["register"] = PermanentError("bad name")
        assert not world.cycle().retry
        for _ in range(5):
            assert skips(world.cycle().plan) == {WEB_ID: "refused"}
        assert len(world.sink.writes()) == 1
        world.clock.advance(SLOW_CAP)
        world.cycle()
        assert len(world.sink.writes()) == 2
        del world.sink.fail["register"]
        world.source.put(workload("web", port=90))
        world.cycle()
        assert world.sink.ids() == {WEB_ID}

    def test_a_temporary_failure_is_tried_again(self):
        """It asks for another try, and is told once until its text changes."""
        world = World(WEB)
        for text in ("down", "down", "still down"):
            world.sink.fail["register"] = TemporaryError(text)
            assert world.cycle().retry
        assert [e.error for e in world.heard.of(ChangeFailed)] == ["down", "still down"]
        world.sink.fail.clear()
        assert world.cycle().applied == 1

    def test_an_error_is_told_again_after_a_success(self):
        """The same failure later is news."""
        world = World(WEB)
        for _ in range(2):
            world.sink.fail["register"] = TemporaryError("down")
            world.cycle()
            world.sink.fail.clear()
            world.cycle()
            world.sink.store.clear()
        assert len(world.heard.of(ChangeFailed)) == 2

    def test_an_error_is_told_again_when_its_change_was_not_wanted_in_between(self):
        """What failed and went away is forgotten."""
        world = World(WEB)
        world.sink.fail["register"] = TemporaryError("down")
        for _ in range(2):
            world.source.put(WEB)
            world.cycle()
            world.source.clear()
            world.cycle()
        assert len(world.heard.of(ChangeFailed)) == 2

    def test_an_unexpected_error_counts_as_temporary_and_shows_where_it_came_from(self):
        """A plugin's mistake is tried again, and told with its traceback."""
        world = World(WEB)
        world.sink.fail["register"] = KeyError("bug")
        assert world.cycle().retry
        (failed,) = world.heard.of(ChangeFailed)
        assert failed.error.startswith("KeyError: 'bug'")
        assert "fakes.py" in failed.error
        assert not failed.permanent

    def test_an_exception_out_of_apply_counts_for_all_that_is_left(self):
        """What was done before it is kept; removals are still tried."""

        class Bursting(FakeSink):
            burst = False

            def apply(self, changes):
                if not self.burst or isinstance(changes[0], Deregister):
                    yield from super().apply(changes)
                    return
                yield self.attempt(changes[0])
                raise TemporaryError("the connection broke")

        world = World(WEB, sink=Bursting())
        world.cycle()
        world.sink.burst = True
        world.source.remove(WEB.id)
        world.source.put(*(workload(f"w{n}") for n in range(3)))
        report = world.cycle()
        assert set(report.failed.values()) == {"the connection broke"}
        assert (len(report.failed), report.applied, report.retry) == (2, 2, True)
        assert world.sink.ids() == {"h:w0:80"}
        world.sink.burst = False
        world.cycle()
        assert len(world.sink.ids()) == 3

    def test_a_change_that_the_sink_says_nothing_about_failed(self):
        """A sink that forgets a change does not make it look done."""

        class Silent(FakeSink):
            def apply(self, changes):
                yield from super().apply(changes[1:])

        world = World(WEB, API, sink=Silent())
        report = world.cycle()
        assert (report.applied, set(report.failed)) == (1, {WEB_ID})
        assert report.retry
        assert "did not report" in report.failed[WEB_ID]

    def test_a_conflict_is_decided_by_a_fresh_read(self):
        """Somebody else was first: what they wrote is seen, and left to them."""
        world = World(WEB)
        world.cycle(relist=False)
        world.sink.store.put(held(WEB_ID, owner="other"), None)
        report = world.cycle(fresh=False)
        assert report.retry
        assert set(report.failed) == {WEB_ID}
        report = world.cycle(fresh=False)
        assert skips(report.plan) == {WEB_ID: "conflict"}
        assert world.sink.store.all()[0].mark.owner == "other"

    def test_a_conflict_is_not_a_refusal(self):
        """After a conflict the same content is written again, on the new version."""
        world = World(WEB)
        world.cycle()
        stored = world.sink.store.all()[0]
        world.sink.store.put(attrs.evolve(stored), stored.version)
        world.source.put(workload("web", port=90))
        assert set(world.cycle(fresh=False).failed) == {WEB_ID}
        assert world.cycle(fresh=False).applied == 1

    def test_after_any_error_the_sink_is_read_afresh(self):
        """What a failed write left behind is looked at, not guessed."""
        world = World(WEB)
        world.sink.fail["register"] = TemporaryError("the answer was lost")
        world.cycle()
        world.sink.fail.clear()
        world.sink.log.clear()
        world.cycle(fresh=False)
        assert world.sink.log[0] == ("registrations", "")

    def test_a_sink_that_cannot_be_read_is_not_written(self):
        """The error comes out, and what was known before is not acted on."""
        world = World(WEB)
        world.cycle()
        world.source.put(API)
        world.sink.fail["registrations"] = TemporaryError("down")
        for fresh in (True, False):
            with pytest.raises(TemporaryError):
                world.cycle(fresh=fresh)
        assert len(world.sink.writes()) == 1
        world.sink.fail.clear()
        world.cycle(fresh=False)
        assert world.sink.ids() == {WEB_ID, API_ID}


class TestDrift:
    """The registry strays though what is wanted did not change."""

    @pytest.mark.parametrize("how", ["lost", "edited", "damaged"])
    def test_it_is_put_right_and_flagged(self, how):
        """What others removed or edited is written again, and told as drift."""
        world = World(WEB)
        world.cycle()
        (kept,) = world.sink.store.all()
        if how == "lost":
            world.sink.store.clear()
        elif how == "edited":
            edited = attrs.evolve(kept, instance=attrs.evolve(kept.instance, tags=("hacked",)))
            world.sink.store.put(edited, kept.version)
        else:
            damaged = attrs.evolve(kept, damaged="check gone")
            world.sink.registrations = lambda: View([damaged])
        report = world.cycle()
        assert report.applied == 1
        assert [e.drift for e in world.heard.of(ChangeApplied)] == [False, True]
        assert world.sink.store.all()[0].instance == kept.instance

    def test_what_we_change_is_no_drift(self):
        """New, changed and removed instances are none."""
        world = World(WEB)
        world.cycle()
        world.source.put(workload("web", port=90))
        world.cycle()
        world.source.clear()
        world.cycle()
        assert [e.drift for e in world.heard.of(ChangeApplied)] == [False] * 3

    def test_what_others_removed_while_it_was_not_wanted_is_no_drift(self):
        """A workload that comes back later is new, though this process wrote it once."""
        world = World(WEB)
        world.cycle()
        world.source.clear()
        world.sink.store.clear()
        world.cycle()
        world.source.put(WEB)
        world.cycle()
        assert [e.drift for e in world.heard.of(ChangeApplied)] == [False, False]


class TestListingsThatLag:
    """A sink whose listings may be older than our own writes."""

    class Lagging(FakeSink):
        stale_for = timedelta(seconds=30)
        shown = ()

        def registrations(self):
            self._note("registrations", "")
            return View(self.shown)

    def test_what_the_listing_misses_is_not_written_twice(self):
        """Before a change each id is asked for afresh."""
        world = World(WEB, sink=self.Lagging())
        world.cycle()
        assert world.sink.writes() == [("register", WEB_ID)]
        for _ in range(3):
            assert world.cycle().plan.unchanged == 1
        assert len(world.sink.writes()) == 1
        assert world.sink.log.count(("registration", WEB_ID)) == 4

    def test_what_the_listing_still_shows_is_not_removed_twice(self):
        """A removal of ours that the listing does not know yet is not repeated."""
        world = World(WEB, sink=self.Lagging())
        world.cycle()
        world.sink.shown = world.sink.store.all()
        world.source.clear()
        world.cycle()
        assert world.sink.ids() == set()
        before = len(world.sink.writes())
        report = world.cycle()
        assert report.plan.changes == ()
        assert len(world.sink.writes()) == before

    def test_what_a_listing_shows_late_is_kept_alive_as_it_is(self):
        """While it is asked for afresh, too: what was just written is, what was removed is not."""
        world = World(WEB, API, sink=self.Lagging())
        world.cycle()
        world.sink.shown = world.sink.store.all()
        world.source.remove(API.id)
        world.source.put(workload("new"))
        world.cycle()
        seen, ask = [], world.sink.registration

        def registration(id_):
            seen.append({one.id for one in world.reconciler.alive()})
            return ask(id_)

        world.sink.registration = registration
        world.cycle()
        assert len(seen) == 2
        assert all(ids == {WEB_ID, "h:new:80"} for ids in seen)

    def test_an_idle_cycle_asks_nothing_more(self):
        """Without a change due no id is asked for."""
        world = World(WEB, sink=self.Lagging())
        world.cycle()
        world.sink.shown = world.sink.store.all()
        world.sink.log.clear()
        world.cycle()
        assert world.sink.log == [("registrations", "")]

    def test_an_id_that_may_not_be_read_costs_no_other(self):
        """One refused question holds one change, however often it is asked."""
        world = World(WEB, API, sink=self.Lagging())
        world.sink.fail["registration", WEB_ID] = PermanentError("no right")
        for _ in range(3):
            assert skips(world.cycle().plan) == {WEB_ID: "unclear"}
            assert world.sink.ids() == {API_ID}


class TestIncompleteSink:
    """A sink that shows only part of what it holds."""

    class Partial(FakeSink):
        hidden = frozenset()

        def registrations(self):
            self._note("registrations", "")
            shown = [r for r in self.store.all() if r.id not in self.hidden]
            return View(shown, complete=False)

    def test_what_was_written_and_is_hidden_is_not_written_again(self):
        """This process remembers what it wrote."""
        world = World(WEB, sink=self.Partial())
        world.cycle()
        world.sink.hidden = {WEB_ID}
        assert skips(world.cycle().plan) == {WEB_ID: "hidden"}
        assert len(world.sink.writes()) == 1

    def test_it_is_remembered_while_nothing_wants_it(self):
        """What is hidden may still be there when it is wanted again."""
        world = World(WEB, sink=self.Partial())
        world.cycle()
        world.sink.hidden = {WEB_ID}
        world.source.clear()
        world.cycle()
        world.source.put(WEB)
        assert skips(world.cycle().plan) == {WEB_ID: "hidden"}


class TestTelling:
    """Events: news only."""

    def test_a_skip_is_told_once(self):
        """What is held back is told when it begins, and again only after it ended."""
        world = World(WEB)
        world.sink.store.put(held(WEB_ID, owner="other"), None)
        for _ in range(3):
            world.cycle()
        assert len(world.heard.of(SkipsChanged)) == 1
        world.sink.store.clear()
        world.cycle()
        world.sink.store.clear()
        world.sink.store.put(held(WEB_ID, owner="other"), None)
        world.cycle()
        assert len(world.heard.of(SkipsChanged)) == 2

    def test_problems_name_the_sink(self):
        """A problem that only one sink has says which."""

        class Picky(FakeSink):
            def adjust(self, instance):
                return attrs.evolve(instance, problems=("no tags here",))

        world = World(WEB, sink=Picky())
        world.cycle()
        assert world.heard.of(ProblemsFound) == [
            ProblemsFound(
                source=SOURCE, workload="web", problems=(f"sink memory: {WEB_ID}: no tags here",)
            )
        ]

    def test_the_length_of_a_cycle_is_told(self):
        """`seconds` is by the clock handed in."""
        world = World(WEB)
        world.sink.adjust = lambda i: (world.clock.advance(2), i)[1]
        assert world.cycle().seconds == 2


class _ByName(FakeSource):
    """Finds a workload by its name, where none has this id, as a Docker engine does."""

    def workload(self, id):
        named = (one for one in self.world.values() if one.name == id)
        return super().workload(id) or next(named, None)


class TestHeld:
    """What the pulse keeps alive."""

    class Pulsing(FakeSink):
        pulse = timedelta(seconds=10)

    def test_what_is_ours_is_held(self):
        """Foreign registrations are others' to renew."""
        world = World(WEB, sink=self.Pulsing())
        world.sink.store.put(held("x", owner="other"), None)
        world.cycle()
        assert [r.id for r in world.reconciler.alive()] == [WEB_ID]

    def test_what_was_there_before_is_held_before_the_source_has_listed(self):
        """A restart while the source is down lets no lease run out."""
        world = World(WEB, sink=self.Pulsing())
        world.sink.store.put(held("old"), None)
        world.source.failure = TemporaryError("down")
        with pytest.raises(TemporaryError):
            world.tracker.relist()
        world.tracker.note_failure("down")
        world.cycle(relist=False)
        assert [r.id for r in world.reconciler.alive()] == ["old"]

    @pytest.mark.parametrize("operation", ["update", "deregister"])
    def test_what_stands_is_held_while_the_first_cycle_writes(self, operation):
        """However long that takes: what a process before it left runs out meanwhile."""
        world = World(WEB, sink=self.Pulsing())
        world.cycle()
        after = World(sink=world.sink)
        after.source.put(UPDATED if operation == "update" else API)
        seen, write = [], getattr(world.sink, operation)

        def noted(*about):
            seen.append({r.id for r in after.reconciler.alive()})
            return write(*about)

        setattr(world.sink, operation, noted)
        after.cycle()
        after.cycle()
        assert seen
        assert all(WEB_ID in ids for ids in seen)

    def test_what_could_not_be_removed_is_held_on(self):
        """Until its removal has succeeded it is kept alive."""
        world = World(WEB, sink=self.Pulsing())
        world.cycle()
        world.source.clear()
        world.sink.fail["deregister"] = TemporaryError("down")
        world.cycle()
        assert [r.id for r in world.reconciler.alive()] == [WEB_ID]
        world.sink.fail.clear()
        world.cycle()
        assert world.reconciler.alive() == ()

    def test_a_cycle_that_fails_changes_nothing(self):
        """While the sink cannot be read, what was held is held on."""
        world = World(WEB, sink=self.Pulsing())
        world.cycle()
        world.sink.fail["registrations"] = TemporaryError("down")
        with pytest.raises(TemporaryError):
            world.cycle()
        assert [r.id for r in world.reconciler.alive()] == [WEB_ID]


class TestRelease:
    """Removing what is ours whatever the sources say."""

    def test_only_ours_goes(self):
        """Our owner's mark is needed, and what the caller asks for."""
        world = World(WEB, API)
        world.cycle()
        world.sink.store.put(held("x", owner="other"), None)
        assert {r.id for r in world.reconciler.owned(lambda r: True)} == {WEB_ID, API_ID}
        report = world.reconciler.release(lambda r: r.id == WEB_ID)
        assert world.sink.ids() == {API_ID, "x"}
        assert [c.reason for c in report.plan.changes] == [Reason.PURGED]

    def test_what_was_read_ahead_is_not_enough(self):
        """What was written since goes too."""
        world = World(WEB)
        world.sink.reads_beside = True
        world.cycle()
        assert world.reconciler.reading.begin()
        world.reconciler.reading.read_ahead()
        world.sink.store.put(held("since"), None)
        world.reconciler.release(lambda r: True)
        assert world.sink.ids() == set()

    def test_ours_is_by_owner_and_scope(self):
        """Another host's registrations with the same owner are not ours to release at exit."""
        world = World(WEB)
        world.cycle()
        world.sink.store.put(held("y", scope="other-host"), None)
        world.reconciler.release(world.reconciler.manages)
        assert world.sink.ids() == {"y"}

    def test_what_fails_is_in_the_report(self):
        """The rest goes."""
        world = World(WEB, API)
        world.cycle()
        world.sink.fail["deregister", WEB_ID] = TemporaryError("no")
        report = world.reconciler.release(lambda r: True)
        assert (report.applied, set(report.failed)) == (1, {WEB_ID})


def test_memory_does_not_grow_with_what_came_and_went():
    """Ids that nobody wants and nobody holds are forgotten, however they went."""
    world = World()
    for n in range(60):
        world.source.clear()
        world.source.put(workload(f"w{n}"))
        world.sink.fail = {"register": TemporaryError("x")} if n % 3 == 0 else {}
        world.cycle()
        if n % 3 == 1:
            world.sink.store.clear()
    kept = world.reconciler
    state, told = kept._state, kept._reporter
    sizes = [len(state._written), len(told._errors), len(state.entries), len(told._skips)]
    assert max(sizes) <= 2, sizes
    assert len(kept._writer._refusals._refused) + len(kept._guard._seen) <= 1
