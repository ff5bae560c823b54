"""The engine as embedding programs use it."""

import threading
import time
from datetime import timedelta

import attrs
import pytest
from fakes import FakeSink, FakeSource, Heard, World, exited, held, offer, skips, workload

from syncer import (
    ConfigError,
    Deregister,
    Parsed,
    PermanentError,
    Plan,
    Reason,
    Register,
    Sink,
    SyncerError,
    TemporaryError,
    Update,
)
from syncer.desired.addresses import AddressRules
from syncer.desired.filters import Filter
from syncer.engine.engine import Engine
from syncer.engine.parts import SinkPart, SourcePart
from syncer.engine.queries import plan_digest
from syncer.events import CycleFinished, LeaseLost, LoopFailed
from syncer.plan.guard import PAUSE
from syncer.plugin.builtin.memory import MemorySink
from syncer.testing import FaultySink, ManualClock, wait_until

WEB = workload("web")


class Parts:
    """A source, a sink, and an engine over both."""

    def __init__(self, *workloads, **fields):
        self.source = FakeSource(*workloads)
        self.store_sink = MemorySink()
        self.sink = FaultySink(self.store_sink)
        self.heard = Heard()
        self.engine = Engine(
            {"docker": self.source}, {"memory": self.sink}, listeners=[self.heard], **fields
        )

    def ids(self):
        return {registration.id for registration in self.store_sink.store.all()}


class TestOnce:
    """One round, for a command or a program that has a clock of its own."""

    def test_reconcile_writes_what_runs(self):
        """All sources are listed and all sinks made equal; a second round does nothing."""
        parts = Parts(WEB, workload("api"))
        reports = parts.engine.reconcile()
        assert list(reports) == ["memory"]
        assert len(reports) == 1
        assert reports["memory"].applied == 2
        assert parts.ids() == {"h:web:80", "h:api:80"}
        assert parts.engine.reconcile()["memory"].applied == 0
        assert not reports.errors

    def test_plan_shows_and_does_nothing(self):
        """The plan is what the next round would change."""
        parts = Parts(WEB)
        plans = parts.engine.plan()
        assert [type(change) for change in plans["memory"].changes] == [Register]
        assert parts.ids() == set()
        assert sum(parts.sink.calls[name] for name in ("register", "update", "deregister")) == 0

    def test_only_the_plan_that_was_seen_is_carried_out(self):
        """With the digest of a plan, another plan is refused and nothing is done."""
        parts = Parts(WEB)
        digest = plan_digest(parts.engine.plan())
        parts.source.put(workload("late"))
        with pytest.raises(SyncerError, match=digest):
            parts.engine.reconcile(digest)
        assert parts.ids() == set()
        parts.source.remove("late-1")
        parts.engine.reconcile(digest)
        assert parts.ids() == {"h:web:80"}

    def test_a_source_without_an_answer_removes_nothing(self):
        """Its error is returned and told, and the sink's round goes on."""
        parts = Parts(WEB)
        parts.engine.reconcile()
        parts.source.clear()
        parts.source.failure = TemporaryError("down")
        parts.store_sink.store.put(held("old", workload="gone"), None)
        reports = parts.engine.reconcile()
        assert dict(reports.errors) == {"source docker": "down"}
        assert reports["memory"].applied == 0
        assert skips(reports["memory"].plan) == {"old": "doubt"}
        assert parts.ids() == {"h:web:80", "old"}
        assert parts.heard.of(LoopFailed) == [LoopFailed(loop="source docker", error="down")]

    def test_a_sink_without_an_answer_costs_no_other(self):
        """Its error is in the place of its answer."""
        good, bad = MemorySink(), FaultySink(MemorySink())
        bad.fail("registrations", RuntimeError())
        engine = Engine({"docker": FakeSource(WEB)}, {"bad": bad, "good": good})
        reports = engine.reconcile()
        assert list(reports) == ["good"]
        assert dict(reports.errors) == {"sink bad": "RuntimeError"}
        assert len(good.store.all()) == 1

    def test_a_removal_is_held_by_the_guard_until_the_next_round(self):
        """Each round is a listing; the second one that says the same lets go."""
        clock = ManualClock()
        parts = Parts(*(workload(f"w{n}") for n in range(20)), clock=clock)
        parts.engine.reconcile()
        parts.source.clear()
        assert set(skips(parts.engine.reconcile()["memory"].plan).values()) == {"guard"}
        assert len(parts.ids()) == 20
        clock.advance(PAUSE)
        parts.engine.reconcile()
        assert parts.ids() == set()

    def test_health_is_reported_in_the_same_round(self):
        """A sink with a pulse gets one, after its cycle."""

        class Leased(MemorySink):
            pulse = Sink.stale_for
            lost = ()

            def renew(self, held):
                self.lost = held
                return held

        sink, heard = Leased(), Heard()
        engine = Engine({"docker": FakeSource(WEB)}, {"leased": sink}, listeners=[heard])
        engine.reconcile()
        assert [r.id for r in sink.lost] == ["h:web:80"]
        assert heard.of(LeaseLost)

    def test_registrations_are_all_that_a_sink_holds(self):
        """Foreign ones are shown too, without asking any source."""
        parts = Parts(WEB)
        parts.store_sink.store.put(held("x", owner="other"), None)
        assert [r.id for r in parts.engine.registrations()["memory"].items] == ["x"]
        assert parts.source.calls["workloads"] == 0


