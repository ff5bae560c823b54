"""Replacements: the new id of an instance is registered before the old one is removed.

A container that is renamed runs on at its address, which its old entry still names. If the registry
refuses the new entry, or somebody else has its id, removing the old one would leave the service
without a running instance: so the old entry stays for as long as that lasts.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping

import attrs

from syncer.api.changes import Change, Deregister, Plan, Reason, Skip, SkipKind, claim_of
from syncer.api.keys import Claim, WorkloadKey
from syncer.api.registrations import Registration
from syncer.api.text import fold_case
from syncer.plan.brakes import Context
from syncer.plan.wanted import Adjusted, Wanted


def require_replacements(plan: Plan, context: Context) -> Plan:
    """Hold back the removal of an entry that is no longer offered until a replacement comes."""
    return hold_unreplaced(name_replacements(plan, context))


def name_replacements(plan: Plan, context: Context) -> Plan:
    """Write into each removal of what is no longer offered the claims that replace it.

    These are the claims by which the same workload offers the same service, and those
    that may be that and are rejected by the sink; none if one is registered already.
    """
    if not any(_replaceable(change) for change in plan.changes):
        return plan
    adjusted, entries = context.adjusted, context.entries
    offered: dict[tuple[WorkloadKey, str], list[Wanted]] = defaultdict(list)
    for want in adjusted.wanted:
        offered[_service_of(want.registration)].append(want)
    rejected = _rejected(adjusted, entries)
    changes: list[Change] = []
    for change in plan.changes:
        if isinstance(change, Deregister) and _replaceable(change):
            waiting = _waiting_for(change, plan)
            wants = [
                want
                for want in offered.get(_service_of(change.old), [])
                if want.instance.id not in waiting
            ]
            claims = {claim_of(want.registration) for want in wants}
            if any(_is_registered(want, entries.get(want.instance.id)) for want in wants):
                claims = set()
            else:
                mine = rejected.get(claim_of(change.old).key, ())
                claims |= {c for c in mine if adjusted.rejected[c].may_be(change.old.instance)}
            change = attrs.evolve(change, after=frozenset(claims))
        changes.append(change)
    return attrs.evolve(plan, changes=tuple(changes))


def hold_unreplaced(plan: Plan, failed: Collection[str] = ()) -> Plan:
    """Hold back removals while none of their replacements is registered by this plan.

    `failed` are the ids of changes of this plan that failed.
    """
    puts = [change for change in plan.changes if not isinstance(change, Deregister)]
    coming = {claim_of(put.new) for put in puts if put.id not in failed}
    return plan.hold(
        {
            change.id: Skip(change.id, SkipKind.UNREPLACED, f"waits for {min(change.after).id}")
            for change in plan.changes
            if isinstance(change, Deregister) and change.after and not change.after & coming
        }
    )


def _rejected(
    adjusted: Adjusted, entries: Mapping[str, Registration]
) -> Mapping[WorkloadKey, list[Claim]]:
    """Return the rejected claims of each workload, except where an older form is registered."""
    found: dict[WorkloadKey, list[Claim]] = defaultdict(list)
    for claim in adjusted.rejected:
        registered = claim.id in entries and claim_of(entries[claim.id]) == claim
        if adjusted.keeps_older(claim) and not registered:
            found[claim.key].append(claim)
    return found


def _waiting_for(change: Change, plan: Plan) -> Collection[str]:
    """Return the ids that the registry would take for this one, and that wait until it is gone."""
    twins = (skip.id for skip in plan.skipped if skip.kind is SkipKind.DUPLICATE)
    return {id_ for id_ in twins if id_ != change.id and fold_case(id_) == fold_case(change.id)}


def _replaceable(change: Change) -> bool:
    return isinstance(change, Deregister) and change.reason is Reason.NOT_OFFERED


def _service_of(entry: Registration) -> tuple[WorkloadKey, str]:
    return claim_of(entry).key, entry.instance.service


def _is_registered(want: Wanted, found: Registration | None) -> bool:
    """Whether the entry under its id is this very workload's, written by us.

    An entry of another workload or host shows other instances: without this one the running
    instance would be lost.
    """
    if found is None or found.mark is None:
        return False
    if _service_of(found) != _service_of(want.registration):
        return False
    if found.mark.identity not in ("", want.mark.identity):
        return False
    return (found.mark.owner, found.mark.scope) == (want.mark.owner, want.mark.scope)
