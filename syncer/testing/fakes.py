"""Fakes that a test controls: a source, a sink that fails on demand, a clock."""

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping
from threading import Event, Lock

from syncer.api.changes import Change, Deregister, Outcome, Register, Update
from syncer.api.checks import CheckKey, CheckResult
from syncer.api.contracts import Sink, Source, View, Wake
from syncer.api.registrations import Instance, Registration
from syncer.api.workloads import Workload
from syncer.testing.builders import SCOPE

_OPERATIONS = {Register: "register", Update: "update", Deregister: "deregister"}


class ManualClock:
    """A clock that only the test advances. Call it to get the time in seconds."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> float:
        """Advance by this many seconds; return the new time."""
        self.now += seconds
        return self.now


class FakeSource(Source):
    """A source whose workloads the test sets. Every change wakes the watches.

    While `failure` is set, `workloads`, `workload` and `watch` raise it. `complete` and `unclear`
    are those of the next views. `own_identity` is that of the engine. `calls` counts the calls of
    each method.
    """

    def __init__(self, *workloads: Workload, scope: str = SCOPE, identity: str = "") -> None:
        self._scope, self.own_identity = scope, identity
        self._lock = Lock()
        self._held = {workload.id: workload for workload in workloads}
        self._wakes: list[Wake] = []
        self._watches: list[Event] = []
        self.failure: Exception | None = None
        self.complete = True
        self.unclear: frozenset[str] = frozenset()
        self.calls: Counter[str] = Counter()

    def put(self, *workloads: Workload) -> None:
        """Add workloads, or replace those with the same ids."""
        with self._lock:
            self._held.update({workload.id: workload for workload in workloads})
        for workload in workloads:
            self.wake(workload.id)

    def remove(self, *ids: str) -> None:
        """Remove workloads."""
        with self._lock:
            for id_ in ids:
                del self._held[id_]
        for id_ in ids:
            self.wake(id_)

    def wake(self, id_: str | None = None) -> None:
        """Wake all watches."""
        for wake in tuple(self._wakes):
            wake(id_)

    def break_watch(self) -> None:
        """End the running watches, as if a stream of events was interrupted."""
        for watch in tuple(self._watches):
            watch.set()

    def scope(self) -> str:
        """Return the scope given to the constructor."""
        return self._scope

    def identity(self) -> str:
        """Return the identity that the test has set."""
        return self.own_identity

    def workloads(self) -> View[Workload]:
        """List the workloads that the test has set."""
        self._before("workloads")
        with self._lock:
            held = tuple(w for w in self._held.values() if w.id not in self.unclear)
        return View(held, complete=self.complete, unclear=self.unclear)

    def workload(self, id: str) -> Workload | None:
        """Return the workload that the test has set."""
        self._before("workload")
        with self._lock:
            return self._held.get(id)

    def watch(self, wake: Wake, stop: Event) -> None:
        """Wake at each change."""
        self._before("watch")
        over = Event()
        self._watches.append(over)
        self._wakes.append(wake)
        try:
            wake(None)
            while not stop.is_set() and not over.wait(0.01):
                pass
        finally:
            self._wakes.remove(wake)
            self._watches.remove(over)

    def close(self) -> None:
        """End the watches."""
        self.calls["close"] += 1
        self.break_watch()

    def _before(self, name: str) -> None:
        self.calls[name] += 1
        if self.failure is not None:
            raise self.failure


class FaultySink(Sink):
    """Wraps a sink, and fails or hangs on demand. `calls` counts the calls of each method.

    Operations are method names: "registrations", "register", "update", "deregister", "renew",
    "report". Changes are made one at a time, so that each can fail on its own.
    """

    def __init__(self, inner: Sink) -> None:
        self.inner = inner
        self.pulse = inner.pulse
        self.stale_for = inner.stale_for
        self.reads_beside, self.folds_case = inner.reads_beside, inner.folds_case
        self.calls: Counter[str] = Counter()
        self._faults: dict[tuple[str, str], tuple[Exception, int | None]] = {}
        self._gates: dict[str, Event] = {}

    def fail(
        self, operation: str, error: Exception, *, id_: str = "", times: int | None = None
    ) -> None:
        """Make an operation (on this id) raise the error this many times; `None`: until `heal`."""
        self._faults[operation, id_] = (error, times)

    def hang(self, operation: str) -> Callable[[], None]:
        """Make the operation block; return the function that lets it continue."""
        gate = self._gates[operation] = Event()
        return gate.set

    def heal(self) -> None:
        """Remove all faults, and let blocked operations continue."""
        self._faults.clear()
        for gate in self._gates.values():
            gate.set()
        self._gates.clear()

    def credentials(self) -> Hashable:
        return self.inner.credentials()

    def registrations(self) -> View[Registration]:
        """List the wrapped sink."""
        self._before("registrations")
        return self.inner.registrations()

    def registration(self, id: str) -> Registration | None:
        """Read one entry of the wrapped sink."""
        self._before("registration", id)
        return self.inner.registration(id)

    def register(self, new: Registration) -> Registration:
        self._before("register", new.id)
        return self.inner.register(new)

    def update(self, old: Registration, new: Registration) -> Registration:
        self._before("update", new.id)
        return self.inner.update(old, new)

    def deregister(self, old: Registration) -> None:
        self._before("deregister", old.id)
        self.inner.deregister(old)

    def apply(self, changes: Collection[Change]) -> Iterator[Outcome]:
        """Pass each change on its own to the wrapped sink's `apply`."""
        self.calls["apply"] += 1
        for change in changes:
            try:
                self._before(_OPERATIONS[type(change)], change.id)
            except Exception as error:  # noqa: BLE001 - the outcome carries whatever the test set
                yield Outcome(change, error=error)
                continue
            yield from self.inner.apply([change])

    def adjust(self, instance: Instance) -> Instance | None:
        return self.inner.adjust(instance)

    def park(self, instance: Instance) -> Instance | None:
        return self.inner.park(instance)

    def listed(self, instance: Instance) -> Instance:
        return self.inner.listed(instance)

    def renew(self, held: Collection[Registration]) -> Collection[Registration]:
        self._before("renew")
        return self.inner.renew(held)

    def report(self, results: Mapping[CheckKey, CheckResult]) -> Collection[CheckKey]:
        self._before("report")
        return self.inner.report(results)

    def watch(self, wake: Callable[[], None], stop: Event) -> None:
        self._before("watch")
        self.inner.watch(wake, stop)

    def close(self) -> None:
        """Close the wrapped sink, and let blocked operations continue."""
        self.calls["close"] += 1
        self.heal()
        self.inner.close()

    def _before(self, operation: str, id_: str = "") -> None:
        self.calls[operation] += 1
        if operation in self._gates:
            self._gates[operation].wait()
        for key in ((operation, id_), (operation, "")):
            error, times = self._faults.get(key, (None, None))
            if error is None:
                continue
            if times is not None:
                if times <= 1:
                    del self._faults[key]
                else:
                    self._faults[key] = (error, times - 1)
            raise error