class TestParts:
    """What configuration says of sources and sinks."""

    def test_parsers_rules_and_filters_belong_to_the_source(self):
        """Each source is read by its own rules."""
        labelled = attrs.evolve(WEB, offers=None, labels={"name": "svc"})
        parsers = [("p", lambda w, ports: Parsed([offer(w.labels["name"], register_address="")]))]
        part = SourcePart(
            source=FakeSource(labelled, workload("hidden")),
            rules=AddressRules(advertise="10.9.9.9"),
            filter=Filter(exclude=["name:hid*"]),
        )
        sink = MemorySink()
        Engine({"docker": part}, {"memory": sink}, parsers=parsers).reconcile()
        (made,) = sink.store.all()
        assert (made.instance.service, made.instance.address) == ("svc", "10.9.9.9")

    def test_former_scopes_are_taken_over(self):
        """After a host was renamed its old registrations are updated or removed."""
        sink = MemorySink()
        sink.store.put(held("h:web:80", scope="old"), None)
        sink.store.put(held("gone", scope="old", workload="gone"), None)
        part = SourcePart(source=FakeSource(WEB), former_scopes=("old",))
        plan = Engine({"docker": part}, {"memory": sink}).plan()["memory"]
        assert {c.id: type(c) for c in plan.changes} == {"h:web:80": Update, "gone": Deregister}

    @pytest.mark.parametrize("former", ["its own", "*"])
    def test_former_identities_are_taken_over(self, former):
        """After an engine was installed anew what it registered before is updated or removed."""
        sink = MemorySink()
        sink.store.put(held("h:web:80", identity="its own"), None)
        sink.store.put(held("gone", identity="its own", workload="gone"), None)
        source = FakeSource(WEB, identity="new")
        plan = Engine({"docker": source}, {"memory": sink}).plan()["memory"]
        assert not plan.changes
        assert skips(plan) == {"h:web:80": "conflict", "gone": "namesake"}
        part = SourcePart(source=source, former_identities=(former,))
        plan = Engine({"docker": part}, {"memory": sink}).plan()["memory"]
        assert {c.id: type(c) for c in plan.changes} == {"h:web:80": Update, "gone": Deregister}

    def test_a_sink_may_name_its_sources(self):
        """What other sources say is nothing to it."""
        sink = MemorySink()
        sources = {"a": FakeSource(WEB), "b": FakeSource(workload("api"))}
        Engine(sources, {"memory": SinkPart(sink=sink, sources=("b",))}).reconcile()
        assert [r.id for r in sink.store.all()] == ["h:api:80"]

    def test_a_source_that_is_not_configured_is_named(self):
        """A sink that names one is an error of the configuration."""
        with pytest.raises(ConfigError, match="nope"):
            Engine({"a": FakeSource()}, {"memory": SinkPart(sink=MemorySink(), sources=("nope",))})

    def test_the_owner_is_the_users(self):
        """Two owners in one registry leave each other alone."""
        sink, source = MemorySink(), FakeSource(WEB)
        Engine({"docker": source}, {"memory": sink}, owner="blue").reconcile()
        plan = Engine({"docker": source}, {"memory": sink}, owner="green").plan()["memory"]
        assert sink.store.all()[0].mark.owner == "blue"
        assert skips(plan) == {"h:web:80": "conflict"}

    def test_a_listener_that_fails_stops_nothing(self):
        """Listeners are told one after the other, whatever each does."""

        def broken(event):
            raise RuntimeError("bug")

        heard = Heard()
        engine = Engine({"d": FakeSource(WEB)}, {"m": MemorySink()}, listeners=[broken, heard])
        assert engine.reconcile()["m"].applied == 1
        assert heard.of(CycleFinished)


