"""The brake that asks a source again before anything of a workload that seems gone is removed."""

from collections import Counter

import attrs

from syncer.api.changes import Change, Deregister, Plan, Reason, Skip, SkipKind
from syncer.api.errors import PermanentError
from syncer.api.registrations import Registration
from syncer.api.workloads import Workload
from syncer.plan.adoption import is_adopted
from syncer.plan.brakes import Context

#: Questions that a source may leave unanswered in one cycle before it is asked no more: each may
#: take as long as its deadline.
UNANSWERED = 3


def confirm_gone(plan: Plan, context: Context) -> Plan:
    """Hold back each removal of a gone workload that its source does not confirm."""
    held: dict[str, Skip] = {}
    changes: list[Change] = []
    unanswered: Counter[str] = Counter()
    for change in plan.changes:
        if isinstance(change, Deregister) and change.reason is Reason.WORKLOAD_GONE:
            answer = _confirmed(change, context, unanswered)
            if isinstance(answer, Skip):
                held[change.id] = answer
            else:
                change = answer
        changes.append(change)
    return attrs.evolve(plan, changes=tuple(changes)).hold(held)


def _confirmed(change: Deregister, context: Context, unanswered: Counter[str]) -> Deregister | Skip:
    mark = change.old.mark
    assert mark is not None
    if unanswered[mark.source] >= UNANSWERED:
        return Skip(change.id, SkipKind.UNCONFIRMED, f"{mark.source} does not answer now")
    try:
        workload = context.confirm_gone(mark.source, mark.workload)
    except Exception as error:  # noqa: BLE001 - whatever it was, there is no answer
        unanswered[mark.source] += not isinstance(error, PermanentError)
        return Skip(change.id, SkipKind.UNCONFIRMED, f"{mark.source} did not confirm: {error}")
    if workload is None or not _is_meant(workload, change.old):
        return change
    if workload.state.offered:
        return Skip(change.id, SkipKind.ALIVE, "its workload is still running; checking again")
    return attrs.evolve(change, stopped=True)


def _is_meant(workload: Workload, entry: Registration) -> bool:
    """Whether this is the workload of the entry, not one whose name is the other's id.

    Sources find a workload by its name too, and anybody may choose that. Only an entry that is
    taken over may be known by the name alone.
    """
    assert entry.mark is not None
    asked = entry.mark.workload
    return asked == workload.id or (is_adopted(entry) and asked == workload.name)
