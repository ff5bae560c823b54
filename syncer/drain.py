"""Drains by hand, and the last instance of a service. Pure.

The registry is the only memory: what an operator asked for stands in the mark of each
registration, as its `hold`, and is kept by every cycle for as long as the same workload lives.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping

import attrs

from syncer.changes import Change, Claim, Deregister, Plan, Reason, Register, Skip, Update
from syncer.checks import CheckKey, CheckResult, CheckStatus
from syncer.contracts import Sink
from syncer.model import Instance, Mark, Registration, Status, View
from syncer.plan import Facts, stays

#: The hold of a drain.
DRAIN = "drain"
#: What a fed check shows of an instance that is kept up, since it is the last of its service.
LAST = CheckResult(status=CheckStatus.PASSING, output="running; no other one is up here")
#: What holds a registration; "": nothing.
Holding = Callable[[Registration], str]


def as_marked(registration: Registration) -> str:
    """What its mark says."""
    return registration.mark.hold if registration.mark else ""


def drained(sink: Sink, instance: Instance) -> Instance | None:
    """The form in which consumers see that it is draining, or do not see it at all.

    None if the sink has no such form: then a drain is refused.
    """
    draining = attrs.evolve(instance, status=Status.DRAINING)
    shown = sink.adjust(draining)
    as_up = sink.adjust(attrs.evolve(instance, status=Status.UP))
    return shown if shown not in (None, as_up) else sink.park(draining)


def held_marks(
    registrations: Iterable[Registration], facts: Facts, holding: Holding
) -> dict[str, Mark]:
    """The marks of those of ours that are held, by id, with what holds them."""
    return {
        one.id: attrs.evolve(one.mark, hold=hold)
        for one in registrations
        if one.mark and (hold := holding(one)) and facts.source_of(one.mark)
    }


def only(plan: Plan, ids: Collection[str]) -> Plan:
    """What the plan says of these registrations, while their workloads are there.

    That one is held as it should be is nothing to say.
    """
    changes = tuple(c for c in plan.changes if c.id in ids and not _is_over(c))
    skipped = tuple(skip for skip in plan.skipped if skip.id in ids and skip.kind != "held")
    said = {item.id for item in (*changes, *skipped)}
    return Plan(changes=changes, skipped=skipped, unchanged=len(ids) - len(said), ours=len(ids))


def takes_away(change: Change, places: Mapping[Claim, tuple[str, int]]) -> bool:
    """Whether an instance that runs where it is registered would not be up any more."""
    if isinstance(change, Register) or not change.old.up or not stays(change, places):
        return False
    return isinstance(change, Deregister) or not change.new.up


def keep_last(
    plan: Plan, actual: View[Registration], places: Mapping[Claim, tuple[str, int]]
) -> Plan:
    """The plan without what would leave a service with no instance that is up in this sink.

    Instances of all owners count, as the sink lists them now. Nothing keeps what moved, or whose
    workload is gone. `places` tells where the instances are that are not listed in their status.
    """
    leaving = {change.id: change for change in plan.changes if takes_away(change, places)}
    if not leaving:
        return plan
    going = {change.id for change in plan.changes if change.id in leaving or _leaves(change)}
    left = Counter(one.instance.service for one in actual.items if one.up and one.id not in going)
    held = {}
    for id_ in sorted(leaving):
        change = leaving[id_]
        assert not isinstance(change, Register)
        service = change.old.instance.service
        if not left[service]:
            left[service] = 1
            held[id_] = Skip(id_, "last", f"no other instance of {service} is up here")
    return plan.hold(held)


def shown(results: Mapping[CheckKey, CheckResult], plan: Plan) -> Mapping[CheckKey, CheckResult]:
    """What the fed checks should show, if the plan keeps the last of a service up."""
    last = {skip.id for skip in plan.skipped if skip.kind == "last"}
    if not last:
        return results
    return {key: LAST if key.instance in last else result for key, result in results.items()}


def _is_over(change: Change) -> bool:
    return isinstance(change, Deregister) and change.reason is not Reason.WITHHELD


def _leaves(change: Change) -> bool:
    """Whether its service has one instance fewer that is up afterwards."""
    if isinstance(change, Update):
        return change.old.instance.service != change.new.instance.service or not change.new.up
    return isinstance(change, Deregister)
