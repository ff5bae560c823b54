"""The planner with a memory: work grows with what changed, not with what exists.

After a plan each instance is registered under its id with its own mark, except for the *open*
ids, those that the plan changed or skipped. The next plan looks only at open ids, at workloads and
registrations that are not the same objects as then, at workloads that syncer probes, and at
everything that shares an id with these. All others would be found unchanged.
"""

from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from itertools import compress
from operator import is_not
from typing import Any

import attrs

from syncer.api.changes import Deregister, Plan
from syncer.api.contracts import View
from syncer.api.fields import EMPTY
from syncer.api.keys import WorkloadKey
from syncer.api.registrations import Registration
from syncer.desired.snapshot import Snapshot
from syncer.plan.adjust import Adjuster
from syncer.plan.adoption import Adoption
from syncer.plan.drain import Holding, as_marked, held_by
from syncer.plan.planner import Facts, make_plan
from syncer.plan.wanted import Adjusted


@attrs.frozen(kw_only=True)
class Contents:
    """The entries of a sink, for one plan.

    `view` is its last listing, and `entries` the same by id, in step with later writes. `changed`
    are the ids changed since the last plan; `None` after a full read: anything may have changed.
    `written` are the ids that this process has written.
    """

    view: View[Registration]
    entries: Mapping[str, Registration] = EMPTY
    changed: Collection[str] | None = None
    written: Container[str] = frozenset()


@attrs.frozen(kw_only=True)
class _LastPlan:
    """The input of the last plan, and its counts. `open` are the ids it changed or skipped."""

    world: tuple[Snapshot, ...]
    open: frozenset[str]
    wanted: int
    ours: int
    foreign: int


