"""The pure planner: what should be, what is and who we are, made into a plan.

No input, output, clock or log. The rules for removals are here and in `syncer.plan.guard`, and
nowhere else:

    held by us and wanted       equal: unchanged; else Update
    held by us, not wanted      Deregister, if its source is to be believed; else a skip
    held by others, wanted      a skip: conflict
    held by others, not wanted  foreign: not touched, not even mentioned
    wanted, not held            Register
"""

from collections.abc import Container, Iterable, Iterator, Mapping

import attrs

from syncer.api.changes import (
    Change,
    Deregister,
    Plan,
    Reason,
    Register,
    Skip,
    SkipKind,
    Update,
    claim_of,
)
from syncer.api.fields import EMPTY, frozen_map
from syncer.api.model import Mark, Registration, View
from syncer.desired.snapshot import Snapshot
from syncer.plan.adjusted import Aim, Wanted


@attrs.frozen(kw_only=True)
class Facts:
    """Who we are, and what each configured source knows."""

    owner: str
    sources: Mapping[str, Snapshot] = attrs.field(default=EMPTY, converter=frozen_map)

    def source_of(self, mark: Mark | None) -> Snapshot | None:
        """The source that answers for a registration; None if it is not ours to touch."""
        if mark is None or mark.owner != self.owner:
            return None
        source = self.sources.get(mark.source)
        return source if source is not None and mark.scope in source.scopes else None

    def stray(self, mark: Mark | None) -> bool:
        """Whether the mark is of this owner and host, but of a source not configured now."""
        return (
            mark is not None
            and mark.owner == self.owner
            and mark.source not in self.sources
            and any(mark.scope in source.scopes for source in self.sources.values())
        )


def make_plan(
    aim: Aim, actual: View[Registration], facts: Facts, written: Container[str] = ()
) -> Plan:
    """The plan that makes `actual` equal to `aim`.

    `written` holds the ids that this process has written: what an incomplete listing does not
    show of them is there, only hidden.
    """
    held = {registration.id: registration for registration in actual.items}
    wanted, skips = _one_for_each_id(aim.wanted, held)
    changes: list[Change] = []
    unchanged = ours = foreign = 0
    for id_, want in wanted.items():
        step = _settle(want, held.get(id_), actual, facts, written)
        if isinstance(step, Update):
            step = _unless_rejected(step, aim)
        if step is None:
            unchanged += 1
            if want.mark.hold:
                skips.append(
                    Skip(id_, SkipKind.HELD, f"{want.mark.hold}; `syncer undrain` ends it")
                )
        elif isinstance(step, Skip):
            skips.append(step)
        else:
            changes.append(step)
    removals: list[Change] = []
    for registration in actual.items:
        source = facts.source_of(registration.mark)
        if source is not None and registration.mark is not None:
            ours += 1
            if registration.id not in wanted:
                step = _release(registration, registration.mark, source, aim, actual)
                skips.append(step) if isinstance(step, Skip) else removals.append(step)
            continue
        foreign += 1
        if facts.stray(registration.mark):
            skips.append(Skip(registration.id, SkipKind.STRAY, _stray(registration)))
    skips.extend(_rejected(aim, held, facts))
    return Plan(
        changes=(*changes, *removals),
        skipped=tuple(skips),
        unchanged=unchanged,
        ours=ours,
        foreign=foreign,
    )


def _rejected(aim: Aim, held: Mapping[str, Registration], facts: Facts) -> Iterator[Skip]:
    """What the sink cannot hold and does not hold in an older form either."""
    for (id_, *_), rejected in aim.rejected.items():
        have = held.get(id_)
        if have is None or facts.source_of(have.mark) is None:
            yield Skip(id_, SkipKind.REJECTED, rejected.reason)


def _one_for_each_id(
    claims: Iterable[Wanted], held: Mapping[str, Registration]
) -> tuple[dict[str, Wanted], list[Skip]]:
    """One claim for each id: the workload that holds it now, else by source order and name."""
    chosen: dict[str, Wanted] = {}
    skips = []
    for claim in claims:
        id_ = claim.instance.id
        rival = chosen.get(id_)
        if rival is None:
            chosen[id_] = claim
            continue
        winner, loser = _precedence(rival, claim, held.get(id_))
        chosen[id_] = winner
        text = f"{_origin(winner)} already has this id; {_origin(loser)} takes over when it goes"
        skips.append(Skip(id_, SkipKind.DUPLICATE, text))
    return chosen, skips


