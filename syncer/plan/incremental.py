"""How what one sink holds differs from what it should hold.

Work grows with what changed, not with what exists. After a plan each instance stands under its id
with its own mark, but for ids that are *open*, of which the plan said something. The next one looks
only at these, at workloads and registrations that are not the very same objects as then, and at
what shares an id with them: all else would be found unchanged.
"""

from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from itertools import compress
from operator import is_not
from typing import Any

import attrs

from syncer.api.changes import Deregister, Plan
from syncer.api.keys import WorkloadKey
from syncer.api.model import Registration, View
from syncer.desired.snapshot import Snapshot
from syncer.plan.adjust import Aims
from syncer.plan.adjusted import Aim
from syncer.plan.adoption import Adoption
from syncer.plan.drain import Holding, as_marked, held_by
from syncer.plan.planner import Facts, make_plan


@attrs.frozen(kw_only=True)
class _Moment:
    """What a plan was made of and what it counted.

    `open` are the ids of which it said anything but that they are as they should be.
    """

    world: tuple[Snapshot, ...]
    open: frozenset[str]
    wanted: int
    ours: int
    foreign: int


class Difference:
    """Compares for one sink; remembers what it compared last."""

    def __init__(self, aims: Aims, adoption: Adoption | None = None) -> None:
        self._aims, self._adoption = aims, adoption or Adoption()
        #: What the sink held at the last call, by id.
        self._held: dict[str, Registration] = {}
        #: What the last plan was made of; None: the next is to look at everything.
        self._last: _Moment | None = None

    def __call__(
        self,
        world: Sequence[Snapshot],
        facts: Facts,
        view: View[Registration],
        actual: Mapping[str, Registration],
        touched: Collection[str] | None,
        written: Container[str],
        holding: Holding = as_marked,
    ) -> tuple[Aim, Plan]:
        """What should be, and the plan towards it.

        `actual` is what the sink holds by id: its last listing, which is `view`, in step with what
        was written since. `touched` are the ids under which it may not be the same as in the last
        call; None: it was read afresh. What is taken over counts as ours.
        """
        since, self._last = self._last, None
        former = self._renew(self._adoption(actual, world, facts.owner), touched)
        if since is not None and holding is as_marked:
            found = self._some(since, world, former, facts, view, written)
            if found is not None:
                return found
        aim = self._aims.of(world, held_by(self._held.values(), facts, holding))
        plan = make_plan(aim, _only(view, self._held, self._held), facts, written)
        if self._aims.rivals():
            self._aims.heed(_holders(plan, self._held))
        if holding is as_marked:
            self._note(world, plan, len(aim.wanted))
        return aim, plan

    def _note(self, world: Sequence[Snapshot], plan: Plan, wanted: int) -> None:
        """Remember what a plan was made of, if the next may go on from there."""
        if not self._aims.probes() and not self._aims.rivals():
            self._last = _Moment(
                world=tuple(world),
                open=frozenset(item.id for item in (*plan.changes, *plan.skipped)),
                wanted=wanted,
                ours=plan.ours,
                foreign=plan.foreign,
            )

    def _renew(
        self, actual: Mapping[str, Registration], touched: Collection[str] | None
    ) -> dict[str, Registration | None]:
        """Take note of what the sink holds; returns what differed, as it was, None: not there."""
        if touched is None or self._adoption.hosts:
            then, self._held = self._held, dict(actual)
            return {id_: then.get(id_) for id_ in _differing(then, self._held)}
        former = {id_: self._held.pop(id_, None) for id_ in touched}
        self._held |= {id_: actual[id_] for id_ in touched if id_ in actual}
        return former

    def _some(
        self,
        since: _Moment,
        world: Sequence[Snapshot],
        former: Mapping[str, Registration | None],
        facts: Facts,
        view: View[Registration],
        written: Container[str],
    ) -> tuple[Aim, Plan] | None:
        """The aim for what is new, and the plan, by looking at that alone.

        None: everything is to be looked at. `former` is what stood where the sink now differs.
        """
        if [_frame(s) for s in since.world] != [_frame(s) for s in world]:
            return None
        keys = {
            WorkloadKey(then.name, id_)
            for then, present in zip(since.world, world, strict=True)
            for id_ in _differing(then.workloads, present.workloads)
        }
        ids = former.keys() | since.open
        keys |= self._aims.claimants(ids)
        ids |= self._aims.ids(keys)
        before = self._aims.wanted(keys)
        held = held_by([self._held[i] for i in ids & self._held.keys()], facts, as_marked)
        aim = self._aims.of_some(sorted(keys), world, held)
        if aim is None:
            return None
        ids |= self._aims.ids(keys)
        plan = make_plan(aim, _only(view, self._held, sorted(ids)), facts, written)
        then = [one for id_ in ids if (one := former.get(id_, self._held.get(id_)))]
        plan = _whole(plan, since, before, then, facts)
        self._note(world, plan, since.wanted - before + len(aim.wanted))
        return aim, plan


def _holders(plan: Plan, actual: Mapping[str, Registration]) -> dict[str, WorkloadKey]:
    """Which workload has each id, once the plan is carried out."""
    puts = [change.new for change in plan.changes if not isinstance(change, Deregister)]
    marks = [(one.id, one.mark) for one in (*actual.values(), *puts)]
    return {id_: mark.key for id_, mark in marks if mark}


def _frame(snapshot: Snapshot) -> tuple[Any, ...]:
    """What a snapshot says beside its workloads, and bears on all of them."""
    return snapshot.name, snapshot.order, snapshot.scopes, snapshot.doubt, snapshot.unclear


def _differing(then: Mapping[str, object], now: Mapping[str, object]) -> set[str]:
    """The keys under which not the same object stands."""
    # Without a step of Python for each: all that a wake does with each of thousands is here.
    found = set(compress(now, map(is_not, now.values(), map(then.get, now))))
    if len(then) + len(found - then.keys()) != len(now):
        found |= then.keys() - now.keys()
    return found


def _only(
    view: View[Registration], actual: Mapping[str, Registration], ids: Iterable[str]
) -> View[Registration]:
    """What the sink holds under these ids."""
    return attrs.evolve(view, items=tuple(actual[id_] for id_ in ids if id_ in actual))


def _whole(
    plan: Plan, since: _Moment, before: int, then: Sequence[Registration], facts: Facts
) -> Plan:
    """The plan for some ids, with the counts of all.

    `before` of them were wanted then, and these registrations stood under them.
    """
    ours = sum(facts.source_of(one.mark) is not None for one in then)
    return attrs.evolve(
        plan,
        unchanged=plan.unchanged + since.wanted - before,
        ours=plan.ours + since.ours - ours,
        foreign=plan.foreign + since.foreign - (len(then) - ours),
    )
