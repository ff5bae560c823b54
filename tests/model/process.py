"""One syncer process of the model: the engine's own parts, worked by hand and without threads."""

from functools import partial
from math import inf

import attrs
from fakes import Heard

from model.registry import LOCK, ModelSink
from model.world import ModelSource
from syncer import Deregister, SyncerError, Update
from syncer.desired.tracker import Desired, Tracker
from syncer.desired.translate import Translator
from syncer.engine.cycle.reconcile import Reconciler, SinkPart
from syncer.engine.pulse import Pulse
from syncer.plan.drain import DRAIN
from syncer.plan.guard import PAUSE, Guard, GuardRules

GUARD = GuardRules(least=3)


@attrs.frozen
class Config:
    """How a syncer is configured; `sources` are names of its host's runtimes.

    With `drop` its sink lists only what is up; with `parks` it can keep what an operator drained
    all the same. With `locked` it shares its sources with another one.
    """

    owner: str
    sources: tuple[str, ...]
    policy: str = "sync"
    drop: bool = False
    parks: bool = False
    keep_last: bool = False
    locked: bool = False


class NotedGuard:
    """The guard, and what it holds: since when, and the count of listings then, by id.

    It is asked in cycles that fail later too.
    """

    def __init__(self, guard, clock):
        self._guard, self._clock = guard, clock
        self.noted = {}

    def __call__(self, plan, context):
        plan, now = self._guard(plan, context), self._clock()
        ids = {skip.id for skip in plan.skipped if skip.kind == "guard"}
        self.noted = {id_: self.noted.get(id_, (now, context.listings)) for id_ in ids}
        return plan

    def __getattr__(self, name):
        return getattr(self._guard, name)


class Process:
    """A syncer that began with nothing but its configuration and the registry.

    `runtimes` are those of its host by source name, `sources` what tells it of them. `disturbed` is
    when something last kept it from renewing in time, `began` when its last cycle began. `hasty`
    are ids that went or moved together with too many others. What an operator does is `asked`:
    "drain", "force" or "undrain".
    """

    def __init__(self, who, config, runtimes, registry, faults, clock):
        self.who, self.config, self.runtimes = who, config, runtimes
        self.clock, self.faults = clock, faults
        self.sink = ModelSink(registry, who, faults, drop=config.drop, parks=config.parks)
        self.sources = {name: ModelSource(runtimes[name]) for name in config.sources}
        self.trackers = {
            name: Tracker(
                name,
                self.sources[name],
                Translator(()),
                order=order,
                emit=Heard(),
                clock=clock,
            )
            for order, name in enumerate(config.sources)
        }
        self.guard = NotedGuard(Guard(GUARD, clock), clock)
        self.reconciler = Reconciler(
            "model",
            SinkPart(
                sink=self.sink,
                policy=config.policy,
                keep_last=config.keep_last,
                lock=LOCK if config.locked else None,
            ),
            Desired(self.trackers),
            owner=config.owner,
            guard=self.guard,
            emit=Heard(),
            clock=clock,
        )
        self.pulse = Pulse(self.reconciler, Heard())
        self.refused, self.disturbed, self.wants_more = set(), clock(), False
        self.began, self.asked, self.hasty = clock(), "", []

    def hear(self):
        """Ask for all that events named, as a source's loop does, which lists first."""
        for name, tracker in self.trackers.items():
            events = self.runtimes[name].events
            heard, events[self.who] = events.get(self.who, []), []
            ask = partial(_ask, tracker, heard)
            if not tracker.snapshot().scopes or not self._tried(name, ask):
                self.relist(name)

    def relist(self, name):
        """List a source, if it is configured."""
        if name in self.trackers:
            self._tried(name, self.trackers[name].relist)

    def cycle(self, *, fresh):
        """One cycle; returns its report, or None if the registry could not be read."""
        self.sink.failed.clear()
        self.began = self.clock()
        held, known = self.guard.noted, self._known()
        report = self._attempt(lambda: self.reconciler.cycle(fresh=fresh))
        if report is not None:
            self._check(report.finished.plan, held)
            written = {change.id for change in report.finished.plan.changes}
            if self._known() - known - written:  # what it did not know it could not renew
                self.disturbed = self.clock()
        self.refused |= self.sink.failed
        self.wants_more = report is None or report.again
        return report

    def beat(self):
        """Renew what is held."""
        if self.sink.pulse is not None:
            self._attempt(self.pulse.beat)

    def _known(self):
        return {registration.id for registration in self.reconciler.alive()}

    def _check(self, plan, held):
        """Too much at once goes or moves only if it was held before, and listed so again since."""
        listings = {name: tracker.snapshot().listing for name, tracker in self.trackers.items()}
        risky = [
            change
            for change in plan.changes
            if (isinstance(change, Deregister) and not change.stopped)
            or (isinstance(change, Update) and change.moves)
        ]
        if len(risky) < GUARD.least or len(risky) <= GUARD.share * plan.ours:
            return
        for change in risky:
            since, then = held.get(change.id, (inf, {}))
            source = change.old.mark.source
            if self.clock() - since < PAUSE or listings[source] <= then[source]:
                self.hasty.append(change.id)

    def campaign(self):
        """Ask for the lock, or keep it; who begins to lead looks again, as its loop does."""
        if election := self.reconciler.election:
            terms = election.terms
            self._attempt(election.campaign)
            if election.terms != terms:
                self.cycle(fresh=True)

    def resign(self):
        """Let another lead."""
        if self.reconciler.election:
            self._attempt(self.reconciler.election.resign)

    def hold(self, name, asked):
        """What an operator asks for, by a command of its own: for a service, an id or all."""
        self.asked = asked

        def wanted(registration):
            return not name or name in (registration.id, registration.instance.service)

        def carry_out():
            hold = "" if asked == "undrain" else DRAIN
            plan = self.reconciler.plan_hold(wanted, hold, force=asked == "force")
            return self.reconciler.carry_out(plan, self.clock())

        for source in self.trackers:
            self.relist(source)
        self._attempt(carry_out)
        self.beat()

    def work(self):
        """List everything, run a cycle, and one more if that asks for it."""
        for name in self.trackers:
            self.relist(name)
        for _ in range(2):
            self.cycle(fresh=True)
            if not self.wants_more:
                break
        self.beat()

    def _tried(self, name, work):
        """Do a source's work; its failure is noted as the source's loop does. Whether it worked."""
        try:
            work()
        except SyncerError as error:  # as the loop
            self.sources[name].trusted = False
            self.trackers[name].note_failure(str(error))
            return False
        return True

    def _attempt(self, work):
        try:
            if self.faults.any():
                self.disturbed = self.clock()
            return work()
        except SyncerError:  # it is tried again, as by the loop
            self.disturbed = self.clock()
            return None


def _ask(tracker, ids):
    for id_ in ids:
        tracker.ask(id_)
