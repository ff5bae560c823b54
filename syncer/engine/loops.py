"""A supervised thread that works when it is woken or due, and never gives up."""

import random
import threading
from collections.abc import Callable
from enum import Enum, auto

from syncer.api.errors import SyncerError, text_of, trace_of
from syncer.events import AnyEvent, LoopFailed, LoopRecovered

#: The first failure in a row is news, and then every tenth.
NEWS_EVERY = 10


class Trigger(Enum):
    """Why a loop is woken. A loop that lists a source is also woken with the ids of workloads."""

    #: Look at everything again: list the source, read the sink. It ends the delay after a failure.
    EVERYTHING = auto()
    #: The desired entries of a sink have changed.
    DESIRED = auto()
    #: The sink has been read ahead.
    READ = auto()
    #: Do the loop's only work, now.
    NOW = auto()


Wakes = frozenset[Trigger | str]
Work = Callable[[Wakes], float]


class Backoff:
    """Delays in seconds that double from `first` up to `cap`, each varied by its jitter.

    Each delay lies between half of the current step and the whole, so that many hosts that failed
    together do not all retry together.
    """

    def __init__(
        self, first: float = 1.0, cap: float = 30.0, rand: Callable[[], float] = random.random
    ) -> None:
        self._first, self._cap, self._rand = first, cap, rand
        self.failures = 0

    def next(self) -> float:
        """Count one more failure; return the seconds to wait."""
        step = min(self._cap, self._first * 2.0 ** min(self.failures, 30))
        self.failures += 1
        return step * (0.5 + self._rand() / 2)

    def reset(self) -> int:
        """Reset after a success; return how many failures there were."""
        failures, self.failures = self.failures, 0
        return failures


def jittered(seconds: float, rand: Callable[[], float] = random.random) -> float:
    """Vary an interval by ten percent either way."""
    return seconds * (0.9 + 0.2 * rand())


class Mailbox:
    """Collects wakes, each of them once, until they are taken together."""

    def __init__(self) -> None:
        self._items: set[Trigger | str] = set()
        self._changed = threading.Condition()
        self._closed = False

    def put(self, item: Trigger | str) -> None:
        """Add a wake, unless it is there already."""
        with self._changed:
            self._items.add(item)
            self._changed.notify()

    def close(self) -> None:
        """Make `take` and `wait_for` return at once from now on."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def take(self, timeout: float) -> Wakes:
        """Return all wakes added since the last call; wait up to `timeout` seconds for one."""
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._closed, max(0.0, timeout))
            items, self._items = frozenset(self._items), set()
            return items

    def wait_for(self, item: Trigger, timeout: float) -> None:
        """Wait up to `timeout` seconds until this wake is there, and leave it there."""
        with self._changed:
            self._changed.wait_for(lambda: item in self._items or self._closed, timeout)


class Loop:
    """Calls `work` with the wakes that arrived, and again after the seconds that it returned.

    Whatever `work` raises, it is called again with the same wakes, after growing, jittered delays,
    for ever. During a delay wakes are only collected: a busy host does not ask a registry that is
    down more often. Only `Trigger.EVERYTHING` ends the delay, after `least` seconds: it means that
    the other side is back.
    """

    def __init__(
        self,
        name: str,
        work: Work,
        emit: Callable[[AnyEvent], None],
        *,
        on_failure: Callable[[str], None] = lambda error: None,
        backoff: Backoff | None = None,
        least: float = 1.0,
    ) -> None:
        self.name = name
        self._work, self._emit, self._on_failure = work, emit, on_failure
        self._backoff, self._least = backoff or Backoff(), least
        self._mailbox = Mailbox()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"syncer {name}", daemon=True)
        self._last_error = ""
        self._after = 0.0
        self._rounds = 0
        #: The number of the call to `work` that is running; 0 if none is.
        self.doing = 0

    def start(self, after: float = 0.0) -> None:
        """Start the thread; it first works after so many seconds, or when it is woken."""
        self._after = after
        self._thread.start()

    def wake(self, item: Trigger | str = Trigger.NOW) -> None:
        """Have the work done at once, or once more if it is being done now."""
        self._mailbox.put(item)

    def stop(self) -> None:
        """Ask the thread to end once its running work is done."""
        self._stop.set()
        self._mailbox.close()

    def join(self, timeout: float) -> bool:
        """Wait for the thread to end; return whether it has ended."""
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        wakes: Wakes = self._mailbox.take(self._after) if self._after else frozenset()
        while not self._stop.is_set():
            try:
                delay = self._do(wakes)
            except BaseException as error:  # noqa: BLE001 - a loop outlives whatever a plugin raises
                self._pause(self._failed(error))
                wakes |= self._mailbox.take(0)
                continue
            self.mark_healthy()
            wakes = self._mailbox.take(delay)

    def _do(self, wakes: Wakes) -> float:
        self._rounds += 1
        self.doing = self._rounds
        try:
            return self._work(wakes)
        finally:
            self.doing = 0

    def mark_healthy(self) -> None:
        """Report success, also from work that does not return while it succeeds (watches)."""
        if failures := self._backoff.reset():
            self._last_error = ""
            self._emit(LoopRecovered(loop=self.name, failures=failures))

    def _pause(self, delay: float) -> None:
        self._stop.wait(min(self._least, delay))
        self._mailbox.wait_for(Trigger.EVERYTHING, delay - self._least)

    def _failed(self, error: BaseException) -> float:
        delay = self._backoff.next()
        text = text_of(error)
        self._on_failure(text)
        failures, other = self._backoff.failures, text != self._last_error
        expected = isinstance(error, SyncerError)
        trace = "" if expected or not other else trace_of(error)
        self._emit(
            LoopFailed(
                loop=self.name,
                error=text,
                failures=failures,
                retry_in=delay,
                trace=trace,
                news=other or failures == 1 or failures % NEWS_EVERY == 0,
            )
        )
        self._last_error = text
        return delay
