"""Drains by hand. Pure.

The registry is the only memory: an operator's request is in the mark of each entry, as its `hold`,
and every cycle keeps it for as long as the same workload lives. If the workload is renamed, its new
entry takes the hold over from the old one.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence

import attrs

from syncer.api.changes import Change, Deregister, Plan, Reason, SkipKind
from syncer.api.contracts import Sink
from syncer.api.keys import Place, WorkloadKey
from syncer.api.registrations import Instance, Registration
from syncer.api.workloads import Status
from syncer.plan.planner import Facts

#: The hold of a drain.
DRAIN = "drain"
#: Returns the hold that an operator asks for just now, "" for none; `None`: keep that of the mark.
Holding = Callable[[Registration], str | None]


@attrs.frozen
class Held:
    """One of our entries with its hold, and whether an operator requests the hold just now."""

    registration: Registration
    hold: str
    asked: bool

    @property
    def id(self) -> str:
        """The id of the entry."""
        return self.registration.id

    def fits(self, offered: Instance) -> bool:
        """Whether the entry is of the same service, place and protocol."""
        return _place(self.registration.instance) == _place(offered)


def as_marked(registration: Registration) -> None:
    """Ask for nothing: entries keep the holds in their marks."""


def drained(sink: Sink, instance: Instance) -> Instance | None:
    """Return the form in which consumers see that it is draining, or do not see it at all.

    `None` if the sink has no such form: then a drain is refused.
    """
    draining = attrs.evolve(instance, status=Status.DRAINING)
    shown = sink.adjust(draining)
    as_up = sink.adjust(attrs.evolve(instance, status=Status.UP))
    return shown if shown not in (None, as_up) else sink.park(draining)


def held_by(
    registrations: Collection[Registration], facts: Facts, holding: Holding
) -> dict[WorkloadKey, list[Held]]:
    """Return all entries of each workload of which one is held, or asked for just now."""
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
    """Pair each instance that a workload offers with its hold. `held` are all of its entries.

    An id that is new takes over the hold of an entry that fits and is no longer offered. A hold
    asked for such an old entry just now is also put on that entry itself: it may have to wait
    long for its replacement.
    """
    holds = {one.id: one.hold for one in held}
    ids = {instance.id for instance in offered}
    former = [one for one in held if one.id not in ids]
    found = []
    for instance in offered:
        fitting = [one for one in former if one.fits(instance)]
        before = next((one.hold for one in fitting if one.hold), "")
        found.append((instance, holds.get(instance.id, before)))
        found += [(attrs.evolve(instance, id=one.id), one.hold) for one in fitting if one.asked]
    return tuple(found)


def only(plan: Plan, ids: Collection[str]) -> Plan:
    """Limit the plan to these ids.

    Removals are dropped, except of entries that were kept only because they were drained: other
    removals may need a replacement that is not among these ids. A skip that only says that an
    entry is held correctly is dropped too.
    """
    changes = tuple(c for c in plan.changes if c.id in ids and (_put(c) or _kept_by_drain(c)))
    skipped = tuple(s for s in plan.skipped if s.id in ids and s.kind is not SkipKind.HELD)
    said = {item.id for item in (*changes, *skipped)}
    return attrs.evolve(
        plan, changes=changes, skipped=skipped, unchanged=len(ids) - len(said), asked=len(ids)
    )


def _put(change: Change) -> bool:
    return not isinstance(change, Deregister)


def _kept_by_drain(change: Change) -> bool:
    if not isinstance(change, Deregister) or change.reason is not Reason.WITHHELD:
        return False
    return change.old.mark is not None and change.old.mark.hold != ""


def _place(instance: Instance) -> tuple[str, Place, str]:
    return instance.service, instance.place, instance.protocol
