"""When to run: intervals, wakes and the order of stopping.

For each source one thread that lists and asks again, and one that watches; for each sink one
for cycles, one that watches, and one for its pulse if it has one. All are `Loop`s.
"""

import threading
import time
from collections.abc import Callable, Hashable, Mapping, Sequence

from syncer.api.checks import CheckKey, CheckResult
from syncer.desired.tracker import Tracker
from syncer.engine.election import Election, ElectionWork, election_loop
from syncer.engine.loops import Backoff, Loop, jittered
from syncer.engine.pulse import Pulse, PulseWork
from syncer.engine.reconcile import Reconciler
from syncer.events import AnyEvent, CycleFinished
from syncer.plan.guard import PAUSE

Emit = Callable[[AnyEvent], None]
Clock = Callable[[], float]

#: Seconds between two readings of a registry that says it changed.
COALESCE = 1.0
#: Seconds after which a plan that a new listing may confirm is looked at again.
GUARD_PAUSE = PAUSE
#: Seconds that a watch which broke off pauses, growing from the first to the second.
WATCH_PAUSE = (0.2, 2.0)
#: Seconds after which a watch that has heard something is not one that breaks off at once.
STEADY = 5.0
#: Wakes of a sink's loop: the desired set changed; the registry changed; it was read beside.
DESIRED, REGISTRY, READ = "desired", "registry", "read"
#: Seconds for which a loop waits that has nothing to do but what it is woken for.
IDLE = 3600.0


class SourceWork:
    """Lists a source at each interval and after a wake without an id; else asks for the ids."""

    def __init__(
        self, tracker: Tracker, changed: Callable[[], None], interval: float, clock: Clock
    ) -> None:
        self._tracker, self._changed = tracker, changed
        self._interval, self._clock = interval, clock
        self._due = float("-inf")

    def __call__(self, wakes: frozenset[Hashable]) -> float:
        """Do what the wakes ask for; returns the seconds until the next full listing."""
        due, self._due = self._due, float("-inf")  # whatever fails is made good by a listing
        if None in wakes or self._clock() >= due:
            if self._tracker.relist():
                self._changed()
            due = self._clock() + jittered(self._interval)
        elif any([self._tracker.hear(str(workload_id)) for workload_id in wakes]):
            self._changed()
        self._due = due
        return due - self._clock()


class SinkWork:
    """Runs cycles: at once when the desired set changed, reading afresh when it is time to.

    `read_beside` has the sink read in another thread, which wakes with `READ`; False: not now.
    """

    def __init__(
        self,
        reconciler: Reconciler,
        finished: Callable[[CycleFinished], None],
        interval: float,
        clock: Clock,
        read_beside: Callable[[], bool] = lambda: False,
    ) -> None:
        self._read_beside = read_beside
        self._reconciler, self._finished = reconciler, finished
        self._interval, self._clock = interval, clock
        self._due = self._last_read = float("-inf")
        self._being_read = False
        self._retries = Backoff()

    def __call__(self, wakes: frozenset[Hashable]) -> float:
        """Run a cycle if one is due; returns the seconds until the next."""
        now = self._clock()
        if REGISTRY in wakes:
            self._due = min(self._due, max(now, self._last_read + COALESCE))
        due, read = now >= self._due, READ in wakes
        if due and (read or self._being_read):
            due = False  # one reading at a time: what was read is taken first
        elif due and self._read_beside():
            due, self._being_read = False, True
            self._last_read, self._due = now, now + jittered(self._interval)
        self._being_read = self._being_read and not read
        if due or read or DESIRED in wakes:
            report = self._reconciler.cycle(fresh=due or read)
            if due:
                self._last_read, self._due = now, self._clock() + jittered(self._interval)
            self._due = min(self._due, self._clock() + self._patience(report))
            self._finished(report)
        delay = self._due - self._clock()
        return IDLE if self._being_read and delay <= 0 else delay

    def _patience(self, report: CycleFinished) -> float:
        """The seconds after which this report wants the sink to be looked at again."""
        if report.retry:
            return self._retries.next()
        self._retries.reset()
        if report.again:
            return 0.0
        return GUARD_PAUSE if report.relist else float("inf")


