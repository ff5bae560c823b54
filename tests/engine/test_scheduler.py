"""When to run: intervals, wakes, back-off, and the order of stopping."""

import threading
import time
from datetime import timedelta
from types import SimpleNamespace

import pytest
from fakes import FakeSource, Heard, held, tracker, workload

from servers.waiting import holds_for
from syncer import (
    CheckKey,
    CheckResult,
    CheckStatus,
    Host,
    Offer,
    PermanentError,
    Plan,
    TemporaryError,
)
from syncer.desired.tracker import Desired
from syncer.engine import scheduler
from syncer.engine.cycle.reading import ReadState
from syncer.engine.cycle.reconcile import Reconciler, SinkPart
from syncer.engine.cycle.reporter import CycleReport
from syncer.engine.loops import Trigger
from syncer.engine.pulse import Pulse
from syncer.engine.scheduler import (
    COALESCE,
    GUARD_PAUSE,
    LOOK_AGAIN,
    STEADY,
    WATCH_PAUSE,
    Scheduler,
    SinkWork,
    SourceWork,
    WatchWork,
)
from syncer.events import (
    CycleFinished,
    LeaseLost,
    LoopFailed,
    LoopRecovered,
    PulseBeaten,
    SourceListed,
)
from syncer.plan.guard import GuardRules
from syncer.plugin.builtin.memory import MemorySink
from syncer.testing import FaultySink, ManualClock, wait_until

HOUR = 3600.0
DESIRED, EVERYTHING = frozenset({Trigger.DESIRED}), frozenset({Trigger.EVERYTHING})
READ = frozenset({Trigger.READ})
NONE = frozenset()


#: What others left behind in this process is no concern of these tests.
_BEFORE = set()


def threads():
    """The threads of syncer that these tests started and that are alive."""
    alive = [thread for thread in threading.enumerate() if thread.name.startswith("syncer ")]
    return [thread for thread in alive if thread not in _BEFORE]


class Running:
    """A daemon over fake sources and sinks; ended by its fixture."""

    def __init__(self, sources, sinks, *, interval=HOUR, guard=None):
        self.heard = Heard()
        self.sources, self.sinks = sources, sinks
        self.trackers = {
            name: tracker(source, name=name, emit=self.heard, clock=time.monotonic)
            for name, source in sources.items()
        }
        desired = Desired(self.trackers)
        self.reconcilers = [
            Reconciler(
                name,
                SinkPart(sink=sink),
                desired,
                owner="syncer",
                guard=guard or GuardRules(),
                emit=self.heard,
                clock=time.monotonic,
            )
            for name, sink in sinks.items()
        ]
        self.scheduler = Scheduler(
            tuple(self.trackers.values()), self.reconcilers, interval=interval, emit=self.heard
        )

    def cycles(self, sink="memory"):
        return [event for event in self.heard.of(CycleFinished) if event.sink == sink]

    def failing(self):
        return {event.loop for event in self.heard.of(LoopFailed)}

    def settle(self, *sinks):
        """Wait until all has started: each source listed twice, each sink ran twice.

        The second listing is for the watch, which begins to listen after the first; the
        second cycle is for the first listing.
        """
        wait_until(
            lambda: all(source.calls["workloads"] >= 2 for source in self.sources.values()),
            what="two listings",
        )
        for sink in sinks or self.sinks:
            wait_until(lambda sink=sink: len(self.cycles(sink)) >= 2, what=f"two cycles of {sink}")

    def end(self, timeout=10.0):
        ended = self.scheduler.finish(timeout)
        for part in (*self.sources.values(), *self.sinks.values()):
            part.close()
        return ended and self.scheduler.join_watches(10.0)


@pytest.fixture
def run():
    """Starts daemons, and ends them after the test with nothing left over."""
    _BEFORE.update(threads())
    running = []

    def run(sources, sinks, **fields):
        made = Running(sources, sinks, **fields)
        running.append(made)
        made.scheduler.start()
        return made

    yield run
    for made in running:
        for sink in made.sinks.values():
            sink.heal()
        made.end()
    wait_until(lambda: not threads(), what="the end of all threads")


@pytest.fixture
def one(run):
    """One source with one workload, and one sink, settled."""
    source, sink = FakeSource(workload("web")), FaultySink(MemorySink())
    made = run({"docker": source}, {"memory": sink})
    made.settle()
    return made, source, sink


def ids(sink):
    return {registration.id for registration in sink.inner.store.all()}


def registered(sink, *names):
    expected = {f"h:{name}:80" for name in names}
    wait_until(lambda: ids(sink) == expected, what=f"{expected}, not {ids(sink)}")


