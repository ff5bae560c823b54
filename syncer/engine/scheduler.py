"""When to run: intervals, wakes, and the order of stopping.

Each source has a thread that lists it and one that watches it. Each sink has a thread for its
cycles and one that watches it and, where it needs them, one each for its pulse, for reading ahead
and for its election. All of them are `Loop`s.
"""

import threading
import time
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence

import attrs

from syncer.api.checks import CheckKey, CheckResult
from syncer.api.keys import Part
from syncer.desired.tracker import Tracker
from syncer.engine.credentials import CredentialsWork, Used
from syncer.engine.cycle.reading import ReadState
from syncer.engine.cycle.reconcile import Reconciler
from syncer.engine.cycle.reporter import CycleReport
from syncer.engine.loops import Backoff, Loop, Trigger, Wakes, jittered
from syncer.engine.pulse import Pulse
from syncer.events import AnyEvent
from syncer.plan.guard import PAUSE

Emit = Callable[[AnyEvent], None]
Clock = Callable[[], float]

#: Seconds between two full reads of a registry that keeps reporting changes.
COALESCE = 1.0
#: Seconds after which a plan that a new listing may confirm is made again.
GUARD_PAUSE = PAUSE
#: Seconds after which a plan is made again that was made on what has changed since: twice this at
#: most the first time, growing to the second.
AGAIN_PAUSE = (2.0, 30.0)
#: Seconds to pause after a watch ended, growing from the first to the second.
WATCH_PAUSE = (0.2, 2.0)
#: Seconds after which a watch that heard something does not count as one that ends at once.
STEADY = 5.0
#: Seconds that a loop waits if only a wake gives it work.
UNTIL_WOKEN = 3600.0
#: Seconds after which a missing address of the host is looked for again.
LOOK_AGAIN = 1.0


class SourceWork:
    """Lists a source at each interval and when everything is asked for, else refreshes ids."""

    def __init__(
        self, tracker: Tracker, changed: Callable[[], None], interval: float, clock: Clock
    ) -> None:
        self._tracker, self._changed = tracker, changed
        self._interval, self._clock = interval, clock
        self._due = float("-inf")

    def __call__(self, wakes: Wakes) -> float:
        """Do what the wakes ask for; return the seconds until the next full listing."""
        due, self._due = self._due, float("-inf")  # after any failure, list
        asked = Trigger.EVERYTHING in wakes or self._clock() >= due
        if asked or self._tracker.address_is_back():
            if self._tracker.relist():
                self._changed()
            due = self._clock() + jittered(self._interval)
        elif wakes and self._tracker.refresh(*map(str, wakes)):
            self._changed()
        self._due = due
        delay = due - self._clock()
        return min(delay, LOOK_AGAIN) if self._tracker.lacks_address else delay


class SinkWork:
    """Runs cycles: at once when the desired set changed, with a full read when one is due.

    `read_ahead` has another thread read the sink, and returns whether it does: else a cycle reads.
    """

    def __init__(
        self,
        reconciler: Reconciler,
        finished: Callable[[CycleReport], None],
        interval: float,
        clock: Clock,
        read_ahead: Callable[[], bool],
    ) -> None:
        self._reconciler, self._finished, self._read_ahead = reconciler, finished, read_ahead
        self._interval, self._clock = interval, clock
        self._due = self._last_read = float("-inf")
        self._retries, self._looks = Backoff(), Backoff(*AGAIN_PAUSE)

    def __call__(self, wakes: Wakes) -> float:
        """Run a cycle if one is due; return the seconds until the next."""
        now, reading = self._clock(), self._reconciler.reading
        if Trigger.EVERYTHING in wakes:
            self._due = min(self._due, max(now, self._last_read + COALESCE))
        # One read at a time: the one that was made ahead is used before another begins.
        due = now >= self._due and reading.state is ReadState.IDLE
        if due:
            self._last_read = now
            if self._read_ahead():
                self._due, due = now + jittered(self._interval), False
        fresh = due or reading.state is ReadState.READY
        if fresh or Trigger.DESIRED in wakes:
            before, self._due = (
                self._due,
                float("-inf") if fresh else self._due,
            )  # if it fails, read
            report = self._reconciler.cycle(fresh=fresh)
            next_read = self._clock() + jittered(self._interval) if due else before
            self._due = min(next_read, self._clock() + self._patience(report))
            self._finished(report)
        delay = self._due - self._clock()
        return UNTIL_WOKEN if reading.state is ReadState.READING and delay <= 0 else delay

    def _patience(self, report: CycleReport) -> float:
        """Return the seconds after which the sink should be looked at again, by this report."""
        if report.finished.retry:
            return self._retries.next()
        self._retries.reset()
        if report.again:
            return self._looks.next()
        self._looks.reset()
        return min(GUARD_PAUSE, report.wait) if report.relist else report.wait


