"""What must reach a registry on time, whatever cycles and sources do: renewals and health.

Held, and so renewed, is every registration of ours that the last cycle knew, until its removal
has succeeded. Losses are told to the sink's loop, which writes them again at once.
"""

from collections.abc import Callable, Hashable

from syncer.engine.reconcile import Reconciler
from syncer.events import AnyEvent, LeaseLost, PulseBeaten

Emit = Callable[[AnyEvent], None]


class Pulse:
    """Renews one sink's registrations and reports the checks that syncer feeds.

    `on_loss` is called when something was lost, also if the rest of the beat fails.
    """

    def __init__(
        self,
        reconciler: Reconciler,
        emit: Emit,
        on_loss: Callable[[], None] = lambda: None,
    ) -> None:
        self._reconciler, self._emit, self._on_loss = reconciler, emit, on_loss

    def beat(self) -> int:
        """Renew and report once; returns how many registrations or checks were lost.

        Raises what the sink raises, after both were tried.
        """
        sink, held = self._reconciler.sink, self._reconciler.held()
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


class PulseWork:
    """Beats at one sink's pulse, and tells how late that was.

    A beat that failed is made good by the next: that one is as late as the first that was due.
    """

    def __init__(
        self,
        reconciler: Reconciler,
        pulse: Pulse,
        every: float,
        emit: Emit,
        clock: Callable[[], float],
    ) -> None:
        self._reconciler, self._pulse, self._every = reconciler, pulse, every
        self._emit, self._clock = emit, clock
        self._due: float | None = None

    def __call__(self, wakes: frozenset[Hashable]) -> float:
        """Renew and report once; returns the seconds until the next time."""
        began = self._clock()
        if self._due is None:
            self._due = began
        self._pulse.beat()
        late, self._due = max(0.0, began - self._due), began + self._every
        held, seconds = len(self._reconciler.held()), self._clock() - began
        told = {"every": self._every, "late": late, "seconds": seconds}
        self._emit(PulseBeaten(sink=self._reconciler.name, held=held, **told))
        return self._every