class TestCredentials:
    """Other credentials: what failed with the old ones is tried again at once, not in an hour."""

    @pytest.fixture
    def using(self, run):
        """Starts a source and a sink that tell these credentials."""

        def using(credentials):
            source, sink = FakeSource(workload("web")), FaultySink(MemorySink())
            source.credentials = sink.inner.credentials = lambda: credentials["now"]
            return run({"docker": source}, {"memory": sink}), source, sink

        return using

    def test_what_was_refused(self, using):
        """The registry refused an entry; the new token may write it."""
        credentials = {"now": 1}
        made, _, sink = using(credentials)
        made.settle()
        sink.fail("register", PermanentError("not allowed"))
        made.sources["docker"].put(workload("a"))
        wait_until(lambda: sink.calls["register"] >= 2, what="a refusal")
        sink.heal()
        holds_for(lambda: ids(sink) == {"h:web:80"}, 0.3, "nothing new")
        credentials["now"] = 2
        registered(sink, "web", "a")

    def test_a_source(self, using):
        """Its listing may have been refused, too."""
        credentials = {"now": 1}
        made, source, _ = using(credentials)
        made.settle()
        before = source.calls["workloads"]
        holds_for(lambda: source.calls["workloads"] == before, 0.3, "no listing")
        credentials["now"] = 2
        wait_until(lambda: source.calls["workloads"] > before, what="another listing")

    def test_the_same_credentials_wake_nothing(self, using, monkeypatch):
        """A look costs no reading."""
        monkeypatch.setattr("syncer.engine.credentials.LOOK", 0.01)
        made, source, sink = using({"now": 1})
        made.settle()

        def asked():
            return source.calls["workloads"], sink.calls["registrations"]

        before = asked()
        holds_for(lambda: asked() == before, 0.3, "nothing is read")


class TestWakes:
    """Something happened: look again."""

    def test_a_wake_leads_to_one_cycle(self, one):
        """One change at a source is one question and one cycle, on what the sink held."""
        made, source, sink = one
        before = sink.calls["registrations"]
        for count, name in enumerate(("a", "b", "c"), 3):
            source.put(workload(name))
            wait_until(lambda count=count: len(made.cycles()) >= count)
        assert len(made.cycles()) == 5
        assert source.calls["workload"] == 3
        assert source.calls["workloads"] == 2
        assert sink.calls["registrations"] == before
        registered(sink, "web", "a", "b", "c")

    def test_wakes_during_a_cycle_make_exactly_one_more(self, one):
        """What comes while a sink is busy is done together, right after."""
        made, source, sink = one
        go_on = sink.hang("register")
        source.put(workload("a"))
        wait_until(lambda: sink.calls["register"] == 2, what="a cycle that hangs")
        for number, name in enumerate(("b", "c", "d"), 2):
            source.put(workload(name))
            wait_until(lambda number=number: source.calls["workload"] == number)
        assert len(made.cycles()) == 2
        go_on()
        registered(sink, "web", "a", "b", "c", "d")
        wait_until(lambda: len(made.cycles()) == 4)
        source.put(workload("e"))
        wait_until(lambda: len(made.cycles()) == 5)
        assert [report.applied for report in made.cycles()[2:]] == [1, 3, 1]

    def test_refresh_looks_at_everything(self, one):
        """Every source is listed and every sink read, now."""
        made, source, sink = one
        sink.inner.store.clear()
        made.scheduler.refresh()
        wait_until(lambda: source.calls["workloads"] == 3)
        registered(sink, "web")

    def test_a_watch_that_breaks_off_begins_again(self, one):
        """Each time it listens again everything is listed: something may have been missed."""
        made, source, sink = one
        source._held.clear()
        source.put(workload("new"))
        source.break_watch()
        wait_until(lambda: source.calls["watch"] == 2)
        wait_until(lambda: source.calls["workloads"] >= 3)
        registered(sink, "new")

    def test_a_watch_that_fails_has_the_source_listed(self, one):
        """Not only at the next interval: at once it is known that the source is away."""
        made, source, _ = one
        source.failure = TemporaryError("gone")
        source.break_watch()
        wait_until(lambda: {"watch docker", "source docker"} <= made.failing())

    def test_a_wake_of_the_registry_reads_it(self, run):
        """What somebody else did there is put right at once."""

        class Watched(MemorySink):
            wake = None

            def watch(self, wake, stop):
                self.wake = wake
                stop.wait()

        source, inner = FakeSource(workload("web")), Watched()
        sink = FaultySink(inner)
        made = run({"docker": source}, {"memory": sink})
        made.settle()
        wait_until(lambda: inner.wake)
        inner.store.clear()
        inner.wake()
        registered(sink, "web")