class TestPurge:
    """Removing what is ours because the user says so."""

    OTHERS = frozenset(
        {"other-owner", "other-host", "other-engine", "other-engines-source", "unmarked"}
    )

    def purging(self):
        parts = Parts(WEB)
        parts.engine.reconcile()
        for registration in (
            held("stray", source="mesos"),
            held("other-owner", owner="other"),
            held("other-host", scope="b"),
            held("other-engine", identity="another"),
            held("other-engines-source", source="mesos", identity="another"),
            held("unmarked", unmarked=True),
        ):
            parts.store_sink.store.put(registration, None)
        return parts

    def test_all_of_our_owner_and_scope_goes(self):
        """Other owners, hosts and engines, and what is unmarked, stay."""
        parts = self.purging()
        assert {r.id for r in parts.engine.purgeable()["memory"]} == {"h:web:80", "stray"}
        report = parts.engine.purge()["memory"]
        assert parts.ids() == self.OTHERS
        assert {c.reason for c in report.plan.changes} == {Reason.PURGED}

    def test_one_source_can_be_named(self):
        """What came from a source that is not configured any more can be removed."""
        parts = self.purging()
        assert {r.id for r in parts.engine.purgeable("mesos")["memory"]} == {"stray"}
        report = parts.engine.purge("mesos")["memory"]
        assert parts.ids() == self.OTHERS | {"h:web:80"}
        assert (report.plan.asked, report.ours) == (1, 1), "what we still have, not what was asked"

    def test_without_a_scope_nothing_goes(self):
        """As long as no source has said its scope nothing is known to be ours."""
        parts = self.purging()
        parts.source.scope = lambda: (_ for _ in ()).throw(TemporaryError("down"))
        engine = Engine({"docker": parts.source}, {"memory": parts.sink})
        assert engine.purge().errors
        assert parts.ids() == self.OTHERS | {"h:web:80", "stray"}


class TestExplain:
    """How a workload came to be registered, or why not."""

    def test_each_instance_has_a_line_for_each_sink(self):
        """What is registered, what is to be done, and what prevents it."""
        made = workload(
            "web",
            offers=[offer("a", id="a"), offer("b", id="b"), offer("c", id="c"), offer("d", id="d")],
        )
        parts = Parts(made)
        parts.source.put(workload("other"))
        parts.engine.reconcile()
        parts.source.remove("other-1")
        store = parts.store_sink.store
        for id_ in ("b", "c", "d"):
            kept = next(r for r in store.all() if r.id == id_)
            store.drop(id_, kept.version)
        store.put(held("b", owner="other"), None)
        store.put(held("c", port=1), None)
        (story,) = parts.engine.explain("web")
        lines = story.sinks["memory"]
        assert (lines["a"], lines["c"], lines["d"]) == (
            "up to date",
            "to be updated",
            "to be registered",
        )
        assert lines["b"].startswith("conflict: this id belongs to owner 'other'")

    def test_a_workload_is_found_by_name_or_by_the_start_of_its_id(self):
        """A few characters are no start of an id."""
        parts = Parts(workload("web", number="abcdef"), workload("api"))
        assert [s.entry.workload.name for s in parts.engine.explain("web-abc")] == ["web"]
        assert [s.entry.workload.name for s in parts.engine.explain("api")] == ["api"]
        assert parts.engine.explain("we") == ()
        assert {"api", "web"} <= set(parts.engine.names())

    def test_a_workload_is_found_by_what_it_offers(self):
        """By a service, and by the whole id of an instance; also if it has stopped."""
        both = workload("shop", offers=[offer("web"), offer("metrics", port=9100, id="m/1")])
        parts = Parts(both, exited(workload("old", offers=[offer("batch")])), workload("api"))

        def found(name):
            return [story.entry.workload.name for story in parts.engine.explain(name)]

        assert found("metrics") == found("m/1") == found("h:shop:80") == ["shop"]
        assert found("batch") == ["old"]
        assert found("m/") == found("h:shop") == []
        assert {"web", "metrics", "m/1", "h:shop:80", "batch"} <= set(parts.engine.names())

    def test_what_offers_nothing_says_why(self):
        """The translation is in the story."""
        parts = Parts(exited(WEB))
        (story,) = parts.engine.explain("web")
        assert story.entry.translated.left_out == "its state is exited"
        assert story.sinks["memory"] == {}

    def test_what_no_listing_shows_is_asked_for_by_name(self):
        """A container that has ended. Nothing is asked for if a listing has it."""
        once = exited(workload("once", number="abcdef"))
        parts = Parts(WEB, once)
        parts.source.hidden.add(once.id)
        parts.source.workload = by_name(parts.source)
        (story,) = parts.engine.explain("once")
        assert [one.text for one in story.left_out] == ["its state is exited"]
        asked = [*parts.source.asked]
        assert parts.engine.explain("web")
        assert parts.engine.explain("") == ()
        assert parts.source.asked == asked == ["once"]
        assert parts.engine.explain("nobody") == ()
        parts.source.errors["nobody"] = TemporaryError("refused")
        with pytest.raises(SyncerError, match="source docker: refused"):
            parts.engine.explain("nobody")

    def test_a_source_or_sink_without_an_answer_is_named(self):
        """Without its source nothing can be explained; a sink's error is a line."""
        parts = Parts(WEB)
        parts.sink.fail("registrations", TemporaryError("no registry"))
        (story,) = parts.engine.explain("web")
        assert story.sinks == {"sink memory": {"": "no registry"}}
        parts.source.failure = TemporaryError("no engine")
        with pytest.raises(SyncerError, match="source docker: no engine"):
            parts.engine.explain("web")


