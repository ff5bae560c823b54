"""The brake on changes that somebody else undoes again and again.

Two syncers that take themselves for one another, or a script that removes what it does not know,
would keep each other busy for ever. The first repairs come at once; then the pauses grow.
"""

from collections import OrderedDict
from collections.abc import Callable
from math import inf

import attrs

from syncer.api.changes import Change, Deregister, Plan, Register, Skip, SkipKind
from syncer.plan.brakes import SLOW_CAP, Context

#: How often an entry is written again, and removed again, without a pause: a person who tries out
#: a few edits is no fight.
PUTS_FREE, REMOVALS_FREE = 10, 2
#: Seconds for which an undone change counts as a repetition.
WINDOW = 60.0
#: The first pauses, in seconds; each is twice as long as the one before, up to `SLOW_CAP`. A
#: removal waits longer: what somebody registers again is more likely to be of use than not.
PUT_PAUSE, REMOVAL_PAUSE = 4.0, 60.0


@attrs.frozen
class _Made:
    """A change that was made, when, and how often it was made again since somebody undid it."""

    content: tuple[str, ...]
    when: float
    again: int = 0

    @property
    def pause(self) -> float:
        """The seconds for which it is not made once more."""
        put = bool(self.content[0])
        first, free = (PUT_PAUSE, PUTS_FREE) if put else (REMOVAL_PAUSE, REMOVALS_FREE)
        return min(SLOW_CAP, first * 2.0 ** (self.again - free)) if self.again >= free else 0.0

    def is_old(self, now: float) -> bool:
        """Whether it stood for so long that the same change counts as a new one."""
        return now - self.when > max(WINDOW, 2 * self.pause)


class Contested:
    """Holds back a change that was made before and undone by somebody else, time and again.

    A change after another one of ours to the same entry is no repetition: a container that starts
    and ends all the time is registered and removed without a pause.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        #: The last change made to each id, the oldest first.
        self._made: OrderedDict[str, _Made] = OrderedDict()
        #: When the first of the pauses that the last plan waits for is over.
        self._due = inf

    def wait(self) -> float:
        """The seconds until something that was held in the last plan may be made."""
        return self._due - self._clock()

    def note(self, change: Change) -> None:
        """Remember that this change was made."""
        now, content = self._clock(), _content(change)
        before = self._made.pop(change.id, None)
        repeated = before is not None and before.content == content and not before.is_old(now)
        again = before.again + 1 if before and repeated else 0
        self._made[change.id] = _Made(content, now, again)
        while (first := next(iter(self._made.items())))[1].is_old(now):
            del self._made[first[0]]

    def __call__(self, plan: Plan, context: Context) -> Plan:
        """Hold back what was undone too often, until its pause is over."""
        held, now, self._due = {}, self._clock(), inf
        for change in plan.changes:
            made = self._made.get(change.id)
            if made and made.content == _content(change) and now < made.when + made.pause:
                held[change.id] = Skip(change.id, SkipKind.CONTESTED, _reason(change))
                self._due = min(self._due, made.when + made.pause)
        return plan.hold(held)


def _content(change: Change) -> tuple[str, ...]:
    """Return words that are equal for equal changes; the first is empty for a removal."""
    registration = change.old if isinstance(change, Deregister) else change.new
    verb = "" if isinstance(change, Deregister) else "put"
    mark = registration.mark
    if mark is None:
        return (verb,)
    return (verb, mark.source, mark.workload, "" if not verb else f"{mark.digest} {mark.hold}")


def _reason(change: Change) -> str:
    if isinstance(change, Deregister):
        what = "registers it again each time that it is removed"
    elif isinstance(change, Register):
        what = "removes it each time that it is registered"
    else:
        what = "changes it back each time that it is written"
    return (
        f"somebody else {what}: another syncer or registrator with the same scope, or a script?"
        " The pauses grow; `syncer doctor` may know more"
    )