class TestReadingAhead:
    """A sink that can be read while changes are made."""

    @pytest.fixture
    def settled(self, run):
        """One source with one workload, and such a sink, settled."""
        source, sink = FakeSource(workload("web")), FaultySink(MemorySink())
        sink.reads_beside = True
        made = run({"docker": source}, {"memory": sink})
        made.settle()
        return made, source, sink

    def test_no_wake_waits_behind_a_full_reading(self, settled):
        """A workload is registered, and another removed, while the sink is being read."""
        made, source, sink = settled
        reads, go_on = sink.calls["registrations"], sink.hang("registrations")
        made.scheduler.refresh()
        wait_until(lambda: sink.calls["registrations"] > reads, what="the reading")
        source.put(workload("db"))
        source.wake("db-1")
        registered(sink, "web", "db")
        source.remove("web-1")
        source.wake("web-1")
        registered(sink, "db")
        cycles = len(made.cycles())
        go_on()
        wait_until(lambda: len(made.cycles()) > cycles, what="a cycle on what was read")
        registered(sink, "db")
        assert not made.heard.of(LoopFailed)

    def test_a_reading_that_fails_is_a_failure_of_the_sink(self, settled):
        """It is reported and tried again, and nothing that happened meanwhile is missed."""
        made, source, sink = settled
        sink.fail("registrations", TemporaryError("down"), times=1)
        made.scheduler.refresh()
        wait_until(lambda: made.heard.of(LoopRecovered), what="the recovery")
        assert [event.loop for event in made.heard.of(LoopFailed)] == ["sink memory"]
        source.put(workload("db"))
        source.wake("db-1")
        registered(sink, "web", "db")


class TestFailures:
    """What is down delays nothing else, and is taken up again."""

    @pytest.mark.parametrize("operation", ["registrations", "register"])
    def test_a_hanging_sink_delays_no_other(self, run, operation):
        """Each sink has a thread of its own."""
        source = FakeSource(workload("web"))
        stuck, sink = FaultySink(MemorySink()), FaultySink(MemorySink())
        go_on = stuck.hang(operation)
        made = run({"docker": source}, {"stuck": stuck, "memory": sink})
        registered(sink, "web")
        wait_until(lambda: stuck.calls[operation])
        source.put(workload("more"))
        registered(sink, "web", "more")
        assert ids(stuck) == set()
        go_on()
        registered(stuck, "web", "more")
        assert made.scheduler.finish(10)

    def test_a_hanging_source_delays_no_sink(self, run):
        """Sinks work on what is known of the others."""

        class Hanging(FakeSource):
            go_on = threading.Event()

            def workloads(self):
                assert self.go_on.wait(30)
                return super().workloads()

        hanging, source = Hanging(workload("late")), FakeSource(workload("web"))
        sink = FaultySink(MemorySink())
        run({"hanging": hanging, "docker": source}, {"memory": sink})
        registered(sink, "web")
        source.put(workload("more"))
        registered(sink, "web", "more")
        hanging.go_on.set()
        registered(sink, "web", "more", "late")

    def test_a_source_that_fails_keeps_what_it_said_and_recovers(self, one):
        """Nothing is removed meanwhile; afterwards everything is listed."""
        made, source, sink = one
        source.failure = TemporaryError("down")
        source.remove("web-1")
        wait_until(lambda: made.trackers["docker"].snapshot().doubt == "no answer: down")
        wait_until(lambda: made.heard.of(LoopFailed))
        assert ids(sink) == {"h:web:80"}
        source.put(workload("new"))
        source.failure = None
        source.wake(None)
        registered(sink, "new")
        wait_until(lambda: made.heard.of(LoopRecovered))
        assert {event.loop for event in made.heard.of(LoopFailed)} == {"source docker"}

    def test_a_sink_that_fails_is_taken_up_again(self, one):
        """What could not be written is written once the registry answers."""
        made, source, sink = one
        sink.fail("registrations", TemporaryError("down"), times=1)
        made.scheduler.refresh()
        wait_until(lambda: made.heard.of(LoopFailed))
        source.put(workload("new"))
        registered(sink, "web", "new")
        wait_until(lambda: made.heard.of(LoopRecovered))

    def test_a_refused_write_is_tried_again_soon(self, one):
        """A temporary failure of one change does not wait for the interval."""
        made, source, sink = one
        sink.fail("register", TemporaryError("busy"), times=1)
        source.put(workload("new"))
        registered(sink, "web", "new")

    def test_a_start_before_anything_answers_is_no_error(self, run):
        """Neither the runtime nor the registry need be there yet."""
        source, sink = FakeSource(workload("web")), FaultySink(MemorySink())
        source.failure = TemporaryError("no engine")
        sink.fail("registrations", TemporaryError("no registry"), times=1)
        made = run({"docker": source}, {"memory": sink})
        both = {"source docker", "sink memory"}
        wait_until(lambda: {event.loop for event in made.heard.of(LoopFailed)} >= both)
        source.failure = None
        registered(sink, "web")

    def test_a_plugin_that_breaks_its_contract_ends_no_thread(self, one):
        """An exception of any kind out of any method is a failure like others."""
        made, source, sink = one
        sink.fail("registrations", SystemExit("bye"), times=1)
        source.failure = KeyError("bug")
        made.scheduler.refresh()
        wait_until(lambda: len(made.heard.of(LoopFailed)) >= 2)
        source.failure = None
        source.put(workload("new"))
        source.wake(None)
        registered(sink, "web", "new")


