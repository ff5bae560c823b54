"""Asking the sources, before anything is removed because its workload seems to be gone."""

from collections import Counter

import attrs

from syncer.api.changes import Change, Deregister, Plan, Reason, Skip, SkipKind
from syncer.api.errors import PermanentError
from syncer.desired.tracker import Desired

#: Questions that a source may leave unanswered in one cycle before the rest is not asked:
#: each may take as long as its deadline.
UNANSWERED = 3


def confirmed(plan: Plan, desired: Desired) -> Plan:
    """The plan with each removal of a gone workload confirmed by its source, or held."""
    held: dict[str, Skip] = {}
    changes: list[Change] = []
    unanswered: Counter[str] = Counter()
    for change in plan.changes:
        if isinstance(change, Deregister) and change.reason is Reason.WORKLOAD_GONE:
            answer = _confirm(change, desired, unanswered)
            if isinstance(answer, Skip):
                held[change.id] = answer
            else:
                change = answer
        changes.append(change)
    return attrs.evolve(plan, changes=tuple(changes)).hold(held)


def _confirm(change: Deregister, desired: Desired, unanswered: Counter[str]) -> Deregister | Skip:
    mark = change.old.mark
    assert mark is not None
    if unanswered[mark.source] >= UNANSWERED:
        return Skip(change.id, SkipKind.UNCONFIRMED, f"{mark.source} does not answer now")
    try:
        workload = desired.confirm_gone(mark.source, mark.workload)
    except Exception as error:  # noqa: BLE001 - whatever it was, there is no answer
        unanswered[mark.source] += not isinstance(error, PermanentError)
        return Skip(change.id, SkipKind.UNCONFIRMED, f"{mark.source} did not confirm: {error}")
    if workload is None:
        return change
    if workload.state.offered:
        return Skip(change.id, SkipKind.ALIVE, "its workload runs after all; looked at again")
    return attrs.evolve(change, stopped=True)
