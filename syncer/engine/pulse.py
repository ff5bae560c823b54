"""Work that must reach a registry on time, whatever cycles and sources do: renewals and health.

Each of our entries that the last cycle knew is renewed, until its removal has succeeded.
The sink's cycle is woken when one is lost, and writes it again at once.
"""

import time
from collections.abc import Callable
from datetime import timedelta

from syncer.engine.cycle.reconcile import Reconciler
from syncer.engine.loops import Backoff, Loop, Wakes
from syncer.events import AnyEvent, LeaseLost, PulseBeaten


class Pulse:
    """Renews one sink's registrations and reports the checks that syncer feeds.

    `on_loss` is called if something was lost, also if the rest of the beat fails.
    """

    def __init__(
        self,
        reconciler: Reconciler,
        emit: Callable[[AnyEvent], None],
        on_loss: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._reconciler, self._emit, self._on_loss = reconciler, emit, on_loss
        self._clock = clock
        self._due: float | None = None
        self._every = (reconciler.sink.pulse or timedelta(0)).total_seconds()

    def loop(self) -> Loop:
        """Return a loop that beats as often as the sink needs it."""
        name = f"pulse {self._reconciler.name}"
        return Loop(name, self.work, self._emit, backoff=Backoff(1.0, self._every))

    def work(self, wakes: Wakes) -> float:
        """Beat, and tell how late that was; return the seconds until the next beat.

        After beats that failed, the next one is as late as the first of them.
        """
        began = self._clock()
        if self._due is None:
            self._due = began
        self.beat()
        late, self._due = max(0.0, began - self._due), began + self._every
        self._emit(
            PulseBeaten(
                sink=self._reconciler.name,
                held=len(self._reconciler.alive()),
                every=self._every,
                late=late,
                seconds=self._clock() - began,
            )
        )
        return self._every

    def beat(self) -> int:
        """Renew and report once; return how many registrations or checks were lost.

        Raises what the sink raises, after both were tried.
        """
        sink, held = self._reconciler.sink, self._reconciler.alive()
        ids = {registration.id for registration in held}
        known = {k: r for k, r in self._reconciler.results().items() if k.instance in ids}
        lost = 0
        try:
            try:
                lost += len(sink.renew(held)) if held else 0
            finally:
                lost += len(sink.report(known)) if known else 0
        finally:
            if lost:
                self._emit(LeaseLost(sink=self._reconciler.name, lost=lost))
                self._on_loss()
        return lost
