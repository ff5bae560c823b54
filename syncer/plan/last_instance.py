"""The brake that keeps the last instance of a service that is up."""

from collections import Counter
from collections.abc import Mapping

from syncer.api.changes import Change, Deregister, Plan, Register, Skip, SkipKind, Update
from syncer.api.checks import CheckKey, CheckResult, CheckStatus
from syncer.api.keys import Claim, Place
from syncer.plan.brakes import Context, stays

#: The result of a fed check of an instance that is kept up as the last of its service.
LAST = CheckResult(status=CheckStatus.PASSING, output="running; no other one is up here")


def takes_away(change: Change, places: Mapping[Claim, Place]) -> bool:
    """Whether an instance that runs where it is registered would no longer be up.

    `places` are those of instances that are not listed in their status.
    """
    if isinstance(change, Register) or not change.old.up or not stays(change, places):
        return False
    return isinstance(change, Deregister) or not change.new.up


def keep_last(plan: Plan, context: Context) -> Plan:
    """Hold back changes that would leave a service with no instance up in this sink.

    Instances of all owners count, as the sink lists them now. Instances that moved, or whose
    workload is gone, are not kept.
    """
    places = context.adjusted.withheld
    leaving = {c.id: c for c in plan.changes if context.careful and takes_away(c, places)}
    if not leaving:
        return plan
    going = {change.id for change in plan.changes if change.id in leaving or _leaves(change)}
    up = (one for one in context.entries.values() if one.up and one.id not in going)
    left = Counter(one.instance.service for one in up)
    held = {}
    for id_ in sorted(leaving):
        change = leaving[id_]
        assert not isinstance(change, Register)
        service = change.old.instance.service
        if not left[service]:
            left[service] = 1
            held[id_] = Skip(id_, SkipKind.LAST, f"no other instance of {service} is up here")
    return plan.hold(held)


def shown(results: Mapping[CheckKey, CheckResult], plan: Plan) -> Mapping[CheckKey, CheckResult]:
    """Return the results of fed checks, with the instances that the plan keeps shown as up."""
    last = {skip.id for skip in plan.skipped if skip.kind is SkipKind.LAST}
    if not last:
        return results
    return {key: LAST if key.instance in last else result for key, result in results.items()}


def _leaves(change: Change) -> bool:
    """Whether its service loses an instance that is up."""
    if isinstance(change, Update):
        return change.old.instance.service != change.new.instance.service or not change.new.up
    return isinstance(change, Deregister)