class WatchWork:
    """Watches, and wakes another loop with what it hears.

    Anything heard shows that the watch is healthy, unless it ended soon after it last heard
    something: then its pauses go on growing, and not each of its failures is news.
    """

    def __init__(
        self,
        watch: Callable[..., None],
        wake: Callable[..., None],
        stop: threading.Event,
        clock: Clock,
        mark_healthy: Callable[[], None],
    ) -> None:
        self._watch, self._wake, self._stop, self._clock = watch, wake, stop, clock
        self._mark_healthy = mark_healthy
        self._began = float("-inf")
        self._heard = self._ends_early = False

    def __call__(self, wakes: Wakes) -> float:
        """Watch until the watch ends; return the seconds to pause then."""
        self._began, self._heard = self._clock(), False
        try:
            self._watch(self._woken, self._stop)
        finally:
            self._ends_early = self._heard and not self._steady()
        return WATCH_PAUSE[0] if self._steady() else WATCH_PAUSE[1]

    def _woken(self, *what: str | None) -> None:
        self._heard = True
        if self._steady() or not self._ends_early:
            self._mark_healthy()
        self._wake(*what)

    def _steady(self) -> bool:
        return self._clock() - self._began >= STEADY


@attrs.frozen
class Surroundings:
    """Shared by all threads: how often, where events go, the time, and when watches end."""

    interval: float
    emit: Emit
    clock: Clock
    stopping: threading.Event = attrs.field(factory=threading.Event)

    def watch(
        self,
        name: str,
        watch: Callable[..., None],
        wake: Callable[..., None],
        broken: Callable[[], None] = lambda: None,
    ) -> Loop:
        """Return a loop that watches, and calls `wake` with what it hears.

        `broken` is called when the watch fails, at the first failure in a row.
        """
        backoff = Backoff(*WATCH_PAUSE)

        def on_failure(error: str) -> None:
            if backoff.failures == 1:
                broken()

        work = WatchWork(watch, wake, self.stopping, self.clock, lambda: loop.mark_healthy())
        part = Part("watch", name)
        loop = Loop(part, work, self.emit, backoff=backoff, on_failure=on_failure)
        return loop


class SourceThreads:
    """The threads of one source; `changed` is called when what should be registered changed."""

    def __init__(self, tracker: Tracker, shared: Surroundings, changed: Callable[[], None]) -> None:
        name, work = tracker.name, SourceWork(tracker, changed, shared.interval, shared.clock)
        self.listing = Loop(
            Part("source", name), work, shared.emit, on_failure=tracker.note_failure
        )
        # Without events a listing tells whether the source is away: not only at the next interval.
        self.watch = shared.watch(name, tracker.source.watch, self._woken, self._retry)
        self.used = Used(tracker.source.credentials, self._retry)

    def _retry(self) -> None:
        """List at once, also during a pause after a failure."""
        self.listing.wake(Trigger.EVERYTHING)

    def _woken(self, workload_id: str | None) -> None:
        self.listing.wake(Trigger.EVERYTHING if workload_id is None else workload_id)


class SinkThreads:
    """The threads of one sink; `relist` has every source listed again."""

    def __init__(
        self, reconciler: Reconciler, shared: Surroundings, relist: Callable[[], None]
    ) -> None:
        self.reconciler, self._relist = reconciler, relist
        name, sink, emit = reconciler.name, reconciler.sink, shared.emit
        work = SinkWork(reconciler, self._finished, shared.interval, shared.clock, self._read_ahead)
        self.cycle = Loop(Part("sink", name), work, emit)
        self.watch = shared.watch(name, sink.watch, self._read_again)
        self.pulse = None
        if sink.pulse is not None:
            self.pulse = Pulse(reconciler, emit, self._read_again, shared.clock).loop()
        self.reader = Loop(Part("read", name), self._read, emit) if sink.reads_beside else None
        election = reconciler.election
        self.election = election.loop(self._read_again) if election else None
        self.used = Used(sink.credentials, self._retry)
        self._kept_alive: tuple[bool, Mapping[CheckKey, CheckResult]] = (False, {})

    def _retry(self) -> None:
        """Do all work at once, also during a pause after a failure."""
        for loop in filter(None, (self.cycle, self.pulse, self.election)):
            loop.wake(Trigger.EVERYTHING)

    def _read_again(self) -> None:
        self.cycle.wake(Trigger.EVERYTHING)

    def _finished(self, report: CycleReport) -> None:
        if report.relist:
            self._relist()
        now = (self.reconciler.holds_any(), self.reconciler.results())
        # Entries of an earlier process may expire sooner than a whole period from now.
        if self.pulse and now != self._kept_alive:
            self._kept_alive = now
            self.pulse.wake()

    def _read_ahead(self) -> bool:
        """Have the sink read while cycles go on, if that is possible now; return whether it is."""
        if self.reader is None or not self.reconciler.reading.begin():
            return False
        self.reader.wake()
        return True

    def _read(self, wakes: Wakes) -> float:
        if wakes:
            self.reconciler.reading.read_ahead()
            self.cycle.wake(Trigger.READ)
        return UNTIL_WOKEN


