"""One cycle of one sink: observe, plan, brake, apply, report.

A cycle does not know what woke it. The sink's entries are kept between cycles, in step with our
own writes, and read from scratch when asked to or after any error.
"""

from collections.abc import Callable, Collection, Mapping, Sequence

from syncer.api.changes import Change, Deregister, Plan, Reason
from syncer.api.checks import CheckKey, CheckResult
from syncer.api.contracts import Sink, View
from syncer.api.fields import EMPTY
from syncer.api.keys import Claim, WorkloadKey
from syncer.api.registrations import Registration
from syncer.desired.ownership import Ownership
from syncer.desired.snapshot import Snapshot
from syncer.desired.tracker import Desired
from syncer.engine.cycle.confirm_gone import confirm_gone
from syncer.engine.cycle.reading import Reading
from syncer.engine.cycle.reporter import CycleReport, Reporter
from syncer.engine.cycle.sink_state import SinkState
from syncer.engine.cycle.writer import Writer
from syncer.engine.election import Election, without_left
from syncer.engine.parts import SinkPart
from syncer.engine.probes.prober import Prober
from syncer.events import AnyEvent, CycleFinished
from syncer.plan.adjust import Adjuster
from syncer.plan.adoption import unadopted
from syncer.plan.brakes import Brake, Context, Refusals, apply_policy, hold_unprobed
from syncer.plan.contested import Contested
from syncer.plan.drain import Holding, as_marked, only
from syncer.plan.guard import Guard, GuardRules
from syncer.plan.incremental import IncrementalPlanner
from syncer.plan.last_instance import keep_last, shown, takes_away
from syncer.plan.planner import Facts
from syncer.plan.replacements import hold_unreplaced, require_replacements
from syncer.plan.wanted import Adjusted


def brakes(refusals: Refusals, contested: Contested, guard: Guard) -> tuple[Brake, ...]:
    """Everything that can hold a change back, in order: see decision 6.

    The guard comes after the confirmation, and so does not count workloads found stopped. The
    last brake must know every put that the others left.
    """
    return (
        keep_last,
        apply_policy,
        hold_unprobed,
        refusals,
        contested,
        confirm_gone,
        guard,
        require_replacements,
    )


