"""The engine: keeps sinks equal to sources. Embedding programs use it.

engine = syncer.Engine(sources={"docker": source}, sinks={"consul": sink})
engine.reconcile()              # once, or:
with engine:                    # threads run until the block ends
    ...
"""

import threading
import time
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from contextlib import nullcontext
from datetime import timedelta
from functools import partial
from typing import TypeVar

from syncer.api.changes import Plan
from syncer.api.contracts import Sink, Source, View
from syncer.api.errors import ConfigError, SyncerError, text_of
from syncer.api.keys import Part
from syncer.api.kinds import Parsed, Reachable
from syncer.api.left_out import LeftOut
from syncer.api.registrations import Registration
from syncer.api.workloads import Workload
from syncer.desired.ownership import Ownership
from syncer.desired.snapshot import Snapshot
from syncer.desired.tracker import Desired, Tracker
from syncer.desired.translate import Translator
from syncer.engine import queries
from syncer.engine.cycle.reconcile import Reconciler
from syncer.engine.parts import SinkPart, SourcePart, check_parts
from syncer.engine.probes.prober import Prober
from syncer.engine.probes.rules import ProbeRules
from syncer.engine.pulse import Pulse
from syncer.engine.queries import Examined, Now, Once, Story
from syncer.engine.scheduler import Scheduler
from syncer.engine.shutdown import HandOver, shut_down
from syncer.events import AnyEvent, CycleFinished, LoopFailed
from syncer.plan.drain import DRAIN
from syncer.plan.guard import GuardRules

T = TypeVar("T")

Parser = tuple[str, Callable[[Workload, Reachable], Parsed]]
Listener = Callable[[AnyEvent], None]

#: Seconds that a single run waits for the first results of its probes.
PROBE_PATIENCE = 15.0


