"""How an engine ends: what it does comes to its end, then what it has open is closed.

In an order that leaves no gap. Nothing is written any more before the lock is given away and before
another engine takes the place of this one; what is registered is renewed until then.
"""

from collections.abc import Callable, Mapping

import attrs

from syncer.desired.tracker import Tracker
from syncer.engine.queries import Attempt
from syncer.engine.reconcile import Reconciler
from syncer.engine.scheduler import Daemon

#: Called once nothing is written any more; whether another engine goes on from there.
HandOver = Callable[[], bool]
#: Seconds to wait for watches, which end when sources and sinks are closed.
_WATCHES = 1.0
#: Seconds to wait for the last beats before another engine begins.
_BEAT = 1.0


@attrs.frozen
class Ending:
    """The end of an engine that is made of these."""

    daemon: Daemon | None
    trackers: Mapping[str, Tracker]
    reconcilers: Mapping[str, Reconciler]
    attempt: Attempt = attrs.field(kw_only=True)
    clock: Callable[[], float] = attrs.field(kw_only=True)

    def __call__(
        self, timeout: float, release: Callable[[], object], hand_over: HandOver | None
    ) -> bool:
        """End; returns whether what was under way ended within so many seconds.

        `release` removes what is to go with the engine, unless another goes on with it.
        """
        if self.daemon is None:
            ended = True
            self._resign()
        else:
            ended, taken = self._end(self.daemon, timeout, hand_over)
            if ended and not taken:
                release()
        for name, tracker in self.trackers.items():
            self.attempt(f"close source {name}", tracker.source.close)
        for name, reconciler in self.reconcilers.items():
            self.attempt(f"close sink {name}", reconciler.sink.close)
        if self.daemon is not None:
            self.daemon.join_watches(_WATCHES)
        return ended

    def _end(self, daemon: Daemon, timeout: float, hand_over: HandOver | None) -> tuple[bool, bool]:
        """Whether all has ended, and whether another engine goes on."""
        deadline = self.clock() + timeout
        ended = daemon.rest(timeout)
        if ended:
            self._resign()
        else:  # something may be writing still, and nobody is to write beside it
            for reconciler in self.reconcilers.values():
                reconciler.break_off()
        taken = False
        if hand_over is not None:
            # A beat beside the other engine's may tell an older health. But of a registry that
            # hangs it may take long: nobody waits for it.
            daemon.end_pulses(min(_BEAT, max(0.0, deadline - self.clock())))
            taken = hand_over()
        return daemon.finish(max(0.0, deadline - self.clock())) and ended, taken

    def _resign(self) -> None:
        for name, reconciler in self.reconcilers.items():
            if reconciler.election:
                self.attempt(f"resign {name}", reconciler.election.resign)