class TestGuard:
    """Held removals need another listing."""

    def test_a_held_plan_asks_the_sources_again(self, run, monkeypatch):
        """The listing that confirms does not wait for the interval."""
        monkeypatch.setattr(scheduler, "GUARD_PAUSE", 0.05)
        source = FakeSource(*(workload(f"w{n}") for n in range(20)))
        sink = FaultySink(MemorySink())
        made = run({"docker": source}, {"memory": sink})
        made.settle()
        source._held.clear()
        source.wake(None)
        registered(sink)
        held = [r for r in made.cycles() if any(s.kind == "guard" for s in r.plan.skipped)]
        assert held
        assert len([e for e in made.heard.of(SourceListed) if e.workloads == 0]) >= 2

    def test_a_refused_plan_asks_the_sources_no_more_than_usual(self, run, monkeypatch):
        """No listing can let it go: only the interval, or news, are a reason to list again."""
        monkeypatch.setattr(scheduler, "GUARD_PAUSE", 0.05)
        source = FakeSource(*(workload(f"w{n}") for n in range(20)))
        sink = FaultySink(MemorySink())
        made = run({"docker": source}, {"memory": sink}, guard=GuardRules(mode="refuse"))
        made.settle()
        source._held.clear()
        source.wake(None)

        def held():
            return [c for c in made.cycles() if any(s.kind == "guard" for s in c.plan.skipped)]

        # Two listings at the start, and the one that finds nothing.
        wait_until(lambda: source.calls["workloads"] == 3 and held(), what="a plan that is held")
        seen = len(held())
        made.scheduler.plan_again(frozenset({"memory"}))
        wait_until(lambda: len(held()) > seen, what="the plan is held again")
        holds_for(lambda: source.calls["workloads"] == 3, 0.5, "no listing")


class Leased(MemorySink):
    """A registry whose registrations must be renewed; it loses what the test says."""

    pulse = timedelta(hours=1)

    def __init__(self):
        super().__init__()
        self.renewed = []

    def renew(self, held):
        self.renewed.append(held)
        there = {registration.id for registration in self.store.all()}
        return [registration for registration in held if registration.id not in there]