class IncrementalPlanner:
    """Plans for one sink, and remembers what it compared last."""

    def __init__(self, adjuster: Adjuster, adoption: Adoption | None = None) -> None:
        self.adjuster, self._adoption = adjuster, adoption or Adoption()
        #: The sink's entries at the last plan, by id; adopted ones have a mark.
        self._entries: dict[str, Registration] = {}
        #: `None`: the next plan looks at everything.
        self._last: _LastPlan | None = None

    def plan(
        self,
        world: Sequence[Snapshot],
        facts: Facts,
        contents: Contents,
        holding: Holding = as_marked,
    ) -> tuple[Adjusted, Plan]:
        """Return what the sink should hold, and the plan towards it.

        What an operator asks for just now (`holding`) is planned by looking at everything.
        """
        last, self._last = self._last, None
        former = self._take(contents, world, facts.owner)
        news = _changed_workloads(last.world, world) if last and holding is as_marked else None
        if last is None or news is None:
            adjusted, plan, shared = self._plan_all(world, facts, contents, holding)
            wanted = len(adjusted.wanted)
        else:
            adjusted, plan, shared, wanted = self._plan_part(
                last, news, former, world, facts, contents
            )
        if shared:
            self.adjuster.prefer_holders(_holders(plan, self._entries, shared))
        if holding is as_marked:
            self._last = _LastPlan(
                world=tuple(world),
                open=frozenset(item.id for item in (*plan.changes, *plan.skipped)),
                wanted=wanted,
                ours=plan.ours,
                foreign=plan.foreign,
            )
        return adjusted, plan

    def _take(
        self, contents: Contents, world: Sequence[Snapshot], owner: str
    ) -> Mapping[str, Registration | None]:
        """Take over what the sink holds now; returns what differed before, `None` for no entry."""
        entries = self._adoption(contents.entries, world, owner)
        if contents.changed is None or self._adoption.hosts:
            then, self._entries = self._entries, dict(entries)
            return {id_: then.get(id_) for id_ in _differing(then, self._entries)}
        former = {id_: self._entries.pop(id_, None) for id_ in contents.changed}
        self._entries |= {id_: entries[id_] for id_ in contents.changed if id_ in entries}
        return former

    def _plan_all(
        self, world: Sequence[Snapshot], facts: Facts, contents: Contents, holding: Holding
    ) -> tuple[Adjusted, Plan, Collection[str]]:
        """Adjust and compare everything; also returns the ids that several workloads claim."""
        self.adjuster.update(world, held_by(self._entries.values(), facts, holding))
        adjusted = self.adjuster.adjusted()
        view = self._view(contents, self._entries)
        plan = self._make_plan(adjusted, view, facts, contents)
        return adjusted, plan, self.adjuster.shared()

    def _plan_part(
        self,
        last: _LastPlan,
        news: Collection[WorkloadKey],
        former: Mapping[str, Registration | None],
        world: Sequence[Snapshot],
        facts: Facts,
        contents: Contents,
    ) -> tuple[Adjusted, Plan, Collection[str], int]:
        """Adjust and compare what changed; also returns shared ids, and how many are wanted."""
        adjuster, entries = self.adjuster, self._entries
        looked = former.keys() | last.open
        # Whether an open entry may go depends on what its workload offers under another id.
        keepers = {one.mark.key for i in looked if (one := entries.get(i)) and one.mark}
        keys, ids = adjuster.related({*news, *adjuster.probing(), *keepers}, looked)
        before = {key: adjuster.wanted([key]) for key in keys}
        held = held_by([entries[id_] for id_ in ids & entries.keys()], facts, as_marked)
        adjuster.update(world, held, sorted(keys))
        keys, ids = adjuster.related(keys, ids)  # new claims bring new rivals, unchanged till now
        then_wanted = sum(before[k] if k in before else adjuster.wanted([k]) for k in keys)
        adjusted = adjuster.adjusted(sorted(keys))
        plan = self._make_plan(adjusted, self._view(contents, sorted(ids)), facts, contents)
        then = [one for id_ in ids if (one := former.get(id_, entries.get(id_)))]
        ours = sum(facts.source_of(one.mark) is not None for one in then)
        plan = attrs.evolve(
            plan,
            unchanged=plan.unchanged + last.wanted - then_wanted,
            ours=plan.ours + last.ours - ours,
            foreign=plan.foreign + last.foreign - (len(then) - ours),
        )
        wanted = last.wanted - then_wanted + len(adjusted.wanted)
        return adjusted, plan, adjuster.shared(ids), wanted

    def _make_plan(
        self, adjusted: Adjusted, view: View[Registration], facts: Facts, contents: Contents
    ) -> Plan:
        return make_plan(adjusted, view, facts, contents.written, fold=self.adjuster.fold)

    def _view(self, contents: Contents, ids: Iterable[str]) -> View[Registration]:
        """Return the sink's entries with these ids."""
        entries = self._entries
        return attrs.evolve(contents.view, items=tuple(entries[i] for i in ids if i in entries))


def _changed_workloads(
    then: Sequence[Snapshot], now: Sequence[Snapshot]
) -> set[WorkloadKey] | None:
    """Return the workloads that are not the same objects; `None` if that does not tell enough."""
    if [_frame(one) for one in then] != [_frame(one) for one in now]:
        return None
    return {
        WorkloadKey(before.name, id_)
        for before, after in zip(then, now, strict=True)
        for id_ in _differing(before.workloads, after.workloads)
    }


def _frame(snapshot: Snapshot) -> tuple[Any, ...]:
    """Return what a snapshot says that bears on all of its workloads."""
    whose = snapshot.scopes, snapshot.identity, snapshot.identities
    return snapshot.name, snapshot.order, whose, snapshot.doubt, snapshot.unclear


def _differing(then: Mapping[str, object], now: Mapping[str, object]) -> set[str]:
    """Return the keys whose values are not the same object in both."""
    # No step of Python per key: with thousands of entries this is the whole cost of a wake.
    found = set(compress(now, map(is_not, now.values(), map(then.get, now))))
    if len(then) + len(found - then.keys()) != len(now):
        found |= then.keys() - now.keys()
    return found


def _holders(
    plan: Plan, entries: Mapping[str, Registration], ids: Collection[str]
) -> dict[str, WorkloadKey]:
    """Return which workload holds each of these ids once the plan is carried out."""
    puts = [change.new for change in plan.changes if not isinstance(change, Deregister)]
    after = {one.id: one for one in (*(entries[id_] for id_ in ids if id_ in entries), *puts)}
    return {id_: one.mark.key for id_, one in after.items() if id_ in ids and one.mark}