def _precedence(one: Wanted, two: Wanted, have: Registration | None) -> tuple[Wanted, Wanted]:
    holder = have.mark if have else None

    def rank(claim: Wanted) -> tuple[bool, int, str]:
        holds = holder is not None and claim.mark.key == holder.key
        return (not holds, claim.order, claim.mark.workload)

    first, second = sorted((one, two), key=rank)
    return first, second


def _origin(claim: Wanted) -> str:
    origin = claim.instance.origin
    name = origin.name if origin and origin.name else claim.mark.workload[:12]
    return f"{claim.mark.source}:{name}"


def _settle(
    want: Wanted,
    have: Registration | None,
    actual: View[Registration],
    facts: Facts,
    written: Container[str],
) -> Change | Skip | None:
    """What a wanted instance needs; None if it stands there as it should."""
    id_ = want.instance.id
    if have is None:
        if id_ in actual.unclear:
            return Skip(id_, SkipKind.UNCLEAR, "the registry holds this id, but it cannot be read")
        if not actual.complete and id_ in written:
            return Skip(
                id_, SkipKind.HIDDEN, "written before, and not shown by an incomplete listing"
            )
        return Register(want.registration)
    holder = facts.source_of(have.mark)
    if holder is None or have.mark is None:
        return Skip(id_, SkipKind.CONFLICT, _conflict(have))
    if skip := _kept_for(have.mark, want, holder):
        return skip
    if have.mark == want.mark and not have.damaged and have.instance == want.listed:
        return None
    return Update(have, want.registration)


def _kept_for(mark: Mark, want: Wanted, holder: Snapshot) -> Skip | None:
    """Why another workload may not take this id over yet: its holder may still be there."""
    if mark.key == want.mark.key:
        return None
    if why := holder.why_unclear(mark.workload):
        return Skip(want.instance.id, SkipKind.UNCLEAR, f"held for {mark.workload[:12]}: {why}")
    if mark.source != want.mark.source and holder.doubt:
        text = f"held for source {mark.source}: {holder.doubt}"
        return Skip(want.instance.id, SkipKind.DOUBT, text)
    return None


def _unless_rejected(update: Update, aim: Aim) -> Update | Skip:
    """The update, unless it takes an id from a workload that still asks for it, in a bad form.

    What is registered of that one runs, as it does where nobody else asks for its id.
    """
    holder = claim_of(update.old)
    if holder == claim_of(update.new) or holder not in aim.rejected:
        return update
    reason = aim.rejected[holder].reason
    text = f"held for {holder.workload[:12]}, whose new form is refused: {reason}"
    return Skip(update.id, SkipKind.REJECTED, text)


def _conflict(have: Registration) -> str:
    if have.mark is None:
        return "somebody else registered this id, without a mark of syncer"
    mark = have.mark
    return f"this id belongs to owner {mark.owner!r}, scope {mark.scope!r}, source {mark.source!r}"


def _release(
    have: Registration,
    mark: Mark,
    source: Snapshot,
    aim: Aim,
    actual: View[Registration],
) -> Change | Skip:
    """What becomes of a registration of ours that is not wanted any more."""
    id_, claim = have.id, claim_of(have)
    if source.doubt:
        return Skip(id_, SkipKind.DOUBT, f"source {mark.source}: {source.doubt}")
    if not actual.complete:
        return Skip(id_, SkipKind.INCOMPLETE, "the registry's listing is incomplete")
    if why := source.why_unclear(mark.workload):
        return Skip(id_, SkipKind.UNCLEAR, why)
    if not source.offers(mark.workload):
        return Deregister(have, Reason.WORKLOAD_GONE)
    if claim in aim.rejected:
        return Skip(id_, SkipKind.REJECTED, aim.rejected[claim].reason)
    if aim.withheld.get(claim) == have.instance.place:
        return Deregister(have, Reason.WITHHELD)
    return Deregister(have, Reason.NOT_OFFERED)


def _stray(have: Registration) -> str:
    source = have.mark.source if have.mark else ""
    return (
        f"from source {source!r}, which is not configured here; "
        f"`syncer purge --only {source}` removes it"
    )
