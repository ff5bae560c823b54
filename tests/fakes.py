"""Small stand-ins and builders for the tests of the engine's modules."""

import threading
from collections import defaultdict

import attrs

from syncer import Instance, Mark, Offer, Registration, State, Workload, testing
from syncer.desired.filters import Filter
from syncer.desired.tracker import Desired, Tracker
from syncer.desired.translate import Translator
from syncer.engine.cycle.reconcile import Reconciler, SinkPart
from syncer.plan.guard import GuardRules
from syncer.plan.wanted import Wanted
from syncer.plugin.builtin.memory import MemorySink
from syncer.testing import ManualClock

SCOPE, SOURCE = "h", "docker"


class Heard(list):
    """A listener that keeps what it was told."""

    def __call__(self, event):
        self.append(event)

    def of(self, kind):
        return [event for event in self if isinstance(event, kind)]


class FakeSource(testing.FakeSource):
    """The kit's source in the scope of these tests, with what single questions are answered.

    `asked` are the ids asked for, `errors` the errors that asking for them raises, `hidden` ids
    are left out of listings without a word.
    """

    def __init__(self, *workloads, scope=SCOPE, identity=""):
        super().__init__(*workloads, scope=scope, identity=identity)
        self.asked, self.errors, self.hidden = [], {}, set()

    @property
    def world(self):
        return self._held

    def change(self, id, **fields):
        self.put(attrs.evolve(self.world[id], **fields))

    def clear(self):
        self.remove(*self.world)

    def workloads(self):
        view = super().workloads()
        return attrs.evolve(view, items=[w for w in view.items if w.id not in self.hidden])

    def workload(self, id):
        self.asked.append(id)
        if id in self.errors:
            raise self.errors[id]
        return super().workload(id)


class FakeSink(MemorySink):
    """A memory sink that logs each operation, and fails or waits where the test says so."""

    def __init__(self, store=None):
        super().__init__(store, self._note)
        self.log = []
        self.fail = {}
        self.gates = defaultdict(_open_gate)
        self.closed = 0

    def _note(self, operation, id_):
        self.log.append((operation, id_))
        self.gates[operation].wait(30)
        error = self.fail.get((operation, id_)) or self.fail.get(operation)
        if error:
            raise error

    def writes(self):
        return [entry for entry in self.log if entry[0] in ("register", "update", "deregister")]

    def ids(self):
        return {registration.id for registration in self.store.all()}

    def close(self):
        self.closed += 1


class PickySink(FakeSink):
    """A sink with a form of its own: what `adjust` and `listed` do is the test's.

    `damage` says by id what a listing finds wrong.
    """

    def __init__(self, adjust=None, listed=None):
        super().__init__()
        self.adjusted, self.damage = [], {}
        self._adjust_by, self._listed_by = adjust, listed

    def registrations(self):
        view = super().registrations()
        items = [attrs.evolve(r, damaged=self.damage.get(r.id, "")) for r in view.items]
        return attrs.evolve(view, items=items)

    def adjust(self, instance):
        self.adjusted.append(instance.id)
        return self._adjust_by(instance) if self._adjust_by else instance

    def listed(self, instance):
        return self._listed_by(instance) if self._listed_by else instance


def _open_gate():
    gate = threading.Event()
    gate.set()
    return gate


def workload(name="web", *, number="1", offers=None, port=80, address="10.0.0.1", **fields):
    """A running workload with id `<name>-<number>` that offers its name at one address."""
    made = Offer(service=name, port=80, register_address=address, register_port=port)
    fields = {"source": SOURCE, "scope": SCOPE, "id": f"{name}-{number}", "name": name, **fields}
    return Workload(offers=(made,) if offers is None else offers, **fields)


def offer(service="web", **fields):
    """An offer that needs no address rule."""
    fields = {"port": 80, "register_address": "10.0.0.1", "register_port": 80, **fields}
    return Offer(service=service, **fields)


def exited(made):
    """The same workload, stopped."""
    return attrs.evolve(made, state=State.EXITED)


def instance(id="h:web:80", **fields):
    """An instance of `web`."""
    return Instance(id=id, **{"service": "web", "address": "10.0.0.1", "port": 80, **fields})


def mark(of=None, **fields):
    """Our mark, for this instance if one is given."""
    digest = of.digest() if of else "0" * 32
    return Mark(
        **{
            "owner": "syncer",
            "scope": SCOPE,
            "source": SOURCE,
            "workload": "web-1",
            "digest": digest,
            **fields,
        }
    )


def wanted(id="h:web:80", *, source=SOURCE, of="web-1", order=0, **fields):
    """What should stand in a sink, from the workload `of`."""
    made = instance(id, **fields)
    return Wanted(
        instance=made, listed=made, mark=mark(made, source=source, workload=of), order=order
    )


def held(id="h:web:80", *, damaged="", version="", unmarked=False, **fields):
    """What stands in a sink: ours unless the mark's fields say otherwise."""
    names = ("owner", "scope", "source", "workload", "digest", "hold", "identity")
    marks = {name: fields.pop(name) for name in names if name in fields}
    made = instance(id, **fields)
    found = None if unmarked else mark(made, **marks)
    return Registration(instance=made, mark=found, damaged=damaged, version=version)


class World:
    """One source, one sink and the reconciler between them, driven by hand."""

    def __init__(self, *workloads, sink=None, guard=None, source=None, prober=None, **part):
        self.clock = ManualClock()
        self.heard = Heard()
        self.source = source or FakeSource(*workloads)
        self.sink, self.prober = sink or FakeSink(), prober
        self.tracker = tracker(self.source, emit=self.heard, clock=self.clock)
        self.desired = Desired({SOURCE: self.tracker})
        self.reconciler = Reconciler(
            "memory",
            SinkPart(sink=self.sink, **part),
            self.desired,
            owner="syncer",
            guard=guard or GuardRules(),
            emit=self.heard,
            clock=self.clock,
            prober=prober,
        )

    def cycle(self, *, relist=True, fresh=True):
        """List the source if asked to, and run one cycle."""
        if relist:
            self.tracker.relist()
        self.report = self.reconciler.cycle(fresh=fresh)
        return self.report.finished


def tracker(source, *, name=SOURCE, emit=None, clock=None, parsers=(), filter=None, **fields):
    """A tracker with the default rules for addresses."""
    return Tracker(
        name,
        source,
        Translator(parsers, filter=filter or Filter()),
        emit=Heard() if emit is None else emit,
        clock=clock or ManualClock(),
        **fields,
    )


def skips(plan):
    """The kind of each skip by id."""
    return {skip.id: skip.kind for skip in plan.skipped}