class TestPulse:
    """What must happen on time."""

    def test_the_first_cycle_is_followed_by_a_pulse(self):
        """What a former process left is renewed at once, not after a whole period."""
        inner = Leased()
        inner.store.put(held("h:web:80", source="docker"), None)
        sink = FaultySink(inner)
        go_on = sink.hang("registrations")
        made = Running({"docker": FakeSource(workload("web"))}, {"memory": sink})
        asked, alive = [], made.reconcilers[0].alive
        made.reconcilers[0].alive = lambda: asked.append(1) or alive()
        made.scheduler.start()
        try:
            wait_until(lambda: asked, what="a pulse ahead of the first cycle")
            assert not any(inner.renewed)
            go_on()
            wait_until(lambda: any(inner.renewed), what="a renewal")
        finally:
            go_on()
            made.end()

    def test_each_pulse_is_told_with_how_late_it_was(self):
        """One that was woken is not late; after failures it is as late as the first of them."""
        clock, heard, fails = ManualClock(), [], [False]

        def renew(held):
            if fails[0]:
                raise TemporaryError("down")
            clock.advance(0.5)
            return ()

        sink = SimpleNamespace(pulse=timedelta(seconds=10), renew=renew)
        reconciler = SimpleNamespace(
            name="consul", sink=sink, alive=lambda: (held(),), results=dict
        )
        work = Pulse(reconciler, heard.append, clock=clock).work
        assert work(frozenset()) == 10.0
        clock.advance(3)  # woken ahead of its time
        work(frozenset())
        clock.advance(9.5)
        fails[0] = True
        with pytest.raises(TemporaryError):
            work(frozenset())
        clock.advance(7)
        fails[0] = False
        work(frozenset())
        told = {"sink": "consul", "held": 1, "every": 10.0, "seconds": 0.5}
        assert heard == [PulseBeaten(late=late, **told) for late in (0.0, 0.0, 7.0)]

    def test_what_was_lost_is_written_again_at_once(self, run, monkeypatch):
        """A lost lease leads to a fresh reading and a new registration."""
        monkeypatch.setattr(Leased, "pulse", timedelta(seconds=0.02))
        inner = Leased()
        sink = FaultySink(inner)
        made = run({"docker": FakeSource(workload("web"))}, {"memory": sink})
        made.settle()
        wait_until(lambda: any(inner.renewed))
        inner.store.clear()
        wait_until(lambda: made.heard.of(LeaseLost))
        registered(sink, "web")

    def test_a_pulse_goes_on_while_the_cycle_hangs(self, run, monkeypatch):
        """Renewals do not wait for a slow write."""
        monkeypatch.setattr(Leased, "pulse", timedelta(seconds=0.02))
        inner, source = Leased(), FakeSource(workload("web"))
        sink = FaultySink(inner)
        made = run({"docker": source}, {"memory": sink})
        made.settle()
        sink.hang("register")
        source.put(workload("more"))
        wait_until(lambda: sink.calls["register"] == 2)
        before = len(inner.renewed)
        wait_until(lambda: len(inner.renewed) > before + 3)

    def test_another_health_is_reported_at_once(self):
        """New results of fed checks do not wait for the next pulse."""
        reported = []

        class Reporting(Leased):
            def report(self, results):
                reported.append(dict(results))
                return ()

        made = Running({"docker": FakeSource(workload("web"))}, {"memory": Reporting()})
        results = {}
        made.reconcilers[0].results = lambda: results
        made.scheduler.start()
        try:
            made.settle()
            passing = CheckResult(status=CheckStatus.PASSING)
            results = {CheckKey("h:web:80", "container"): passing}
            made.sources["docker"].put(workload("more"))
            wait_until(lambda: results in reported, what="the report")
        finally:
            made.end()


class TestStopping:
    """The end."""

    def test_it_ends_within_its_deadline_and_leaves_no_thread(self, one):
        """Everything that waits is woken."""
        made, source, sink = one
        assert made.end()
        wait_until(lambda: not threads())
        assert ids(sink) == {"h:web:80"}

    def test_running_work_is_let_to_end(self, one):
        """A write that has begun is finished and seen."""
        made, source, sink = one
        go_on = sink.hang("register")
        source.put(workload("a"), workload("b"))
        wait_until(lambda: sink.calls["register"] == 2)
        ended = []
        stopper = threading.Thread(target=lambda: ended.append(made.scheduler.finish(30)))
        stopper.start()
        go_on()
        stopper.join(30)
        assert ended == [True]
        assert len(made.cycles()) == 3

    def test_what_is_registered_is_renewed_to_the_last(self, run):
        """While one sink still writes the others beat, until all is written."""

        class Leased(MemorySink):
            pulse = timedelta(seconds=0.02)

        slow, leased = FaultySink(MemorySink()), FaultySink(Leased())
        source = FakeSource(workload("web"))
        made = run({"docker": source}, {"slow": slow, "leased": leased})
        made.settle()
        go_on = slow.hang("register")
        source.put(workload("a"))
        wait_until(lambda: slow.calls["register"] == 2, 30)
        assert "sink slow" in made.scheduler.busy()
        ended = []
        stopper = threading.Thread(target=lambda: ended.append(made.scheduler.rest(30)))
        stopper.start()
        wait_until(lambda: not any(loop.join(0.0) for loop in made.scheduler._pulses), 30)
        before = leased.calls["renew"]
        wait_until(lambda: leased.calls["renew"] > before + 3, 30)
        go_on()
        stopper.join(30)
        assert ended == [True]
        before = leased.calls["renew"]
        wait_until(lambda: leased.calls["renew"] > before, 30)
        assert made.scheduler.finish(30)
        assert made.scheduler.busy() == {}

    def test_what_hangs_does_not_hold_the_end_up(self, one):
        """After the deadline it reports that not all has ended."""
        made, source, sink = one
        sink.hang("register")
        source.put(workload("a"))
        wait_until(lambda: sink.calls["register"] == 2)
        assert made.scheduler.finish(0.05) is False

    def test_a_daemon_in_back_off_ends_at_once(self, run):
        """A long delay after failures is cut short."""
        source, sink = FakeSource(), FaultySink(MemorySink())
        source.failure = TemporaryError("down")
        sink.fail("registrations", TemporaryError("down"))
        made = run({"docker": source}, {"memory": sink})
        wait_until(lambda: len(made.heard.of(LoopFailed)) >= 2)
        assert made.end()