class Scheduler:
    """The threads that keep sinks equal to sources, from `start` to `finish`."""

    def __init__(
        self,
        trackers: Collection[Tracker],
        reconcilers: Collection[Reconciler],
        *,
        interval: float,
        emit: Emit,
        clock: Clock = time.monotonic,
    ) -> None:
        self._clock, shared = clock, Surroundings(interval, emit, clock)
        self._stopping = shared.stopping
        self._sources = [SourceThreads(one, shared, self._plan_all) for one in trackers]
        self._sinks = [SinkThreads(one, shared, self._list_all) for one in reconcilers]
        self._elections = [one.election for one in self._sinks if one.election]
        self._readers = [one.reader for one in self._sinks if one.reader]
        self._pulses = [one.pulse for one in self._sinks if one.pulse]
        self._listings = [one.listing for one in self._sources]
        self._cycles = [one.cycle for one in self._sinks]
        self._watches = [one.watch for one in self._sources] + [one.watch for one in self._sinks]
        used = [*(one.used for one in self._sources), *(one.used for one in self._sinks)]
        self._watches.append(Loop("credentials", CredentialsWork(used), emit))

    def start(self) -> None:
        """Start every thread; return at once."""
        working = (*self._cycles, *self._listings, *self._pulses)
        for loop in (*self._elections, *self._readers, *working, *self._watches):
            loop.start()

    def rest(self, timeout: float) -> bool:
        """End all but the pulses within `timeout` seconds; return whether all of it ended.

        A leader keeps its lock until nothing is written any more.
        """
        deadline = self._clock() + timeout
        self._stopping.set()
        working = (*self._listings, *self._cycles, *self._readers)
        for loop in (*working, *self._watches):
            loop.stop()
        ended = self._join(working, timeout)
        for loop in self._elections:
            loop.stop()
        return self._join(self._elections, deadline - self._clock()) and ended

    def end_pulses(self, timeout: float) -> bool:
        """End the pulses after the running beat; return whether they ended in time."""
        for loop in self._pulses:
            loop.stop()
        return self._join(self._pulses, timeout)

    def finish(self, timeout: float) -> bool:
        """End all running work within `timeout` seconds; return whether all of it ended.

        The pulses end last: until then nothing may expire.
        """
        deadline = self._clock() + timeout
        ended = self.rest(timeout)
        return self.end_pulses(deadline - self._clock()) and ended

    def join_watches(self, timeout: float) -> bool:
        """Wait for the watches, which end when sources and sinks are closed; return whether."""
        return self._join(self._watches, timeout)

    def _join(self, loops: Sequence[Loop], timeout: float) -> bool:
        deadline = self._clock() + timeout
        return all([loop.join(max(0.0, deadline - self._clock())) for loop in loops])

    def busy(self) -> dict[str, Hashable]:
        """Return the loops that work just now, each with a value that changes with progress.

        The watches are left out: they wait for others.
        """
        loops = (*self._listings, *self._pulses, *self._readers, *self._elections)
        found: dict[str, Hashable] = {loop.name: doing for loop in loops if (doing := loop.doing)}
        for sink in self._sinks:
            if doing := sink.cycle.doing:
                found[sink.cycle.name] = (doing, sink.reconciler.changes_done)
        return found

    def refresh(self) -> None:
        """List every source and read every sink again, now."""
        for loop in (*self._listings, *self._cycles):
            loop.wake(Trigger.EVERYTHING)

    def plan_again(self, sinks: Collection[str]) -> None:
        """Plan again for these sinks: what they should hold has changed."""
        for sink in self._sinks:
            if sink.reconciler.name in sinks:
                sink.cycle.wake(Trigger.DESIRED)

    def _plan_all(self) -> None:
        for loop in self._cycles:
            loop.wake(Trigger.DESIRED)

    def _list_all(self) -> None:
        for loop in self._listings:
            loop.wake(Trigger.EVERYTHING)
