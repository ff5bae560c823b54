"""Drains by hand, and the last instance of a service. Pure.

The registry is the only memory: what an operator asked for stands in the mark of each
registration, as its `hold`, and is kept by every cycle for as long as the same workload lives. What
that one offers under a new id takes the hold over from the old one, which is to go.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence

import attrs

from syncer.api.changes import Change, Deregister, Plan, Reason, SkipKind
from syncer.api.contracts import Sink
from syncer.api.keys import Place, WorkloadKey
from syncer.api.model import Instance, Registration, Status
from syncer.plan.planner import Facts

#: The hold of a drain.
DRAIN = "drain"
#: What is to hold a registration, "" for nothing; None: what its mark says.
Holding = Callable[[Registration], str | None]


@attrs.frozen
class Held:
    """A registration of ours, what holds it, and whether an operator asks for that just now."""

    registration: Registration
    hold: str
    asked: bool

    @property
    def id(self) -> str:
        """The id of the registration."""
        return self.registration.id

    def fits(self, offered: Instance) -> bool:
        """Whether what stands there is the same service at the same address and port."""
        return _place(self.registration.instance) == _place(offered)


def as_marked(registration: Registration) -> None:
    """Nobody asks for anything: what its mark says."""


def drained(sink: Sink, instance: Instance) -> Instance | None:
    """The form in which consumers see that it is draining, or do not see it at all.

    None if the sink has no such form: then a drain is refused.
    """
    draining = attrs.evolve(instance, status=Status.DRAINING)
    shown = sink.adjust(draining)
    as_up = sink.adjust(attrs.evolve(instance, status=Status.UP))
    return shown if shown not in (None, as_up) else sink.park(draining)


def held_by(
    registrations: Collection[Registration], facts: Facts, holding: Holding
) -> dict[WorkloadKey, list[Held]]:
    """All that stands of each workload of which something is held, or asked for just now.

    By source and id of the workload.
    """
    touched = {
        one.mark.key
        for one in registrations
        if one.mark and (one.mark.hold or holding(one) is not None)
    }
    found: dict[WorkloadKey, list[Held]] = defaultdict(list)
    for one in registrations if touched else ():
        mark = one.mark
        if mark and (key := mark.key) in touched and facts.source_of(mark):
            asked = holding(one)
            found[key].append(Held(one, mark.hold if asked is None else asked, asked is not None))
    return found


def with_holds(
    offered: Collection[Instance], held: Sequence[Held]
) -> tuple[tuple[Instance, str], ...]:
    """What a workload offers, each with what holds it. `held` is all that stands of it.

    Where nothing stands under the id that is offered, what holds an entry under another id, that
    is not offered any more, goes over. What is asked for such an entry just now is done to
    that one too: it may have to wait for long until it can be replaced.
    """
    standing = {one.id: one.hold for one in held}
    ids = {instance.id for instance in offered}
    former = [one for one in held if one.id not in ids]
    found = []
    for instance in offered:
        fitting = [one for one in former if one.fits(instance)]
        before = next((one.hold for one in fitting if one.hold), "")
        found.append((instance, standing.get(instance.id, before)))
        found += [(attrs.evolve(instance, id=one.id), one.hold) for one in fitting if one.asked]
    return tuple(found)


def only(plan: Plan, ids: Collection[str]) -> Plan:
    """What the plan puts at the place of these registrations; others go on with the rest.

    A removal needs what is to stand before it, which may be none of these: only what was kept for
    its drain alone, and is not listed without, goes. That one is held as it should be is nothing
    to say.
    """
    changes = tuple(c for c in plan.changes if c.id in ids and (_put(c) or _kept_by_drain(c)))
    skipped = tuple(
        skip for skip in plan.skipped if skip.id in ids and skip.kind is not SkipKind.HELD
    )
    said = {item.id for item in (*changes, *skipped)}
    return Plan(changes=changes, skipped=skipped, unchanged=len(ids) - len(said), ours=len(ids))


def _put(change: Change) -> bool:
    return not isinstance(change, Deregister)


def _kept_by_drain(change: Change) -> bool:
    if not isinstance(change, Deregister) or change.reason is not Reason.WITHHELD:
        return False
    return change.old.mark is not None and change.old.mark.hold != ""


def _place(instance: Instance) -> tuple[str, Place, str]:
    return instance.service, instance.place, instance.protocol
