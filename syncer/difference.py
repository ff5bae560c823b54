"""How what one sink holds differs from what it should hold.

Work grows with what changed, not with what exists. A cycle that leaves nothing to do and nothing
to say is *settled*: each instance stands under its id with its own mark. The next one then looks
only at workloads and registrations that are not the very same objects as then, and at what shares
an id with them: all else would be found unchanged.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from itertools import compress
from operator import is_not
from typing import Any

import attrs

from syncer.adoption import Adoption
from syncer.aiming import Aims, Key
from syncer.changes import Aim, Deregister, Plan
from syncer.desired import Snapshot
from syncer.drain import Holding, as_marked, held_by
from syncer.model import Registration, View
from syncer.plan import Facts, make_plan


@attrs.frozen(kw_only=True)
class _Moment:
    """What a plan was made of, what it counted, and the ids that it changed."""

    world: tuple[Snapshot, ...]
    actual: Mapping[str, Registration]
    changed: frozenset[str] = frozenset()
    wanted: int = 0
    ours: int = 0
    foreign: int = 0


class Difference:
    """Compares for one sink; remembers when it was settled last."""

    def __init__(self, aims: Aims, adoption: Adoption | None = None) -> None:
        self._aims, self._adoption = aims, adoption or Adoption()
        self._planned: _Moment | None = None
        self._settled: _Moment | None = None

    def __call__(
        self,
        world: Sequence[Snapshot],
        facts: Facts,
        view: View[Registration],
        actual: Mapping[str, Registration],
        written: Container[str],
        holding: Holding = as_marked,
    ) -> tuple[Aim, Plan]:
        """What should be, and the plan towards it.

        `actual` is what the sink holds by id: its last listing, which is `view`, in step with what
        was written since. What is taken over counts as ours.
        """
        since, self._settled = self._settled, None
        usual = holding is as_marked
        taken = self._adoption(actual, world, facts.owner)
        now = _Moment(world=tuple(world), actual=dict(taken))
        self._planned = now if usual else None
        if since is not None and usual and (found := self._part(since, now, facts)) is not None:
            aim, ids, before = found
            plan = make_plan(aim, _only(view, now.actual, sorted(ids)), facts, written)
            return aim, _whole(plan, since, before, ids, facts)
        aim = self._aims.of(world, held_by(now.actual.values(), facts, holding))
        plan = make_plan(aim, _only(view, now.actual, now.actual), facts, written)
        if self._aims.rivals():
            self._aims.heed(_holders(plan, now.actual))
        return aim, plan

    def done(self, plan: Plan) -> None:
        """All changes of the plan, which is the last that was made, have been made."""
        planned, self._planned = self._planned, None
        if planned is None or plan.skipped or self._aims.probes() or self._aims.rivals():
            return
        puts = sum(not isinstance(change, Deregister) for change in plan.changes)
        self._settled = attrs.evolve(
            planned,
            changed=frozenset(change.id for change in plan.changes),
            wanted=plan.unchanged + puts,
            ours=plan.ours,
            foreign=plan.foreign,
        )

    def _part(self, since: _Moment, now: _Moment, facts: Facts) -> tuple[Aim, set[str], int] | None:
        """The aim for what is new, the ids that it is about, and how many of these were wanted.

        None: everything is to be looked at.
        """
        if [_frame(s) for s in since.world] != [_frame(s) for s in now.world]:
            return None
        keys = {
            (then.name, id_)
            for then, present in zip(since.world, now.world, strict=True)
            for id_ in _differing(then.entries, present.entries)
        }
        ids = _differing(since.actual, now.actual) | since.changed
        keys |= self._aims.claimants(ids)
        ids |= self._aims.ids(keys)
        before = self._aims.wanted(keys)
        held = held_by([now.actual[i] for i in ids & now.actual.keys()], facts, as_marked)
        aim = self._aims.of_some(sorted(keys), now.world, held)
        return (aim, ids | self._aims.ids(keys), before) if aim else None


def _holders(plan: Plan, actual: Mapping[str, Registration]) -> dict[str, Key]:
    """Which workload has each id, once the plan is carried out."""
    puts = [change.new for change in plan.changes if not isinstance(change, Deregister)]
    marks = [(one.id, one.mark) for one in (*actual.values(), *puts)]
    return {id_: (mark.source, mark.workload) for id_, mark in marks if mark}


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


def _whole(plan: Plan, since: _Moment, before: int, ids: set[str], facts: Facts) -> Plan:
    """The plan for these ids, with the counts of all; `before` of them were wanted then."""
    then = [since.actual[id_] for id_ in ids & since.actual.keys()]
    ours = sum(facts.source_of(one.mark) is not None for one in then)
    return attrs.evolve(
        plan,
        unchanged=plan.unchanged + since.wanted - before,
        ours=plan.ours + since.ours - ours,
        foreign=plan.foreign + since.foreign - (len(then) - ours),
    )
