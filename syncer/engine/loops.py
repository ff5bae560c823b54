"""A supervised thread that works when woken or when its time has come, and never gives up."""

import random
import threading
import traceback
from collections.abc import Callable, Hashable

from syncer.api.errors import SyncerError
from syncer.events import AnyEvent, LoopFailed, LoopRecovered

#: Failures in a row that are news: the first, and then every tenth.
NEWS_EVERY = 10

Work = Callable[[frozenset[Hashable]], float]


class Backoff:
    """Delays in seconds that double from `first` up to `cap`, each varied by its jitter.

    The delay lies between half and the whole of the present step, so that many hosts that
    failed together do not come back together.
    """

    def __init__(
        self, first: float = 1.0, cap: float = 30.0, rand: Callable[[], float] = random.random
    ) -> None:
        self._first, self._cap, self._rand = first, cap, rand
        self.failures = 0

    def next(self) -> float:
        """Count one more failure; returns the seconds to wait."""
        step = min(self._cap, self._first * 2.0 ** min(self.failures, 30))
        self.failures += 1
        return step * (0.5 + self._rand() / 2)

    def reset(self) -> int:
        """Forget the failures after a success; returns how many there were."""
        failures, self.failures = self.failures, 0
        return failures


def jittered(seconds: float, rand: Callable[[], float] = random.random) -> float:
    """An interval varied by ten percent either way."""
    return seconds * (0.9 + 0.2 * rand())


class Mailbox:
    """Collects wakes, each once, until they are taken together."""

    def __init__(self) -> None:
        self._items: set[Hashable] = set()
        self._changed = threading.Condition()
        self._closed = False

    def put(self, item: Hashable) -> None:
        """Leave a wake; one that is there already is not left twice."""
        with self._changed:
            self._items.add(item)
            self._changed.notify()

    def close(self) -> None:
        """Let a waiting `take` return at once, now and from now on."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def take(self, timeout: float) -> frozenset[Hashable]:
        """All wakes left since the last call; waits up to `timeout` seconds for the first."""
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._closed, max(0.0, timeout))
            items, self._items = frozenset(self._items), set()
            return items

    def wait_for(self, item: Hashable, timeout: float) -> None:
        """Wait until this wake is there, leaving it there, for at most `timeout` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: item in self._items or self._closed, timeout)


class Loop:
    """Calls `work` with the wakes that came, and again after the seconds that it returned.

    Whatever `work` raises, it is called again, after growing, jittered delays without an upper
    count; the wakes it was called with are kept for that. During such a delay wakes are
    only collected: a registry that is down is not asked more often by a busy host. One kind
    of wake, `urgent`, ends the delay, after `least` seconds: it means that the other side is
    there again.
    """

    def __init__(
        self,
        name: str,
        work: Work,
        emit: Callable[[AnyEvent], None],
        *,
        urgent: Hashable = "",
        on_failure: Callable[[str], None] = lambda error: None,
        backoff: Backoff | None = None,
        least: float = 1.0,
    ) -> None:
        self.name = name
        self._work, self._emit, self._on_failure = work, emit, on_failure
        self._urgent, self._least = urgent, least
        self._backoff = backoff or Backoff()
        self._mailbox = Mailbox()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"syncer {name}", daemon=True)
        self._last_error = ""
        self._after = 0.0
        self._rounds = 0
        #: The number of the work that is being done now; 0 while there is none.
        self.doing = 0

    def start(self, after: float = 0.0) -> None:
        """Start the thread; its first work is to be done after so many seconds, or when woken."""
        self._after = after
        self._thread.start()

    def wake(self, item: Hashable = None) -> None:
        """Have the work done at once, or once more if it is being done now."""
        self._mailbox.put(item)

    def stop(self) -> None:
        """Ask the thread to end after the work it is doing."""
        self._stop.set()
        self._mailbox.close()

    def join(self, timeout: float) -> bool:
        """Wait for the thread to end; returns whether it has."""
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        wakes = self._mailbox.take(self._after) if self._after else frozenset()
        while not self._stop.is_set():
            try:
                delay = self._do(wakes)
            except BaseException as error:  # noqa: BLE001 - a loop outlives whatever a plugin raises
                self._pause(self._failed(error))
                wakes |= self._mailbox.take(0)
                continue
            self.succeeded()
            wakes = self._mailbox.take(delay)

    def _do(self, wakes: frozenset[Hashable]) -> float:
        self._rounds += 1
        self.doing = self._rounds
        try:
            return self._work(wakes)
        finally:
            self.doing = 0

    def succeeded(self) -> None:
        """The work does well; called by work that does not return while it does."""
        if failures := self._backoff.reset():
            self._last_error = ""
            self._emit(LoopRecovered(loop=self.name, failures=failures))

    def _pause(self, delay: float) -> None:
        self._stop.wait(min(self._least, delay))
        self._mailbox.wait_for(self._urgent, delay - self._least)

    def _failed(self, error: BaseException) -> float:
        delay = self._backoff.next()
        text = _text(error)
        self._on_failure(text)
        failures, other = self._backoff.failures, text != self._last_error
        expected = isinstance(error, SyncerError)
        trace = "" if expected or not other else "".join(traceback.format_exception(error))
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


def _text(error: BaseException) -> str:
    try:
        return str(error) or type(error).__name__
    except Exception:  # noqa: BLE001 - an error of a plugin may fail at this too
        return type(error).__name__