class Engine:
    """Keeps sinks equal to sources: once by `reconcile()`, or from `start()` to `stop()`.

    A started engine makes no plans on request: `now()` says what it knows, and listeners hear what
    happens.

    `interval` and `shutdown_timeout` are in seconds. `listeners` hear every event of
    `syncer.events`, in the thread where it happens. `on_exit` says what `stop()` does with our
    registrations: `keep` (the workloads go on running) or `deregister`.
    """

    def __init__(
        self,
        sources: Mapping[str, Source | SourcePart],
        sinks: Mapping[str, Sink | SinkPart],
        *,
        parsers: Sequence[Parser] = (),
        owner: str = "syncer",
        interval: float = 30.0,
        guard: GuardRules | None = None,
        probes: ProbeRules | None = None,
        on_exit: str = "keep",
        shutdown_timeout: float = 10.0,
        listeners: Sequence[Listener] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._listeners = tuple(listeners)
        self._owner, self._interval, self._clock = owner, interval, clock
        self._on_exit, self._shutdown_timeout = on_exit, shutdown_timeout
        self._trackers: dict[str, Tracker] = {}
        for order, (name, source) in enumerate(sources.items()):
            part = SourcePart.of(source)
            translator = Translator(
                parsers,
                part.rules,
                part.filter,
                part.mirror_health,
                part.one_offs,
                part.ids,
                part.most_instances,
            )
            self._trackers[name] = Tracker(
                name,
                part.source,
                translator,
                order=order,
                former_scopes=part.former_scopes,
                former_identities=part.former_identities,
                emit=self.tell,
                clock=clock,
            )
        self._prober = Prober(changed=self._plan_again, emit=self.tell, rules=probes)
        parts = {name: SinkPart.of(sink) for name, sink in sinks.items()}
        check_parts(parts, sources)
        self._takes = {name: part.sources for name, part in parts.items()}
        make = partial(Reconciler, owner=owner, guard=guard or GuardRules(), prober=self._prober)
        desired = Desired(self._trackers)
        self._reconcilers = {
            name: make(name, sink_part, desired, emit=self.tell, clock=clock)
            for name, sink_part in parts.items()
        }
        if on_exit == "deregister" and any(r.election for r in self._reconcilers.values()):
            raise ConfigError("on_exit = deregister removes what the next holder of the lock keeps")
        self._scheduler: Scheduler | None = None
        self._stopped = threading.Event()

    def reconcile(self, expect: str = "") -> Once[CycleFinished]:
        """List every source and run one cycle for every sink, with health reports.

        With `expect`, a digest from `plan_digest`, SyncerError is raised and nothing is done unless
        the plan is still the same.
        """
        started = self._clock()
        plans = self.plan()
        if expect and (digest := queries.plan_digest(plans)) != expect:
            raise SyncerError(f"the plan is now {digest}, not {expect}: nothing was done")

        def carry_out(reconciler: Reconciler) -> CycleFinished:
            election = reconciler.election
            with election.campaigning() if election else nullcontext():
                plan = reconciler.only_if_leading(plans[reconciler.name])
                return self._apply(reconciler, plan, started)

        reports = self._each_sink(carry_out, plans.errors)
        return queries.with_left_out(reports, self.now(), plans)

    def plan(self) -> Once[Plan]:
        """Return what a cycle would change in each sink now; nothing is written."""
        plans = self._plans(self._relist())
        return queries.with_left_out(plans, self.now(), plans)

    def drain(self, name: str = "", *, force: bool = False) -> Once[CycleFinished]:
        """Mark our registrations of this name as draining, until `undrain`; "" means all.

        `name` is a service, a workload, the beginning of its id, or the id of a registration. The
        drain is kept in the registry for as long as the workload lives, and every running syncer
        respects it. The last instance of a service that is up is not drained without `force`. The
        plan in each report says what was not done.
        """
        return self._hold(name, DRAIN, force=force)

    def undrain(self, name: str = "") -> Once[CycleFinished]:
        """End a drain: registrations show the status of their workload again."""
        return self._hold(name, "")

    def registrations(self) -> Once[View[Registration]]:
        """Return what each sink holds now, foreign registrations included."""
        self._expect_not_started()
        return self._each_sink(lambda one: one.sink.registrations(), {})

    def lags(self) -> Mapping[str, timedelta]:
        """Return how old the listings of each sink may be, if its registry has a cache."""
        return {name: one.sink.stale_for for name, one in self._reconcilers.items()}

    def purgeable(self, source: str = "") -> Once[tuple[Registration, ...]]:
        """Return what `purge` would remove from each sink."""
        return self._owned(source, Reconciler.owned)

    def purge(self, source: str = "") -> Once[CycleFinished]:
        """Remove every registration of our owner and scopes, or only those of one source."""
        return self._owned(source, Reconciler.release)

    def explain(self, name: str) -> tuple[Story, ...]:
        """Return the story of every workload that fits this name.

        `name` is a workload's name, the beginning of its id, a service or the id of an instance.
        Raises SyncerError if a source gives no answer.
        """
        errors = self._relist()
        found = tuple(queries.fitting(self._snapshots(), name, by_offer=True))
        if name and not (errors or found):  # listings leave out what has ended
            for source, tracker in self._trackers.items():
                if error := self._attempt(Part("source", source), partial(tracker.ask, name)):
                    errors[Part("source", source)] = error
            found = tuple(queries.fitting(self._snapshots(), name, by_offer=True))
            errors = {} if found else errors
        if errors:
            raise SyncerError("; ".join(f"{what}: {text}" for what, text in errors.items()))
        plans, now = self._plans({}) if found else Once(answers={}), self.now()
        sinks = queries.planned(plans, now)
        return tuple(
            queries.story(one.name, entry, now, sinks, plans.errors) for one, entry in found
        )

    def examine(self) -> Examined:
        """Return what is wrong, as far as sources and sinks can tell; nothing is written."""
        plans = self.plan()
        parts: dict[Part, Source | Sink] = {
            **{Part("source", name): one.source for name, one in self._trackers.items()},
            **{Part("sink", name): one.sink for name, one in self._reconcilers.items()},
        }
        return queries.examined(parts, plans, self.now(), self._attempt)

    def names(self) -> tuple[str, ...]:
        """Return the names of the workloads last listed, of their services, and their ids."""
        entries = (one for snapshot in self._snapshots() for one in snapshot.entries())
        found = {name for one in entries for name in (one.workload.name, *queries.offered(one))}
        return tuple(sorted(found))

    def now(self) -> Now:
        """Return what is known at this moment, without asking anybody: from any thread."""
        world = self._snapshots()
        return Now(
            ownership=Ownership.over(self._owner, world),
            sources={snapshot.name: snapshot for snapshot in world},
            sinks={name: sink.known() for name, sink in self._reconcilers.items()},
            guarded={name: sink.guarded() for name, sink in self._reconcilers.items()},
            takes=self._takes,
            withheld={name: sink.withheld() for name, sink in self._reconcilers.items()},
            problems={name: sink.problems() for name, sink in self._reconcilers.items()},
        )

    def left_out(self) -> tuple[LeftOut, ...]:
        """Return what is not registered, and why, as known at this moment: from any thread."""
        return self.now().left_out()

    def override_guard(self, sink: str, digest: str) -> int:
        """Release what the guard holds at a sink, if of this digest; return how many changes."""
        reconciler = self._reconcilers.get(sink)
        if count := reconciler.override_guard(digest) if reconciler else 0:
            self._plan_again(frozenset({sink}))
        return count

    def start(self) -> None:
        """Start the threads that keep the sinks equal; return at once. Only once."""
        if self._scheduler is not None:
            raise SyncerError("the engine was started before")
        self._scheduler = Scheduler(
            self._trackers.values(),
            self._reconcilers.values(),
            interval=self._interval,
            emit=self.tell,
            clock=self._clock,
        )
        self._scheduler.start()

    def take_over(
        self, former: "Engine", sources: Collection[str] = (), sinks: Collection[str] = ()
    ) -> None:
        """Start with what another engine knows of these unchanged parts; called before `start`.

        Until the sources answer, their registrations are kept alive, and none is removed. The sinks
        take over only if all sources do: otherwise the registrations of the others must expire.
        """
        for name in sinks if former._trackers.keys() <= set(sources) else ():
            sink, old = self._reconcilers[name].sink, former._reconcilers[name].sink
            self._attempt(Part("sink", name), partial(sink.take_over, old))
        self._prober.take_over(former._prober)
        for name in sources:
            tracker, known = self._trackers[name], former._trackers[name]
            self._attempt(Part("source", name), partial(tracker.take_over, known))

    def stop(self, hand_over: HandOver | None = None) -> bool:
        """End running work and close everything; return whether the work ended in time.

        `hand_over` is called once nothing is written any more, while registrations are still kept
        alive. It may start another engine that takes over from this one, and returns whether it
        has; `on_exit` then does not apply. An engine cannot be used afterwards; a second call does
        nothing.
        """
        if self._stopped.is_set():
            return True
        self._stopped.set()
        self._prober.close()
        deadline = self._clock() + self._shutdown_timeout

        def release() -> None:
            if self._on_exit == "deregister":
                self._each_sink(lambda sink: sink.release(sink.manages), {})

        return shut_down(
            self._scheduler,
            self._trackers.values(),
            self._reconcilers.values(),
            left=lambda: max(0.0, deadline - self._clock()),
            attempt=self._attempt,
            release=release,
            hand_over=hand_over,
        )

    def busy(self) -> Mapping[str, Hashable]:
        """Return the work that runs now, each with a value that changes with its progress."""
        return self._scheduler.busy() if self._scheduler else {}

    def refresh(self) -> None:
        """List every source and read every sink again, now. Only while started."""
        if self._scheduler is not None:
            self._scheduler.refresh()

    def __enter__(self) -> "Engine":
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def _snapshots(self) -> tuple[Snapshot, ...]:
        return tuple(tracker.snapshot() for tracker in self._trackers.values())

    def _expect_not_started(self) -> None:
        """Sources and sinks are called from one thread each: that of a loop in a started engine."""
        if self._scheduler is not None:
            raise SyncerError("not possible while the engine runs, or afterwards: use now()")

    def _relist(self) -> dict[Part, str]:
        self._expect_not_started()
        errors: dict[Part, str] = {}
        for name, tracker in self._trackers.items():
            if error := self._attempt(Part("source", name), tracker.relist):
                tracker.note_failure(error)
                errors[Part("source", name)] = error
        return errors

    def _hold(self, name: str, hold: str, *, force: bool = False) -> Once[CycleFinished]:
        started = self._clock()
        errors = self._relist()
        wanted = queries.named(self._snapshots(), name)
        plans = self._plans(errors, lambda sink: sink.plan_hold(wanted, hold, force=force))
        return self._each_sink(
            lambda sink: self._apply(sink, plans[sink.name], started), plans.errors
        )

    def _owned(
        self, source: str, act: Callable[[Reconciler, Callable[[Registration], bool]], T]
    ) -> Once[T]:
        errors = self._relist()
        ours = Ownership.over(self._owner, self._snapshots())
        return self._each_sink(
            lambda sink: act(sink, lambda one: ours.in_scope(one.mark, source)), errors
        )

    def _apply(self, reconciler: Reconciler, plan: Plan, started: float) -> CycleFinished:
        report = reconciler.carry_out(plan, started).finished
        if reconciler.sink.pulse is not None:
            Pulse(reconciler, self.tell).beat()
        return report

    def _each_sink(self, ask: Callable[[Reconciler], T], errors: Mapping[Part, str]) -> Once[T]:
        answers: dict[str, T] = {}
        found = dict(errors)
        for name, reconciler in self._reconcilers.items():
            if Part("sink", name) in found:
                continue

            def keep(name: str = name, reconciler: Reconciler = reconciler) -> None:
                answers[name] = ask(reconciler)

            if error := self._attempt(Part("sink", name), keep):
                found[Part("sink", name)] = error
        return Once(answers=answers, errors=found)

    def _attempt(self, what: str, work: Callable[[], object]) -> str:
        """Do this work; return the error that it raised, after reporting it, or ""."""
        try:
            work()
        except Exception as error:  # noqa: BLE001 - whatever a plugin raises
            text = text_of(error)
            self.tell(LoopFailed(loop=what, error=text))
            return text
        return ""

    def _plans(
        self, errors: Mapping[Part, str], make: Callable[[Reconciler], Plan] = Reconciler.plan
    ) -> Once[Plan]:
        """Make a plan for each sink, once its probes have results."""
        before = self._prober.arrived
        plans = self._each_sink(make, errors)
        self._prober.wait(PROBE_PATIENCE)
        # Some may have arrived after the first of the plans, though nothing was waited for.
        return plans if self._prober.arrived == before else self._each_sink(make, errors)

    def _plan_again(self, sinks: frozenset[str]) -> None:
        if self._scheduler is not None:
            self._scheduler.plan_again(sinks)

    def tell(self, event: AnyEvent) -> None:
        """Pass an event to every listener; one that fails stops nothing."""
        for listener in self._listeners:
            try:
                listener(event)
            except Exception:  # noqa: BLE001, S112 - a listener must never stop the engine
                continue