class TestSourceWork:
    """What a source's loop does with its wakes."""

    def make(self, *workloads):
        self.clock, self.source, self.told = ManualClock(), FakeSource(*workloads), []
        made = tracker(self.source, clock=self.clock)
        return SourceWork(made, lambda: self.told.append(1), 30.0, self.clock)

    def test_it_lists_first_and_at_each_interval(self):
        """Without wakes it lists when it is time, and tells only news."""
        work = self.make(workload())
        delay = work(NONE)
        assert 27 <= delay <= 33
        assert len(self.told) == 1
        self.clock.advance(delay)
        assert 27 <= work(NONE) <= 33
        assert (self.source.calls["workloads"], len(self.told)) == (2, 1)

    def test_ids_are_asked_for_and_leave_the_interval_as_it_is(self):
        """A wake with an id is one question, and told if it brings news; the listing stays due."""
        work = self.make(workload())
        delay = work(NONE)
        self.clock.advance(10)
        assert work(frozenset({"web-1", "x"})) == pytest.approx(delay - 10)
        assert set(self.source.asked) == {"web-1", "x"}
        assert (self.source.calls["workloads"], len(self.told)) == (1, 1)
        self.source.put(workload(address="10.0.0.2"))
        work(frozenset({"web-1", "x"}))
        assert (self.source.calls["workloads"], len(self.told)) == (1, 2)

    def test_a_wake_without_an_id_lists(self):
        """A listing answers the ids that came with it."""
        work = self.make(workload())
        work(NONE)
        assert 27 <= work(frozenset({Trigger.EVERYTHING, "web-1"})) <= 33
        assert (self.source.calls["workloads"], self.source.asked) == (2, [])

    @pytest.mark.parametrize("wakes", [{Trigger.EVERYTHING}, {"web-1"}])
    def test_a_failure_is_made_good_by_a_listing(self, wakes):
        """After an error it is not enough to ask for some ids."""
        work = self.make(workload())
        work(NONE)
        self.source.failure = TemporaryError("down")
        with pytest.raises(TemporaryError):
            work(frozenset(wakes))
        self.source.failure = None
        work(NONE)
        assert self.source.calls["workloads"] == 2 + (Trigger.EVERYTHING in wakes)

    def test_a_missing_address_is_looked_for_without_a_listing(self):
        """While an interface has none its source is not listed, and at once when it has one."""
        work = self.make(workload(offers=(Offer(service="web", internal=False),)))
        assert work(NONE) == LOOK_AGAIN  # the host's address is not known
        for _ in range(3):
            self.clock.advance(LOOK_AGAIN)
            assert work(NONE) == LOOK_AGAIN
        assert self.source.calls["workloads"] == 1
        self.source.host = lambda: Host(name="h", default_address="10.0.0.5")
        self.told.clear()
        assert 27 <= work(NONE) <= 33
        assert (self.source.calls["workloads"], len(self.told)) == (2, 1)
        self.source.host = lambda: Host(name="h", default_address="10.0.0.6")
        work(NONE)
        assert self.source.calls["workloads"] == 2  # nothing is missing

    def test_a_wake_that_is_too_early_waits_on(self):
        """Called without a wake ahead of its time it does nothing."""
        work = self.make(workload())
        delay = work(NONE)
        self.clock.advance(1)
        assert work(NONE) == pytest.approx(delay - 1)
        assert self.source.calls["workloads"] == 1


class FakeReconciler:
    """Counts cycles, and returns the reports that the test gives."""

    def __init__(self):
        self.cycles, self.report, self.error = [], {}, None
        self.reading = SimpleNamespace(state=ReadState.IDLE)

    def cycle(self, *, fresh):
        self.cycles.append(fresh)
        if fresh:
            self.reading.state = ReadState.IDLE
        if self.error:
            raise self.error
        steering = {key: self.report.get(key, False) for key in ("again", "relist")}
        retry = self.report.get("retry", False)
        steering |= {"wait": self.report.get("wait", float("inf"))}
        return CycleReport(finished=CycleFinished(sink="s", plan=Plan(), retry=retry), **steering)


