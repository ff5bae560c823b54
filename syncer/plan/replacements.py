"""What a workload offers under a new id takes the old one's place first; then the old one goes.

A container that is renamed keeps running at its address, which its old registration still
names. If the registry refuses the new one, or somebody else has its id, removing the old one would
leave the service without an instance that runs: so the old one stays for as long as that lasts.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping

import attrs

from syncer.api.changes import Change, Deregister, Plan, Reason, Skip, SkipKind, claim_of
from syncer.api.keys import Claim, WorkloadKey
from syncer.api.model import Registration
from syncer.plan.adjusted import Aim, Wanted


def with_successors(plan: Plan, aim: Aim, held: Mapping[str, Registration]) -> Plan:
    """The plan in which each removal of what is offered no longer names its successors.

    These are the claims by which the same workload offers the same service, or what may be that and
    the sink has no form for; none if it stands under one of them already. `held` is what the sink
    holds, by id.
    """
    if not any(_replaceable(change) for change in plan.changes):
        return plan
    offered: dict[tuple[WorkloadKey, str], list[Wanted]] = defaultdict(list)
    for want in aim.wanted:
        offered[_of(want.registration)].append(want)
    formless = _formless(aim, held)
    changes: list[Change] = []
    for change in plan.changes:
        if isinstance(change, Deregister) and _replaceable(change):
            wants = offered.get(_of(change.old), [])
            claims = {claim_of(want.registration) for want in wants}
            if any(_stands(want, held.get(want.instance.id)) for want in wants):
                claims = set()
            else:
                mine = formless.get(claim_of(change.old).key, ())
                claims |= {c for c in mine if aim.rejected[c].may_be(change.old.instance)}
            change = attrs.evolve(change, after=frozenset(claims))
        changes.append(change)
    return attrs.evolve(plan, changes=tuple(changes))


def _formless(aim: Aim, held: Mapping[str, Registration]) -> Mapping[WorkloadKey, list[Claim]]:
    """What each workload offers and the sink has no form for, by source and workload.

    Not what stands in an older form: that shows what it is.
    """
    found: dict[WorkloadKey, list[Claim]] = defaultdict(list)
    for claim in aim.rejected:
        if claim.id not in held or claim_of(held[claim.id]) != claim:
            found[claim.key].append(claim)
    return found


def hold_unreplaced(plan: Plan, failed: Collection[str] = ()) -> Plan:
    """The plan without removals of which no successor stands or is about to.

    `failed` are the ids of changes of this plan that were tried without success.
    """
    puts = [change for change in plan.changes if not isinstance(change, Deregister)]
    coming = {claim_of(put.new) for put in puts if put.id not in failed}
    return plan.hold(
        {
            change.id: Skip(
                change.id, SkipKind.UNREPLACED, f"{_first(change)} is to be there before"
            )
            for change in plan.changes
            if isinstance(change, Deregister) and change.after and not change.after & coming
        }
    )


def _replaceable(change: Change) -> bool:
    return isinstance(change, Deregister) and change.reason is Reason.NOT_OFFERED


def _of(held: Registration) -> tuple[WorkloadKey, str]:
    """Return the workload that a registration is from, and its service."""
    return claim_of(held).key, held.instance.service


def _stands(want: Wanted, found: Registration | None) -> bool:
    """Whether what the sink holds under its id is this very workload's, written by us.

    Another's, of this host or of the next, shows other instances of the service: this one would be
    lost, though it runs.
    """
    if found is None or found.mark is None or _of(found) != _of(want.registration):
        return False
    return (found.mark.owner, found.mark.scope) == (want.mark.owner, want.mark.scope)


def _first(change: Deregister) -> str:
    return min(change.after).id