def by_name(source):
    """Let a source find single workloads by their names, too, as an engine does."""
    ask = source.workload

    def workload(name):
        ask(name)
        return next((one for one in source.world.values() if name in (one.id, one.name)), None)

    return workload


class TestRunning:
    """Threads from start to stop."""

    def test_it_keeps_the_sink_equal_until_the_block_ends(self):
        """Registrations stay when it ends, parts are closed, and no thread is left."""
        others = set(threading.enumerate())
        parts = Parts(WEB)
        with parts.engine:
            wait_until(lambda: parts.ids() == {"h:web:80"})
            parts.source.put(workload("api"))
            wait_until(lambda: parts.ids() == {"h:web:80", "h:api:80"})
            parts.store_sink.store.clear()
            parts.engine.refresh()
            wait_until(lambda: parts.ids() == {"h:web:80", "h:api:80"})
        assert parts.ids() == {"h:web:80", "h:api:80"}
        assert (parts.source.calls["close"], parts.sink.calls["close"]) == (1, 1)
        new = set(threading.enumerate()) - others
        assert not [thread for thread in new if thread.name.startswith("syncer ")]

    def test_a_watch_that_ends_slowly_is_waited_for(self):
        """Stopping returns when the watches have ended too, within a second."""

        class Slow(FakeSource):
            closing = threading.Event()
            ended = False

            def watch(self, wake, stop):
                self.closing.wait(30)
                threading.Event().wait(0.1)
                self.ended = True

            def close(self):
                self.closing.set()

        source = Slow(WEB)
        with Engine({"docker": source}, {"memory": MemorySink()}):
            pass
        assert source.ended

    def test_it_stops_once(self):
        """A second stop does nothing; without a start there is nothing to end."""
        parts = Parts()
        assert parts.engine.stop()
        assert parts.engine.stop()
        assert parts.source.calls["close"] == 1

    def test_it_starts_once(self):
        """Two sets of threads would work against each other."""
        parts = Parts()
        with parts.engine, pytest.raises(SyncerError, match="started before"):
            parts.engine.start()

    def test_one_shot_questions_are_refused_while_it_runs(self):
        """A source and a sink are each asked from one thread."""
        parts = Parts(WEB)
        with parts.engine:
            wait_until(lambda: parts.ids() == {"h:web:80"})
            for ask in ("reconcile", "plan", "purge", "purgeable", "registrations"):
                with pytest.raises(SyncerError, match=r"while the engine runs, .*: use now\(\)"):
                    getattr(parts.engine, ask)()
            with pytest.raises(SyncerError, match=r"while the engine runs, .*: use now\(\)"):
                parts.engine.explain("web")

    def test_refreshing_what_does_not_run_does_nothing(self):
        """There is nobody to look again."""
        parts = Parts(WEB)
        parts.engine.refresh()
        assert parts.source.calls["workloads"] == 0

    def test_own_registrations_go_at_the_end_if_asked_for(self):
        """With `deregister` what is ours here goes; nobody else's does."""
        parts = Parts(WEB, on_exit="deregister")
        for registration in (held("o", owner="other"), held("s", scope="b")):
            parts.store_sink.store.put(registration, None)
        with parts.engine:
            wait_until(lambda: "h:web:80" in parts.ids())
        assert parts.ids() == {"o", "s"}

    def test_releasing_many_at_the_end_does_not_take_the_square_of_them(self):
        """What is ours is worked out once, not for each registration."""
        parts = Parts(*(workload(f"w{n}") for n in range(400)), on_exit="deregister")
        with parts.engine:
            wait_until(lambda: len(parts.ids()) == 400)
            tracker = parts.engine._trackers["docker"]
            snapshots, ask = [], tracker.snapshot
            tracker.snapshot = lambda: snapshots.append(1) or ask()
        assert parts.ids() == set()
        assert len(snapshots) < 10

    def test_what_hangs_does_not_hold_the_stop_up(self):
        """It reports that not all has ended, and everything is closed nevertheless."""
        parts = Parts(WEB, shutdown_timeout=0.05, on_exit="deregister")
        parts.engine.start()
        wait_until(lambda: parts.ids())
        parts.sink.hang("register")
        parts.source.put(workload("more"))
        wait_until(lambda: parts.sink.calls["register"] == 2)
        read = parts.sink.calls["registrations"]
        assert parts.engine.stop() is False
        assert parts.sink.calls["registrations"] == read, "a sink in use is used by nobody else"
        assert "h:web:80" in parts.ids()
        assert parts.sink.calls["close"] == 1

    def test_a_part_that_cannot_be_closed_costs_no_other(self):
        """The error is reported, the rest is closed."""
        parts = Parts()

        def broken():
            raise PermanentError("no")

        parts.source.close = broken
        assert parts.engine.stop()
        assert parts.sink.calls["close"] == 1
        assert parts.heard.of(LoopFailed) == [LoopFailed(loop="close source docker", error="no")]

    def test_stopping_and_starting_again_writes_nothing(self):
        """The registry is the only memory: a new process recognises what the old one wrote."""
        source, sink = FakeSource(WEB), MemorySink()
        first = FaultySink(sink)
        with Engine({"docker": source}, {"memory": first}):
            wait_until(lambda: sink.store.all())
        second, heard = FaultySink(sink), Heard()
        with Engine({"docker": source}, {"memory": second}, listeners=[heard]):
            wait_until(lambda: any(e.plan.unchanged for e in heard.of(CycleFinished)))
        assert second.calls["register"] + second.calls["update"] + second.calls["deregister"] == 0