class TestSinkWork:
    """What a sink's loop does with its wakes."""

    def make(self):
        self.clock, self.reconciler, self.finished = ManualClock(), FakeReconciler(), []
        self.reads_ahead, self.begun = False, 0
        work = SinkWork(
            self.reconciler, self.finished.append, 30.0, self.clock, read_ahead=self.begin
        )
        self.delay = work(NONE)
        assert 27 <= self.delay <= 33
        return work

    def begin(self):
        """Begin to read ahead, if the sink allows that."""
        if self.reads_ahead:
            self.begun += 1
            self.reconciler.reading.state = ReadState.READING
        return self.reads_ahead

    def ready(self, work):
        """Wake the work with what was read ahead."""
        self.reconciler.reading.state = ReadState.READY
        return work(READ)

    def test_it_reads_at_each_interval(self):
        """Without wakes a cycle runs when it is time, and not before."""
        work = self.make()
        self.clock.advance(self.delay / 2)
        assert work(NONE) == pytest.approx(self.delay / 2)
        assert self.reconciler.cycles == [True]
        self.clock.advance(self.delay / 2)
        work(NONE)
        assert self.reconciler.cycles == [True, True]
        assert len(self.finished) == 2

    def test_news_of_a_source_need_no_reading(self):
        """The cycle runs at once on what is known; the next reading stays due when it was."""
        work = self.make()
        self.clock.advance(10)
        assert work(DESIRED) == pytest.approx(self.delay - 10)
        assert self.reconciler.cycles == [True, False]

    def test_wakes_of_the_registry_are_one_reading_a_second(self):
        """A registry that changes all the time is read once a second."""
        work = self.make()
        self.clock.advance(10)
        for _ in range(50):
            self.clock.advance(work(EVERYTHING) if len(self.reconciler.cycles) % 2 else 0.1)
        read = len(self.reconciler.cycles)
        assert all(self.reconciler.cycles)
        assert read <= (self.clock.now - 1000) / COALESCE + 1

    def test_a_wake_of_the_registry_soon_after_a_reading_waits(self):
        """The reading comes when the second is over, though no other wake comes."""
        work = self.make()
        self.clock.advance(0.4)
        delay = work(EVERYTHING)
        assert delay == pytest.approx(COALESCE - 0.4)
        assert self.reconciler.cycles == [True]
        self.clock.advance(delay)
        work(NONE)
        assert self.reconciler.cycles == [True, True]

    def test_a_wake_of_the_registry_later_reads_at_once(self):
        """When nothing was read within the last second there is no wait."""
        work = self.make()
        self.clock.advance(5)
        work(EVERYTHING)
        assert self.reconciler.cycles == [True, True]

    def test_news_of_a_source_do_not_wait_for_the_second(self):
        """A wake of both kinds runs a cycle now, and reads when the second is over."""
        work = self.make()
        self.clock.advance(0.4)
        assert work(DESIRED | EVERYTHING) == pytest.approx(COALESCE - 0.4)
        assert self.reconciler.cycles == [True, False]

    def test_failed_changes_are_tried_again_with_growing_delays(self):
        """What may succeed soon is tried again soon, up to every half minute."""
        work = self.make()
        self.reconciler.report = {"retry": True}
        delays = []
        for _ in range(8):
            delays.append(work(DESIRED))
            self.clock.advance(0.001)
        assert delays[0] <= 1.0
        assert max(delays) <= 30
        self.clock.advance(60)
        self.reconciler.report = {}
        assert work(NONE) > 20
        self.reconciler.report = {"retry": True}
        assert work(DESIRED) <= 1.0

    def test_a_change_that_waits_is_made_when_it_may_be(self):
        """Without a wake, and before the interval; the guard's pause may come first."""
        work = self.make()
        self.reconciler.report = {"wait": 7.0}
        assert work(DESIRED) == pytest.approx(7.0)
        self.reconciler.report = {"wait": 7.0, "relist": True}
        assert work(DESIRED) == pytest.approx(GUARD_PAUSE)

    def test_what_changed_under_a_plan_is_looked_at_again_soon(self):
        """And less and less often if it does not end: somebody may be at it."""
        work = self.make()
        self.reconciler.report = {"again": True}
        delays = []
        for _ in range(8):
            delays.append(work(DESIRED))
            self.clock.advance(delays[-1])
        assert 1 <= delays[0] <= 2
        assert min(delays) >= 1
        assert delays[-1] > 10
        self.reconciler.report = {}
        assert work(NONE) > 20
        self.reconciler.report = {"again": True}
        assert work(DESIRED) <= 2

    def test_a_held_plan_is_looked_at_again_after_a_pause(self):
        """The guard gets another listing soon."""
        work = self.make()
        self.reconciler.report = {"relist": True}
        assert work(DESIRED) == GUARD_PAUSE

    def test_a_read_ahead_is_used_once_it_is_ready(self):
        """The cycle that uses it runs when it is there; others go on meanwhile."""
        work = self.make()
        self.reads_ahead = True
        self.clock.advance(self.delay)
        assert 27 <= work(NONE) <= 33
        work(DESIRED)
        assert (self.begun, self.reconciler.cycles) == (1, [True, False])
        self.ready(work)
        assert (self.begun, self.reconciler.cycles) == (1, [True, False, True])

    def test_what_was_read_ahead_and_used_already_is_not_read_again(self):
        """A cycle that had to read took it, before its wake came."""
        work = self.make()
        self.reads_ahead = True
        self.clock.advance(self.delay)
        work(NONE)
        self.reconciler.reading.state = ReadState.READY
        work(DESIRED)
        work(READ)
        assert (self.begun, self.reconciler.cycles) == (1, [True, True])

    def test_what_changes_during_a_read_ahead_is_read_after_it(self):
        """A wake of the registry that came meanwhile is not answered by that read."""
        work = self.make()
        self.reads_ahead = True
        self.clock.advance(self.delay)
        work(NONE)
        assert work(EVERYTHING) == pytest.approx(COALESCE)
        self.ready(work)
        self.clock.advance(COALESCE)
        work(NONE)
        assert self.begun == 2

    def test_the_next_read_ahead_waits_until_the_last_was_used(self):
        """Else what has been read would wait behind it."""
        work = self.make()
        self.reads_ahead = True
        self.clock.advance(self.delay)
        work(NONE)
        self.clock.advance(2 * COALESCE)
        assert work(EVERYTHING) > COALESCE
        assert self.begun == 1
        assert self.ready(work) <= 0
        work(NONE)
        assert self.begun == 2

    def test_after_an_error_of_a_read_ahead_it_is_read_again(self):
        """What was read ahead is gone: the cycle reads by itself."""
        work = self.make()
        self.reads_ahead = True
        self.clock.advance(self.delay)
        work(NONE)
        self.reads_ahead, self.reconciler.error = False, TemporaryError("down")
        with pytest.raises(TemporaryError):
            self.ready(work)
        self.reconciler.error = None
        work(READ)
        assert self.reconciler.cycles == [True, True, True]

    def test_after_an_error_the_reading_is_still_due(self):
        """A cycle that failed did not happen."""
        work = self.make()
        self.clock.advance(40)
        self.reconciler.error = TemporaryError("down")
        with pytest.raises(TemporaryError):
            work(NONE)
        self.reconciler.error = None
        work(NONE)
        assert self.reconciler.cycles == [True, True, True]


