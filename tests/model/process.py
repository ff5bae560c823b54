"""One syncer process of the model: the engine's own parts, worked by hand and without threads."""

import attrs
from fakes import Heard

from model.registry import KilledError, ModelSink
from model.world import ModelSource
from syncer.desired import Desired, Tracker
from syncer.guard import GuardRules
from syncer.pulse import Pulse
from syncer.reconcile import Reconciler, SinkPart
from syncer.translate import Translator


@attrs.frozen
class Config:
    """How a syncer is configured; `sources` are names of its host's runtimes."""

    owner: str
    sources: tuple[str, ...]
    policy: str = "sync"
    drop: bool = False


class Process:
    """A syncer that began with nothing but its configuration and the registry.

    `runtimes` are those of its host by source name. `disturbed` is when something last kept it from
    renewing in time.
    """

    def __init__(self, who, config, runtimes, registry, faults, clock):
        self.who, self.config, self.runtimes = who, config, runtimes
        self.clock, self.faults = clock, faults
        self.sink = ModelSink(registry, who, faults, config.drop)
        self.trackers = {
            name: Tracker(
                name,
                ModelSource(runtimes[name]),
                Translator(()),
                order=order,
                emit=Heard(),
                clock=clock,
            )
            for order, name in enumerate(config.sources)
        }
        self.reconciler = Reconciler(
            "model",
            SinkPart(sink=self.sink, policy=config.policy),
            Desired(self.trackers),
            owner=config.owner,
            guard=GuardRules(least=3),
            emit=Heard(),
            clock=clock,
        )
        self.pulse = Pulse(self.reconciler, Heard())
        self.refused, self.disturbed, self.wants_more = set(), clock(), False

    def hear(self):
        """Ask for all that events named, as a source's loop does."""
        for name, tracker in self.trackers.items():
            runtime = self.runtimes[name]
            heard, runtime.events = runtime.events, []
            if not self._tried(name, lambda t=tracker, ids=heard: [t.ask(id_) for id_ in ids]):
                self.relist(name)

    def relist(self, name):
        """List a source, if it is configured."""
        if name in self.trackers:
            self._tried(name, self.trackers[name].relist)

    def cycle(self, *, fresh):
        """One cycle; returns its report, or None if the registry could not be read."""
        self.sink.failed.clear()
        report = self._attempt(lambda: self.reconciler.cycle(fresh=fresh))
        self.refused |= self.sink.failed
        self.wants_more = report is None or report.again
        return report

    def beat(self):
        """Renew what is held."""
        if self.sink.pulse is not None:
            self._attempt(self.pulse.beat)

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
        except Exception as error:  # noqa: BLE001 - as the loop
            self.runtimes[name].trusted = False
            self.trackers[name].fail(str(error))
            return False
        return True

    def _attempt(self, work):
        try:
            if self.faults.any():
                self.disturbed = self.clock()
            return work()
        except KilledError:
            raise
        except Exception:  # noqa: BLE001 - as the loop: it is tried again
            self.disturbed = self.clock()
            return None