class WatchWork:
    """Watches, and wakes another loop with what it hears.

    Hearing anything shows that it `does_well`, unless it broke off soon after it was heard
    of last: then its pauses go on growing, and its failures are not told each time.
    """

    def __init__(
        self,
        watch: Callable[..., None],
        wake: Callable[..., None],
        stop: threading.Event,
        clock: Clock,
    ) -> None:
        self._watch, self._wake, self._stop, self._clock = watch, wake, stop, clock
        self._began = float("-inf")
        self._heard = self._breaks_off = False
        self.does_well: Callable[[], None] = lambda: None

    def __call__(self, wakes: frozenset[Hashable]) -> float:
        """Watch until that ends; returns the seconds to pause then."""
        self._began, self._heard = self._clock(), False
        try:
            self._watch(self._woken, self._stop)
        finally:
            self._breaks_off = self._heard and not self._steady()
        return WATCH_PAUSE[0] if self._steady() else WATCH_PAUSE[1]

    def _woken(self, *what: str | None) -> None:
        self._heard = True
        if self._steady() or not self._breaks_off:
            self.does_well()
        self._wake(*what)

    def _steady(self) -> bool:
        return self._clock() - self._began >= STEADY


class Daemon:
    """The threads that keep sinks equal to sources, from `start` to `finish`."""

    def __init__(
        self,
        trackers: Sequence[Tracker],
        reconcilers: Sequence[Reconciler],
        *,
        interval: float,
        emit: Emit,
        clock: Clock = time.monotonic,
    ) -> None:
        self._trackers, self._reconcilers = trackers, reconcilers
        self._interval, self._emit, self._clock = interval, emit, clock
        self._stopping = threading.Event()
        self._source_loops = [self._source_loop(tracker) for tracker in trackers]
        self._sink_loops: list[Loop] = []
        self._pulse_loops: list[Loop] = []
        self._readers: list[Loop] = []
        self._elections: list[Loop] = []
        self._watches = [
            self._watch(f"watch {tracker.name}", tracker.source.watch, loop.wake)
            for tracker, loop in zip(trackers, self._source_loops, strict=True)
        ]
        for reconciler in reconcilers:
            self._add_sink(reconciler)

    def start(self) -> None:
        """Start every thread; returns at once."""
        working = (*self._sink_loops, *self._source_loops, *self._pulse_loops)
        for loop in (*self._elections, *self._readers, *working, *self._watches):
            loop.start()

    def rest(self, timeout: float) -> bool:
        """Let all but the pulses end, within `timeout` seconds; returns whether all of it did.

        Who leads does so until nothing is written any more.
        """
        deadline = self._clock() + timeout
        self._stopping.set()
        working = (*self._source_loops, *self._sink_loops, *self._readers)
        for loop in (*working, *self._watches):
            loop.stop()
        ended = self._join(working, timeout)
        for loop in self._elections:
            loop.stop()
        return self._join(self._elections, deadline - self._clock()) and ended

    def end_pulses(self, timeout: float) -> bool:
        """Have the pulses end after the beat that is under way; whether they did in time."""
        for loop in self._pulse_loops:
            loop.stop()
        return self._join(self._pulse_loops, timeout)

    def finish(self, timeout: float) -> bool:
        """Let running work end, within `timeout` seconds; returns whether all of it did.

        The pulses go on to the last: until then nothing may run out.
        """
        deadline = self._clock() + timeout
        ended = self.rest(timeout)
        return self.end_pulses(deadline - self._clock()) and ended

    def join_watches(self, timeout: float) -> bool:
        """Wait for the watches, which end when sources and sinks are closed; whether they have."""
        return self._join(self._watches, timeout)

    def _join(self, loops: Sequence[Loop], timeout: float) -> bool:
        deadline = self._clock() + timeout
        return all([loop.join(max(0.0, deadline - self._clock())) for loop in loops])

    def busy(self) -> dict[str, Hashable]:
        """The loops that do something just now, each with what changes when that comes on.

        Without the watches: they wait for others.
        """
        loops = (*self._source_loops, *self._pulse_loops, *self._readers, *self._elections)
        found: dict[str, Hashable] = {loop.name: doing for loop in loops if (doing := loop.doing)}
        for reconciler, loop in zip(self._reconcilers, self._sink_loops, strict=True):
            if doing := loop.doing:
                found[loop.name] = (doing, reconciler.settled)
        return found

    def refresh(self) -> None:
        """Look at every source and every sink again, now."""
        for loop in self._source_loops:
            loop.wake(None)
        for loop in self._sink_loops:
            loop.wake(REGISTRY)

    def plan_again(self, sinks: frozenset[str]) -> None:
        """Have these sinks planned for again: what they should hold has changed."""
        for reconciler, loop in zip(self._reconcilers, self._sink_loops, strict=True):
            if reconciler.name in sinks:
                loop.wake(DESIRED)

    def _source_loop(self, tracker: Tracker) -> Loop:
        work = SourceWork(tracker, self._desired_changed, self._interval, self._clock)
        return Loop(
            f"source {tracker.name}", work, self._emit, urgent=None, on_failure=tracker.fail
        )

    def _desired_changed(self) -> None:
        for loop in self._sink_loops:
            loop.wake(DESIRED)

    def _add_sink(self, reconciler: Reconciler) -> None:
        pulse = self._pulse_loop(reconciler)
        beaten: tuple[bool, Mapping[CheckKey, CheckResult]] = (False, {})

        def finished(report: CycleFinished) -> None:
            nonlocal beaten
            if report.relist:
                for source in self._source_loops:
                    source.wake(None)
            # What an earlier process left may run out sooner than a whole period from now.
            if pulse and (now := (reconciler.holds_any(), reconciler.results())) != beaten:
                beaten = now
                pulse.wake()

        read_beside = self._reader(reconciler, lambda: loop.wake(READ))
        work = SinkWork(reconciler, finished, self._interval, self._clock, read_beside)
        loop = Loop(f"sink {reconciler.name}", work, self._emit, urgent=REGISTRY)
        self._sink_loops.append(loop)
        if election := reconciler.election:
            self._elections.append(self._election_loop(reconciler.name, election, loop))
        self._watches.append(
            self._watch(
                f"watch {reconciler.name}",
                reconciler.sink.watch,
                lambda *_: loop.wake(REGISTRY),
            )
        )

    def _reader(self, reconciler: Reconciler, done: Callable[[], None]) -> Callable[[], bool]:
        """What has the sink read beside its cycles, if it may be now; returns whether."""

        def read(wakes: frozenset[Hashable]) -> float:
            if wakes:
                reconciler.read_ahead()
                done()
            return IDLE

        def begin() -> bool:
            if may := reconciler.may_read_ahead():
                loop.wake()
            return may

        loop = Loop(f"read {reconciler.name}", read, self._emit)
        if reconciler.sink.reads_beside:
            self._readers.append(loop)
        return begin

    def _election_loop(self, name: str, election: Election, sink_loop: Loop) -> Loop:
        work = ElectionWork(name, election, self._emit, lambda: sink_loop.wake(REGISTRY))
        return election_loop(name, election, work, self._emit)

    def _pulse_loop(self, reconciler: Reconciler) -> Loop | None:
        if reconciler.sink.pulse is None:
            return None
        every = reconciler.sink.pulse.total_seconds()
        place = len(self._sink_loops)
        pulse = Pulse(reconciler, self._emit, lambda: self._sink_loops[place].wake(REGISTRY))
        work = PulseWork(reconciler, pulse, every, self._emit, self._clock)
        loop = Loop(f"pulse {reconciler.name}", work, self._emit, backoff=Backoff(1.0, every))
        self._pulse_loops.append(loop)
        return loop

    def _watch(self, name: str, watch: Callable[..., None], wake: Callable[..., None]) -> Loop:
        """A loop that watches; what it sees wakes another loop."""
        work = WatchWork(watch, wake, self._stopping, self._clock)
        loop = Loop(name, work, self._emit, backoff=Backoff(*WATCH_PAUSE))
        work.does_well = loop.succeeded
        return loop
