"""How an engine ends: its running work ends first, then what it has open is closed.

The order leaves no gap. Nothing is written any more before the lock is released and before another
engine takes over; what is registered is renewed until then.
"""

from collections.abc import Callable, Collection

from syncer.api.keys import Part
from syncer.desired.tracker import Tracker
from syncer.engine.cycle.reconcile import Reconciler
from syncer.engine.queries import Attempt
from syncer.engine.scheduler import Scheduler

#: Called once nothing is written any more; returns whether another engine takes over.
HandOver = Callable[[], bool]
#: Seconds to wait for watches, which end when sources and sinks are closed.
_WATCHES = 1.0
#: Seconds to wait for the last beats before another engine begins.
_BEAT = 1.0


def shut_down(
    scheduler: Scheduler | None,
    trackers: Collection[Tracker],
    reconcilers: Collection[Reconciler],
    *,
    left: Callable[[], float],
    attempt: Attempt,
    release: Callable[[], object],
    hand_over: HandOver | None,
) -> bool:
    """End an engine's work and close its parts; return whether the work ended in time.

    `left` returns the seconds left for it. `release` is called unless another engine takes over.
    """
    ended, taken = True, False
    if scheduler is None:
        _resign(reconcilers, attempt)
    else:
        ended, taken = _end(scheduler, reconcilers, left, attempt, hand_over)
        if ended and not taken:
            release()
    for tracker in trackers:
        attempt(Part("close source", tracker.name), tracker.source.close)
    for reconciler in reconcilers:
        attempt(Part("close sink", reconciler.name), reconciler.sink.close)
    if scheduler is not None:
        scheduler.join_watches(_WATCHES)
    return ended


def _end(
    scheduler: Scheduler,
    reconcilers: Collection[Reconciler],
    left: Callable[[], float],
    attempt: Attempt,
    hand_over: HandOver | None,
) -> tuple[bool, bool]:
    """End the threads; return whether all ended in time, and whether another engine takes over."""
    ended = scheduler.rest(left())
    if ended:
        _resign(reconcilers, attempt)
    else:  # something may still be writing, and no other engine may write at the same time
        for reconciler in reconcilers:
            reconciler.break_off()
    taken = False
    if hand_over is not None:
        # A beat at the same time as the other engine's could report an older health. But a beat of
        # a registry that hangs may take long: that one is not waited for.
        scheduler.end_pulses(min(_BEAT, left()))
        taken = hand_over()
    return scheduler.finish(left()) and ended, taken


def _resign(reconcilers: Collection[Reconciler], attempt: Attempt) -> None:
    for reconciler in reconcilers:
        if election := reconciler.election:
            attempt(Part("resign", reconciler.name), election.resign)