class TestHandingOver:
    """Another engine in the place of one that runs."""

    def test_it_is_called_when_nothing_is_written_any_more(self):
        """What is registered stays, whatever is to become of it at the end."""
        source, store = FakeSource(WEB), MemorySink().store
        sink = FaultySink(MemorySink(store))
        first = Engine({"docker": source}, {"memory": sink}, on_exit="deregister")
        other = Engine({"docker": source}, {"memory": MemorySink(store)})
        first.start()
        wait_until(lambda: store.all(), 30)
        seen = []

        def hand_over():
            seen.append(len(store.all()))
            other.take_over(first, ["docker"])
            other.start()
            return True

        assert first.stop(hand_over)
        assert seen == [1]
        assert sink.calls["deregister"] == 0
        assert source.calls["close"] == 1
        source.put(workload("more"))
        wait_until(lambda: len(store.all()) == 2, 30)
        assert other.stop()
        assert len(store.all()) == 2

    def test_what_hangs_writes_nothing_beside_the_other(self):
        """The running change may still be made, those after it are not."""
        parts = Parts(WEB, shutdown_timeout=0.05)
        parts.engine.start()
        wait_until(parts.ids, 30)
        go_on = parts.sink.hang("register")
        parts.source.put(workload("a"), workload("b"), workload("c"))
        parts.engine.refresh()
        wait_until(lambda: parts.sink.calls["register"] == 2, 30)
        assert parts.engine.stop(lambda: True) is False
        go_on()
        wait_until(lambda: not parts.engine.busy(), 30)
        assert parts.sink.calls["register"] == 2
        assert len(parts.ids()) == 2

    def test_one_that_is_not_taken_over_ends_as_it_should(self):
        """The hand-over may be refused."""
        parts = Parts(WEB, on_exit="deregister")
        parts.engine.start()
        wait_until(parts.ids, 30)
        assert parts.engine.stop(lambda: False)
        assert parts.ids() == set()

    def test_what_is_known_is_renewed_before_anybody_answers(self):
        """Of a source that is away; and nothing of it is removed."""

        class Leased(MemorySink):
            pulse = timedelta(seconds=0.05)
            held = ()

            def renew(self, held):
                self.held = held
                return ()

        away = FakeSource()
        away.failure = TemporaryError("down")
        away.scope = away.workloads  # fails too
        store, source, heard = MemorySink().store, FakeSource(WEB), Heard()
        first = Engine({"docker": source}, {"memory": Leased(store)})
        second = Leased(store)
        other = Engine({"docker": away}, {"memory": second}, listeners=[heard])
        first.start()
        wait_until(lambda: store.all(), 30)

        def hand_over():
            other.take_over(first, ["docker"])
            other.start()
            return True

        first.stop(hand_over)
        wait_until(lambda: [r.id for r in second.held] == ["h:web:80"], 30)
        assert heard.of(LoopFailed)[0].error == "down"
        other.stop()
        assert [r.id for r in store.all()] == ["h:web:80"]

    @pytest.mark.parametrize(("equal", "told"), [(("docker",), True), ((), False)])
    def test_a_sink_learns_from_its_former(self, equal, told):
        """What no listing tells; unless a source is gone, whose entries are to run out."""

        class Learning(MemorySink):
            former = None

            def take_over(self, former):
                self.former = former

        first, second = Learning(), Learning()
        former = Engine({"docker": FakeSource(WEB)}, {"memory": first})
        other = Engine({"docker": FakeSource(WEB)}, {"memory": second})
        other.take_over(former, equal, ["memory"])
        assert second.former is (first if told else None)

    def test_a_sink_that_cannot_learn(self):
        """It begins as after a restart, which is reported."""

        class Broken(MemorySink):
            def take_over(self, former):
                raise TemporaryError("forgotten")

        heard = Heard()
        former = Engine({"docker": FakeSource(WEB)}, {"memory": Broken()})
        other = Engine({"docker": FakeSource(WEB)}, {"memory": Broken()}, listeners=[heard])
        other.take_over(former, ["docker"], ["memory"])
        assert heard.of(LoopFailed) == [LoopFailed(loop="sink memory", error="forgotten")]

    def test_ended_before_its_first_cycle(self):
        """What is to go at the end goes: it is known whose it is."""
        former = World(WEB)
        former.cycle()
        other = World(WEB, sink=FakeSink(former.sink.store))
        other.tracker.take_over(former.tracker)
        assert other.reconciler.release(other.reconciler.manages).applied == 1
        assert other.sink.ids() == set()

    def test_busy_only_while_it_works(self):
        """A sink that hangs is named; so is what it came to."""
        parts = Parts(WEB)
        assert parts.engine.busy() == {}
        go_on = parts.sink.hang("registrations")
        parts.engine.start()
        wait_until(lambda: "sink memory" in parts.engine.busy(), 30)
        go_on()
        wait_until(parts.ids, 30)
        parts.engine.stop()
        assert parts.engine.busy() == {}


def test_the_digest_is_over_all_sinks():
    """The same changes in another sink are another plan."""
    change = Plan(changes=(Register(held()),))
    assert plan_digest({"a": change, "b": Plan()}) != plan_digest({"a": Plan(), "b": change})
    assert plan_digest({"a": change, "b": Plan()}) == plan_digest({"b": Plan(), "a": change})


def test_the_clock_is_handed_to_all_parts():
    """With a clock that does not move neither do the times of the guard and the cycles."""
    clock = ManualClock(time.monotonic())
    parts = Parts(WEB, clock=clock)
    assert parts.engine.reconcile()["memory"].seconds == 0
