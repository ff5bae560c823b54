"""One cycle of one sink: observe, plan, brake, apply, report.

A cycle does not know what woke it. What the sink holds is kept between cycles, in step with
our own writes, and read afresh when asked for or after any error.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

import attrs

from syncer.api.changes import (
    Change,
    Deregister,
    Outcome,
    Plan,
    Reason,
    Register,
    Skip,
    SkipKind,
    Update,
)
from syncer.api.checks import CheckKey, CheckResult
from syncer.api.errors import Conflict, PermanentError, SyncerError, TemporaryError, of_plugin
from syncer.api.model import Registration, View
from syncer.desired.snapshot import Snapshot
from syncer.desired.tracker import Desired
from syncer.engine.confirm import confirmed
from syncer.engine.election import Election, LeadLost, without_left
from syncer.engine.parts import NoProber, Prober, SinkPart
from syncer.engine.reading import Reading
from syncer.events import (
    AnyEvent,
    ChangeApplied,
    ChangeFailed,
    CycleFinished,
    GuardPaused,
    GuardReleased,
    ProblemsFound,
    SkipsChanged,
    Warned,
)
from syncer.plan.adjust import Aims
from syncer.plan.adjusted import Aim
from syncer.plan.adoption import unadopted
from syncer.plan.brakes import Refusals, apply_policy, hold_unprobed
from syncer.plan.drain import Holding, as_marked, only
from syncer.plan.guard import Guard, GuardRules
from syncer.plan.incremental import Difference
from syncer.plan.last_instance import keep_last, shown, takes_away
from syncer.plan.planner import Facts
from syncer.plan.replacements import hold_unreplaced, with_successors


class Reconciler:
    """Keeps one sink equal to what its sources want.

    `cycle`, `plan` and `release` are called from one thread, `read_ahead` from another; `held`,
    `results`, `guarded`, `let_go` and `break_off` from any.
    """

    def __init__(
        self,
        name: str,
        part: SinkPart,
        desired: Desired,
        *,
        owner: str,
        guard: GuardRules,
        emit: Callable[[AnyEvent], None],
        clock: Callable[[], float],
        prober: Prober | None = None,
    ) -> None:
        self.name, self.sink, locks = name, part.sink, part.sink.locks
        self._reading = Reading(part.sink)
        self._prober = prober or NoProber()
        self._part, self._desired, self._owner = part, desired, owner
        self._emit, self._clock = emit, clock
        #: Who writes, where several syncers share a source; None: there is no other.
        self.election = (
            Election(name, locks, part.lock, emit=emit, clock=clock)
            if part.lock and locks
            else None
        )
        self._guard, self._refusals = Guard(guard, clock), Refusals(clock)
        self._aims = Aims(
            part.sink,
            owner,
            part.translate,
            tell=self._tell_problems,
            probed=self._prober.result,
            withhold=part.withhold,
        )
        self._differ = Difference(self._aims, part.adoption)
        self._actual: dict[str, Registration] = {}
        #: The same, but for what was just read and lags behind our own writes: to be kept alive.
        self._held: dict[str, Registration] = {}
        #: The ids under which that changed since it was planned for; None: it was read afresh.
        self._touched: set[str] | None = None
        self._view: View[Registration] | None = None
        self._written: set[str] = set()
        #: Whether the sink was read since it was last looked what of that is gone.
        self._reread = False
        self._skips: frozenset[Skip] = frozenset()
        self._errors: dict[str, str] = {}
        self._results: Mapping[CheckKey, CheckResult] = {}
        self._facts = Facts(owner=owner)
        self._guarding = False
        #: How many changes have been made or refused: shows that a long cycle comes on.
        self.settled = 0
        #: Raises an error once this process may not go on with what it is writing.
        self._go_on: Callable[[], None] = lambda: None
        self._broken_off = False

    def cycle(self, *, fresh: bool = True) -> CycleFinished:
        """One cycle; with `fresh` the sink is read anew. Raises what reading the sink raises."""
        started = self._clock()
        return self.carry_out(self.permitted(self.plan(fresh=fresh)), started)

    def may_read_ahead(self) -> bool:
        """Whether cycles can go on with what is known while the sink is read beside them."""
        return self.sink.reads_beside and self._view is not None

    def read_ahead(self) -> None:
        """Read the sink for the next fresh cycle, which raises what this may have raised."""
        self._reading.ahead()

    def plan(self, *, fresh: bool = True) -> Plan:
        """Observe, plan and brake: what is to be done now. Nothing is written."""
        return self._plan(as_marked, fresh=fresh, careful=self._part.keep_last)

    def plan_hold(
        self, wanted: Callable[[Registration], bool], hold: str, *, force: bool = False
    ) -> Plan:
        """What gives the registrations of ours that are `wanted` this hold, or with "" none.

        Without `force`, none that is the last of its service that is up.
        """

        def holding(registration: Registration) -> str | None:
            return hold if wanted(registration) else None

        careful = not force if hold else self._part.keep_last
        plan = self._plan(holding, fresh=True, careful=careful)
        held = self._actual.values()
        return only(plan, {one.id for one in held if self.ours(one) and wanted(one)})

    def _plan(self, holding: Holding, *, fresh: bool, careful: bool) -> Plan:
        world, facts = self._look(fresh=fresh)
        aim, plan = self._difference(world, facts, holding)
        takes = careful and any(takes_away(change, aim.withheld) for change in plan.changes)
        renamed = self._aims.renamed()  # what is held of it is held under the new id too
        if not fresh and (takes or renamed):  # what is up or held changes by others' doing
            self._reading.drop()  # one that began before now does not show it, perhaps
            return self._plan(holding, fresh=True, careful=careful)
        if takes:
            plan = keep_last(plan, self.known(), aim.withheld)
        plan = hold_unprobed(apply_policy(plan, self._part.policy), aim.unprobed)
        plan = confirmed(self._refusals(plan), self._desired)
        self._facts = facts
        plan = self._guard(plan, {snapshot.name: snapshot.listing for snapshot in world})
        plan = hold_unreplaced(with_successors(plan, aim, self._actual))
        self._results = shown(self._aims.results(), plan)
        return unadopted(plan)

    def _difference(
        self, world: Sequence[Snapshot], facts: Facts, holding: Holding
    ) -> tuple[Aim, Plan]:
        """What should be, and how what is differs from it."""
        assert self._view is not None
        known = (world, facts, self._view, self._actual)
        aim, plan = self._differ(*known, self._touched, self._written, holding)
        self._touched = set()
        self._prober.want(self.name, self._aims.probes())
        if plan.changes and self.sink.stale_for:
            unread = self._ask_again(plan.changes)
            aim, plan = self._differ(*known, self._touched, self._written, holding)
            self._touched, plan = set(), plan.hold(unread)
        self._held = self._actual
        return aim, plan

    def permitted(self, plan: Plan) -> Plan:
        """The plan, without changes while another syncer is the one that writes."""
        return self.election.permitted(plan) if self.election else plan

    def carry_out(self, plan: Plan, started: float) -> CycleFinished:
        """Apply a plan just made, and report; `started` is when its cycle began."""
        planned = self._clock() - started
        self._forget(plan)
        # Who leads writes as long as that lasts; what a person asks for needs no lead.
        self._go_on = self.election.insist() if self.election else lambda: None
        # Registers and updates first, so that a service that moves is never without one.
        puts = [change for change in plan.changes if not isinstance(change, Deregister)]
        outcomes = [self._settle(outcome) for outcome in self._outcomes(puts)]
        plan = without_left(plan, puts, outcomes)
        plan = hold_unreplaced(plan, {o.change.id for o in outcomes if o.error is not None})
        removals = [change for change in plan.changes if isinstance(change, Deregister)]
        outcomes += [self._settle(outcome) for outcome in self._outcomes(removals)]
        plan = without_left(plan, removals, outcomes)
        return self._report(plan, outcomes, started, planned)

    def break_off(self) -> None:
        """Write nothing more, in the middle of a cycle too: from any thread."""
        self._broken_off = True

    def owned(self, wanted: Callable[[Registration], bool]) -> tuple[Registration, ...]:
        """The registrations with our owner's mark for which `wanted` is true, read now."""
        self._reading.drop()
        _, self._facts = self._look(fresh=True)
        self._held = self._actual
        return tuple(
            registration
            for registration in self._actual.values()
            if registration.mark and registration.mark.owner == self._owner and wanted(registration)
        )

    def release(self, wanted: Callable[[Registration], bool]) -> CycleFinished:
        """Remove what `owned` returns, whatever the sources say: for purge, and at exit."""
        started = self._clock()
        changes = tuple(Deregister(found, Reason.PURGED) for found in self.owned(wanted))
        outcomes = [self._settle(outcome) for outcome in self._outcomes(changes)]
        return self._report(Plan(changes=changes, ours=len(changes)), outcomes, started)

    def held(self) -> tuple[Registration, ...]:
        """The registrations of ours that the pulse keeps alive: also what a cycle just wrote."""
        return tuple(filter(self.ours, self._held.copy().values()))

    def holds_any(self) -> bool:
        """Whether there is anything to keep alive."""
        return any(map(self.ours, self._held.copy().values()))

    def results(self) -> Mapping[CheckKey, CheckResult]:
        """What the checks that syncer feeds should show now."""
        return self._results

    def guarded(self) -> tuple[Change, ...]:
        """What the guard held of the last plan."""
        return self._guard.holding()

    def let_go(self, digest: str) -> int:
        """Let through what the guard holds, if that has this digest; returns how many, else 0."""
        if count := self._guard.let_go(digest):
            text = f"the guard's plan {digest} for {self.name} is let go by hand: {count} changes"
            self._emit(Warned(text=text))
        return count

    def ours(self, registration: Registration) -> bool:
        """Whether a registration carries our owner and the scope of a configured source."""
        return self._facts.source_of(registration.mark) is not None

    def _look(self, *, fresh: bool) -> tuple[Sequence[Snapshot], Facts]:
        world = self._desired.snapshots(self._part.sources)
        if fresh or self._view is None:
            self._view = None  # until the read has succeeded, what was known is not trusted
            self._view, self._actual = self._reading.take(self._actual)
            self._touched, self._reread = None, True
        return world, Facts(owner=self._owner, sources={s.name: s for s in world})

    def known(self) -> View[Registration]:
        """What the sink holds: as listed last, in step with our writes. From any thread."""
        view = self._view or View((), complete=False)
        return attrs.evolve(view, items=tuple(self._actual.copy().values()))

    def _forget(self, plan: Plan) -> None:
        """Keep nothing about ids that are neither held nor planned: they would pile up."""
        planned = {item.id for item in (*plan.changes, *plan.skipped)}
        self._errors = {id_: text for id_, text in self._errors.items() if id_ in planned}
        if self._reread and self._view is not None and self._view.complete:
            self._written -= self._written.difference(self._actual, planned)
            self._reread = False

    def _ask_again(self, changes: Collection[Change]) -> dict[str, Skip]:
        """Of a sink whose listings lag, read afresh what is about to be changed.

        Returns a skip for each id that may not be read.
        """
        unread = {}
        for id_, found in self.sink.look_again([change.id for change in changes]):
            if isinstance(found, PermanentError):
                unread[id_] = Skip(id_, SkipKind.UNCLEAR, f"the registry refused it: {found}")
            else:
                self._know(id_, found)
        return unread

    def _know(self, id_: str, found: Registration | None) -> None:
        """This is what the sink now holds under the id; None: nothing."""
        if self._touched is not None:
            self._touched.add(id_)
        if found is None:
            self._actual.pop(id_, None)
        else:
            self._actual[id_] = found

    def _outcomes(self, changes: Collection[Change]) -> Iterator[Outcome]:
        """What became of each change, whatever the sink raises; nothing after a lost lead."""
        left = {change.id: change for change in changes}
        error: Exception = TemporaryError("the sink did not say what became of it")
        try:
            self._expect_to_go_on()
            for outcome in self.sink.apply(changes) if changes else ():
                left.pop(outcome.change.id, None)
                yield outcome
                self._expect_to_go_on()
        except LeadLost:
            self._distrust()  # some of it may be written all the same
            return
        except Exception as raised:  # noqa: BLE001 - it counts for all that is left
            error = raised
        for change in left.values():
            yield Outcome(change, error=error)

    def _expect_to_go_on(self) -> None:
        if self._broken_off:
            raise LeadLost("another engine may write now")
        self._go_on()

    def _settle(self, outcome: Outcome) -> Outcome:
        """Note what became of a change, and tell it."""
        self.settled += 1
        change, error = outcome.change, outcome.error
        if error is None:
            drift = self._is_drift(change)
            self._know(change.id, outcome.registration)
            if outcome.registration is None:
                self._written.discard(change.id)
            else:
                self._written.add(change.id)
            self._reading.wrote(change.id)
            self._refusals.forget(change)
            self._errors.pop(change.id, None)
            self._emit(ChangeApplied(sink=self.name, change=change, drift=drift))
            return outcome
        self._distrust()
        permanent = isinstance(error, PermanentError) and not isinstance(error, Conflict)
        text = str(error) if isinstance(error, SyncerError) else of_plugin(error)
        if permanent:
            self._refusals.note(change, text)
        if self._errors.get(change.id) != text:
            self._errors[change.id] = text
            self._emit(ChangeFailed(sink=self.name, change=change, error=text, permanent=permanent))
        return outcome

    def _distrust(self) -> None:
        """What is known is not enough for another plan."""
        self._view = None
        self._reading.drop()

    def _is_drift(self, change: Change) -> bool:
        """Whether the registry strayed from what was written, though what is desired did not."""
        if isinstance(change, Register):
            return change.id in self._written
        return isinstance(change, Update) and change.old.mark == change.new.mark

    def _report(
        self, plan: Plan, outcomes: Sequence[Outcome], started: float, planned: float = 0.0
    ) -> CycleFinished:
        failed = {o.change.id: str(o.error) for o in outcomes if o.error is not None}
        errors = [o.error for o in outcomes if o.error is not None]
        report = CycleFinished(
            sink=self.name,
            plan=plan,
            applied=len(outcomes) - len(failed),
            failed=failed,
            seconds=self._clock() - started,
            planned=planned,
            retry=any(not isinstance(e, PermanentError) or isinstance(e, Conflict) for e in errors),
            again=any(skip.kind is SkipKind.ALIVE for skip in plan.skipped),
            relist=self._guard.waits(plan),
        )
        self._tell_skips(plan)
        self._emit(report)
        return report

    def _tell_skips(self, plan: Plan) -> None:
        skips = frozenset(plan.skipped)
        if news := tuple(skip for skip in plan.skipped if skip not in self._skips):
            self._emit(SkipsChanged(sink=self.name, skips=news))
        self._skips = skips
        held = sum(skip.kind is SkipKind.GUARD for skip in plan.skipped)
        if held and not self._guarding:
            self._emit(GuardPaused(sink=self.name, held=held, ours=plan.ours))
        if self._guarding and not held:
            self._emit(GuardReleased(sink=self.name))
        self._guarding = bool(held)

    def _tell_problems(self, source: str, workload: str, problems: tuple[str, ...]) -> None:
        texts = tuple(f"sink {self.name}: {text}" for text in problems)
        self._emit(ProblemsFound(source=source, workload=workload, problems=texts))
