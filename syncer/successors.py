"""What a workload offers under a new id takes the old one's place first; then the old one goes.

A container that is renamed keeps running at its address, which its old registration still
names. If the registry refuses the new one, or somebody else has its id, removing the old one would
leave the service without an instance that runs: so the old one stays for as long as that lasts.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping

import attrs

from syncer.changes import Aim, Change, Deregister, Plan, Reason, Skip
from syncer.model import Registration


def with_successors(plan: Plan, aim: Aim, held: Mapping[str, Registration]) -> Plan:
    """The plan in which each removal of what is offered no longer names its successors.

    These are the ids under which the same workload offers the same service; none if the service
    stands under one of them already. `held` is what the sink holds, by id.
    """
    if not any(_replaceable(change) for change in plan.changes):
        return plan
    offered: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for want in aim.wanted:
        mark, instance = want.mark, want.instance
        offered[mark.source, mark.workload, instance.service].add(instance.id)
    changes: list[Change] = []
    for change in plan.changes:
        if isinstance(change, Deregister) and _replaceable(change):
            ids = offered.get(_of(change.old), set())
            stands = any(_serves(held.get(id_), change.old) for id_ in ids)
            change = attrs.evolve(change, after=frozenset() if stands else frozenset(ids))
        changes.append(change)
    return attrs.evolve(plan, changes=tuple(changes))


def hold_unreplaced(plan: Plan, failed: Collection[str] = ()) -> Plan:
    """The plan without removals of which no successor stands or is about to.

    `failed` are the ids of changes of this plan that were tried without success.
    """
    coming = {change.id for change in plan.changes if not isinstance(change, Deregister)}
    coming -= set(failed)
    return plan.hold(
        {
            change.id: Skip(change.id, "unreplaced", f"{_first(change)} is to be there before")
            for change in plan.changes
            if isinstance(change, Deregister) and change.after and not change.after & coming
        }
    )


def _replaceable(change: Change) -> bool:
    return isinstance(change, Deregister) and change.reason is Reason.NOT_OFFERED


def _of(held: Registration) -> tuple[str, str, str]:
    """Which source and workload a registration is from, and its service."""
    mark = held.mark
    return (mark.source, mark.workload, held.instance.service) if mark else ("", "", "")


def _serves(found: Registration | None, old: Registration) -> bool:
    """Whether an entry of the same owner has the service of the old one."""
    if found is None or found.mark is None or old.mark is None:
        return False
    return found.mark.owner == old.mark.owner and found.instance.service == old.instance.service


def _first(change: Deregister) -> str:
    return min(change.after)