class Reconciler:
    """Keeps one sink equal to what its sources want.

    `cycle`, `plan`, `carry_out` and `release` are called from one thread; `alive`, `results`,
    `known`, `guarded`, `withheld`, `problems`, `override_guard` and `break_off` from any.
    """

    def __init__(
        self,
        name: str,
        part: SinkPart,
        desired: Desired,
        *,
        owner: str,
        guard: GuardRules | Guard,
        emit: Callable[[AnyEvent], None],
        clock: Callable[[], float],
        prober: Prober | None = None,
    ) -> None:
        self.name, self._part, self._desired, self._owner = name, part, desired, owner
        self._clock, self._prober = clock, prober or Prober(changed=lambda sinks: None)
        #: Decides who writes where several syncers share a source; `None` if there is no other.
        locks = part.sink.locks
        self.election = (
            Election(name, locks, part.lock, emit=emit, clock=clock)
            if part.lock and locks
            else None
        )
        self._guard = Guard(guard, clock) if isinstance(guard, GuardRules) else guard
        self._reporter = Reporter(name, emit, clock)
        self._state, refusals = SinkState(part.sink), Refusals(clock)
        self._contested = Contested(clock)
        self._brakes = brakes(refusals, self._contested, self._guard)
        self._writer = Writer(self._state, refusals, self._contested, self._reporter)
        adjuster = Adjuster(
            part.sink,
            owner,
            part.translate,
            tell=self._reporter.problems,
            probed=self._prober.result,
            withhold=part.withhold,
        )
        self._planner = IncrementalPlanner(adjuster, part.adoption)
        self._ownership = Ownership(owner, {})
        self._results: Mapping[CheckKey, CheckResult] = {}
        self._listed = False
        self._withheld: Collection[Claim] = ()
        self._problems: Mapping[WorkloadKey, tuple[str, ...]] = EMPTY

    def cycle(self, *, fresh: bool = True) -> CycleReport:
        """Run one cycle; with `fresh` the sink is read first. Raises as reading the sink does."""
        started = self._clock()
        return self.carry_out(self.only_if_leading(self.plan(fresh=fresh)), started)

    def plan(self, *, fresh: bool = True) -> Plan:
        """Observe, plan and brake: what is to be done now. Nothing is written."""
        return self._plan(as_marked, fresh=fresh, careful=self._part.keep_last)

    def plan_hold(
        self, wanted: Callable[[Registration], bool], hold: str, *, force: bool = False
    ) -> Plan:
        """Plan to give the wanted entries of ours this hold, or with "" to end their hold.

        Without `force`, the last instance of a service that is up is left alone.
        """

        def holding(registration: Registration) -> str | None:
            return hold if wanted(registration) else None

        careful = not force if hold else self._part.keep_last
        plan = self._plan(holding, fresh=True, careful=careful)
        ours = (one for one in self._state.entries.values() if self.manages(one))
        return only(plan, {one.id for one in ours if wanted(one)})

    def _plan(self, holding: Holding, *, fresh: bool, careful: bool) -> Plan:
        world = self._observe(fresh=fresh)
        facts = Facts(owner=self._owner, sources={snapshot.name: snapshot for snapshot in world})
        adjusted, plan = self._compare(world, facts, holding)
        takes = careful and any(takes_away(change, adjusted.withheld) for change in plan.changes)
        renamed = self._planner.adjuster.renamed()  # a hold goes over to the new id
        if not fresh and (takes or renamed):  # others change who is up, and what is held
            self._state.reading.distrust()  # a reading that began before now may not show it
            return self._plan(holding, fresh=True, careful=careful)
        self._ownership = facts.ownership
        context = Context(
            adjusted=adjusted,
            entries=self._state.entries,
            policy=self._part.policy,
            careful=careful,
            listings={snapshot.name: snapshot.listing for snapshot in world},
            confirm_gone=self._desired.confirm_gone,
            credentials=self.sink.credentials(),
        )
        for brake in self._brakes:
            plan = brake(plan, context)
        self._withheld = self._planner.adjuster.withheld()
        self._problems = self._planner.adjuster.problems()
        self._results = shown(self._planner.adjuster.results(), plan)
        return unadopted(plan)

    def _observe(self, *, fresh: bool) -> Sequence[Snapshot]:
        """Take what the sources know now, and read the sink if needed."""
        world = self._desired.snapshots(self._part.sources)
        self._listed = not any(snapshot.doubt for snapshot in world)
        self._state.refresh(fresh=fresh)
        self._reporter.listed(self._state.contents().view.problems)
        return world

    def _compare(
        self, world: Sequence[Snapshot], facts: Facts, holding: Holding
    ) -> tuple[Adjusted, Plan]:
        """Compare what should be with what is; where listings lag, read again what would change."""
        adjusted, plan = self._planner.plan(world, facts, self._state.contents(), holding)
        self._state.compared()
        self._prober.want(self.name, self._planner.adjuster.probes())
        if plan.changes and self.sink.stale_for:
            unread = self._state.look_again(plan.changes)
            adjusted, plan = self._planner.plan(world, facts, self._state.contents(), holding)
            self._state.compared()
            plan = plan.hold(unread)
        self._state.keep_alive()
        return adjusted, plan

    def only_if_leading(self, plan: Plan) -> Plan:
        """Hold back every change while another syncer is the one that writes."""
        return self.election.only_if_leading(plan) if self.election else plan

    def carry_out(self, plan: Plan, started: float) -> CycleReport:
        """Apply a plan just made, and report; `started` is when its cycle began."""
        planned = self._clock()
        ids = {item.id for item in (*plan.changes, *plan.skipped)}
        self._state.forget(ids)
        self._reporter.forget(ids)
        self._writer.begin(self.election)
        # Registers and updates first, so that a service that moves is never without one.
        puts = [change for change in plan.changes if not isinstance(change, Deregister)]
        outcomes = self._writer.write(puts)
        plan = without_left(plan, puts, outcomes)
        plan = hold_unreplaced(plan, {o.change.id for o in outcomes if o.error is not None})
        removals = [change for change in plan.changes if isinstance(change, Deregister)]
        outcomes += self._writer.write(removals)
        plan = without_left(plan, removals, outcomes)
        return self._reporter.finished(
            plan,
            outcomes,
            started=started,
            planned=planned,
            waits=self._guard.waits(plan),
            wait=self._contested.wait(),
            readings=self._state.reading.count,
            listed=self._listed,
        )

    def owned(self, wanted: Callable[[Registration], bool]) -> tuple[Registration, ...]:
        """Read the sink, and return the entries with our owner's mark that are wanted."""
        self._state.reading.distrust()
        self._ownership = Ownership.over(self._owner, self._observe(fresh=True))
        self._state.keep_alive()
        entries = self._state.entries.values()
        return tuple(
            one for one in entries if one.mark and one.mark.owner == self._owner and wanted(one)
        )

    def release(self, wanted: Callable[[Registration], bool]) -> CycleFinished:
        """Remove what `owned` returns, whatever the sources say: for purge, and at exit."""
        started = self._clock()
        changes = tuple(Deregister(found, Reason.PURGED) for found in self.owned(wanted))
        asked = {change.id for change in changes}
        entries = self._state.entries.values()
        ours = sum(one.id in asked or self.manages(one) for one in entries)
        plan = Plan(changes=changes, ours=ours, asked=len(asked))
        outcomes = self._writer.write(changes)
        report = self._reporter.finished(
            plan, outcomes, started=started, planned=started, waits=False
        )
        return report.finished

    @property
    def sink(self) -> Sink:
        """The sink itself."""
        return self._part.sink

    @property
    def reading(self) -> Reading:
        """How the sink is read, also ahead of the cycles."""
        return self._state.reading

    @property
    def changes_done(self) -> int:
        """How many changes were made or refused: shows that a long cycle makes progress."""
        return self._reporter.changes_done

    def break_off(self) -> None:
        """Write nothing more, even in the middle of a cycle."""
        self._writer.break_off()

    def alive(self) -> tuple[Registration, ...]:
        """Return the entries of ours that the pulse keeps alive, also those just written."""
        return tuple(filter(self.manages, self._state.alive()))

    def holds_any(self) -> bool:
        """Whether there is anything to keep alive."""
        return any(map(self.manages, self._state.alive()))

    def known(self) -> View[Registration]:
        """Return what the sink holds, as last listed and in step with our writes."""
        return self._state.known()

    def withheld(self) -> Collection[Claim]:
        """Return the claims of instances that are not listed in their present status."""
        return self._withheld

    def problems(self) -> Mapping[WorkloadKey, tuple[str, ...]]:
        """Return what the sink changed or dropped of instances that it lists, by workload."""
        return self._problems

    def results(self) -> Mapping[CheckKey, CheckResult]:
        """Return the results that the checks fed by syncer should have."""
        return self._results

    def guarded(self) -> tuple[Change, ...]:
        """Return what the guard held back of the last plan."""
        return self._guard.held()

    def override_guard(self, digest: str) -> int:
        """Let through what the guard holds, if it has this digest; returns how many, else 0."""
        if count := self._guard.override(digest):
            self._reporter.overridden(digest, count)
        return count

    def manages(self, registration: Registration) -> bool:
        """Whether an entry has our owner and the scope of its configured source."""
        return self._ownership.manages(registration.mark)