class TestWatchWork:
    """Watches that hold, and watches that do not."""

    def make(self, watch):
        self.clock, self.well, self.woken = ManualClock(), [], []
        return WatchWork(
            watch,
            self.woken.append,
            threading.Event(),
            self.clock,
            mark_healthy=lambda: self.well.append(self.clock.now),
        )

    def test_what_is_heard_is_passed_on_and_shows_that_it_does_well(self):
        """A watch that is up need not end to be seen as up."""
        work = self.make(lambda wake, stop: (wake(None), wake("a")))
        work(NONE)
        assert self.woken == [None, "a"]
        assert len(self.well) == 2

    def test_one_that_breaks_off_each_time_does_not_do_well(self):
        """A stream that opens and ends at once is not told as recovered each time."""

        def watch(wake, stop):
            wake(None)
            raise TemporaryError("broke off")

        work = self.make(watch)
        for _ in range(5):
            with pytest.raises(TemporaryError):
                work(NONE)
        assert len(self.woken) == 5
        assert len(self.well) == 1

    def test_one_that_holds_does_well_again(self):
        """After some seconds what it hears counts."""

        def watch(wake, stop):
            wake(None)
            self.clock.advance(self.lasts)
            wake("a")

        work = self.make(watch)
        self.lasts = 0
        assert work(NONE) == WATCH_PAUSE[1]
        before = len(self.well)
        work(NONE)
        assert len(self.well) == before
        self.lasts = STEADY
        assert work(NONE) == WATCH_PAUSE[0]
        assert len(self.well) == before + 1
        work(NONE)
        assert len(self.well) == before + 3

    def test_one_that_never_got_through_does_well_when_it_does(self):
        """The first word after the other side was down counts at once."""
        errors = [TemporaryError("refused")] * 3

        def watch(wake, stop):
            if errors:
                raise errors.pop()
            wake(None)

        work = self.make(watch)
        for _ in range(3):
            with pytest.raises(TemporaryError):
                work(NONE)
        assert not self.well
        work(NONE)
        assert len(self.well) == 1
