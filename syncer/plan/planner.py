"""The pure planner: compares what should be registered with what is, and makes a plan.

No input, output, clock or log. A cycle decides here whether an entry is removed; brakes (`brakes`,
`guard`, `last_instance`, `replacements`, `engine.cycle.confirm_gone`) may only hold that back.

    ours and wanted             equal: unchanged; else Update
    ours, not wanted            Deregister if its source can be believed; else a skip
    others', wanted             a skip: conflict; Update if labels chose the id, which is our own
    a namesake's, not wanted    a skip: another engine of our scope registered it
    others', not wanted         foreign: neither touched nor mentioned
    wanted, not registered      Register
"""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping

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
from syncer.api.contracts import View
from syncer.api.fields import EMPTY, frozen_map
from syncer.api.registrations import Mark, Registration
from syncer.desired.ownership import Ownership
from syncer.desired.snapshot import Snapshot
from syncer.plan.wanted import Adjusted, Wanted

#: Makes ids equal that are one to the registry.
Fold = Callable[[str], str]


@attrs.frozen(kw_only=True)
class Facts:
    """Our owner name, and the snapshot of each configured source."""

    owner: str
    sources: Mapping[str, Snapshot] = attrs.field(default=EMPTY, converter=frozen_map)
    ownership: Ownership = attrs.field(init=False)

    @ownership.default
    def _ownership(self) -> Ownership:
        return Ownership.over(self.owner, self.sources.values())

    def source_of(self, mark: Mark | None) -> Snapshot | None:
        """Return the source that answers for an entry; `None` if we do not manage it."""
        return self.sources[mark.source] if mark and self.ownership.manages(mark) else None


def make_plan(
    adjusted: Adjusted,
    actual: View[Registration],
    facts: Facts,
    written: Container[str] = (),
    *,
    fold: Fold = str,
) -> Plan:
    """Return the plan that makes `actual` equal to `adjusted`.

    `written` are the ids that this process has written: if an incomplete listing does not show
    one, the entry exists and is only hidden. Ids that `fold` makes equal are one to the registry.
    """
    held = {registration.id: registration for registration in actual.items}
    wanted, skips = _one_for_each_id(adjusted.wanted, held, fold)
    waiting = {skip.id for skip in skips} - wanted.keys()
    twins = {fold(id_): one for id_, one in held.items() if id_ not in wanted}
    changes: list[Change] = []
    unchanged = ours = 0
    for id_, want in wanted.items():
        twin = None if id_ in held else twins.get(fold(id_))
        settled = _settle(want, held.get(id_), adjusted, actual, facts, written)
        step = _second(want, twin, facts) if twin else settled
        if step is None:
            unchanged += 1
            if hold := want.mark.hold:
                skips.append(Skip(id_, SkipKind.HELD, f"{hold}; `syncer undrain` ends it"))
        elif isinstance(step, Skip):
            skips.append(step)
        else:
            changes.append(step)
    removals: list[Change] = []
    for one in actual.items:
        if source := facts.source_of(one.mark):
            ours += 1
            if one.id not in wanted and one.id not in waiting:
                step = _remove(one, source, adjusted, actual)
                skips.append(step) if isinstance(step, Skip) else removals.append(step)
        elif facts.ownership.is_stray(one.mark):
            skips.append(Skip(one.id, SkipKind.STRAY, _stray(one)))
        elif one.id not in wanted and facts.ownership.is_namesake(one.mark):
            skips.append(Skip(one.id, SkipKind.NAMESAKE, _conflict(one, facts)))
    skips.extend(_rejected(adjusted, held, facts))
    return Plan(
        changes=(*changes, *removals),
        skipped=tuple(skips),
        unchanged=unchanged,
        ours=ours,
        foreign=len(actual.items) - ours,
    )


def _rejected(adjusted: Adjusted, held: Mapping[str, Registration], facts: Facts) -> Iterator[Skip]:
    """Skip what the sink cannot or must not hold, unless an older form is registered."""
    for (id_, *_), rejected in adjusted.rejected.items():
        have = held.get(id_)
        if have is not None and facts.source_of(have.mark) is not None:
            continue
        if rejected.forbidden:
            yield Skip(id_, SkipKind.FORBIDDEN, rejected.reason)
        else:
            yield Skip(id_, SkipKind.REJECTED, rejected.reason)


def _one_for_each_id(
    claims: Iterable[Wanted], held: Mapping[str, Registration], fold: Fold
) -> tuple[dict[str, Wanted], list[Skip]]:
    """Choose one claim for each id: the workload's whose own it is, else its present holder's.

    Else the order of the sources and the name decide.
    """
    chosen: dict[str, Wanted] = {}
    skips = []
    for claim in claims:
        key = fold(claim.instance.id)
        rival = chosen.get(key)
        if rival is None:
            chosen[key] = claim
            continue
        winner, loser = _precedence(rival, claim, held)
        chosen[key] = winner
        id_, other = loser.instance.id, winner.instance.id
        what = "this id" if id_ == other else f"{other}, which the registry takes for the same id"
        own = loser.given_id > winner.given_id
        has = f"has {what} as its own" if own else f"already has {what}"
        text = f"{_origin(winner)} {has}; {_origin(loser)} takes over when it goes"
        skips.append(Skip(id_, SkipKind.DUPLICATE, text))
    return {want.instance.id: want for want in chosen.values()}, skips


def _second(want: Wanted, have: Registration, facts: Facts) -> Skip:
    """Skip what the registry would take for an entry that it holds under another id."""
    ours = facts.source_of(have.mark) is not None
    kind = SkipKind.DUPLICATE if ours else SkipKind.CONFLICT
    text = f"{have.id} is registered, which the registry takes for the same id"
    return Skip(want.instance.id, kind, f"{text}; {_origin(want)} takes over when it goes")


def _precedence(
    one: Wanted, two: Wanted, held: Mapping[str, Registration]
) -> tuple[Wanted, Wanted]:
    def rank(claim: Wanted) -> tuple[bool, bool, int, str]:
        have = held.get(claim.instance.id)
        holder = have.mark if have else None
        holds = holder is not None and claim.mark.key == holder.key
        return (claim.given_id, not holds, claim.order, claim.mark.workload)

    first, second = sorted((one, two), key=rank)
    return first, second


def _origin(claim: Wanted) -> str:
    origin = claim.instance.origin
    name = origin.name if origin and origin.name else claim.mark.workload[:12]
    return f"{claim.mark.source}:{name}"


def _settle(
    want: Wanted,
    have: Registration | None,
    adjusted: Adjusted,
    actual: View[Registration],
    facts: Facts,
    written: Container[str],
) -> Change | Skip | None:
    """Return the step that a wanted instance needs; `None` if its entry is up to date."""
    id_ = want.instance.id
    if have is None:
        if id_ in actual.unclear:
            return Skip(id_, SkipKind.UNCLEAR, "the registry holds this id, but it cannot be read")
        if not actual.complete and actual.hides_own and id_ in written:
            return Skip(
                id_, SkipKind.HIDDEN, "written before, and not shown by an incomplete listing"
            )
        return Register(want.registration)
    holder = facts.source_of(have.mark)
    if have.mark and holder is None and _is_squatted(have.mark, want, facts):
        return Update(have, want.registration)
    if holder is None or have.mark is None:
        return Skip(id_, SkipKind.CONFLICT, _conflict(have, facts))
    if skip := _kept_for(have.mark, want, holder):
        return skip
    if have.mark == want.mark and not have.damaged and have.instance == want.listed:
        return None
    return _unless_rejected(Update(have, want.registration), adjusted)


def _is_squatted(mark: Mark, want: Wanted, facts: Facts) -> bool:
    """Whether labels on another host chose the id that syncer makes of this workload.

    Every syncer of the owner decides so, and that host leaves the entry to us from then on.
    """
    its_own = want.instance.id.startswith(f"{mark.scope}:")
    return facts.ownership.is_elsewhere(mark) and not want.given_id and not its_own


def _kept_for(mark: Mark, want: Wanted, holder: Snapshot) -> Skip | None:
    """Skip if another workload must not take the id over: its holder may still run."""
    if mark.key == want.mark.key:
        return None
    if why := holder.why_unclear(mark.workload):
        return Skip(want.instance.id, SkipKind.UNCLEAR, f"held for {mark.workload[:12]}: {why}")
    if mark.source != want.mark.source and holder.doubt:
        text = f"held for source {mark.source}: {holder.doubt}"
        return Skip(want.instance.id, SkipKind.DOUBT, text)
    return None


def _unless_rejected(update: Update, adjusted: Adjusted) -> Update | Skip:
    """Skip an update that takes an id from a workload that claims it in a form that is rejected.

    That workload runs, so its entry stays as it would without a rival.
    """
    holder = claim_of(update.old)
    rejected = adjusted.keeps_older(holder)
    if holder == claim_of(update.new) or rejected is None:
        return update
    text = f"held for {holder.workload[:12]}, whose new form is refused: {rejected.reason}"
    return Skip(update.id, SkipKind.REJECTED, text)


def _conflict(have: Registration, facts: Facts) -> str:
    if have.mark is None:
        return "the id is already taken by an entry that is not syncer's"
    mark = have.mark
    if facts.ownership.is_namesake(mark):
        return (
            f"another engine ({mark.identity}) calls itself {mark.scope!r} too: set"
            f" sources.{mark.source}.scope on one of the two; or, if it was this host's own before"
            f" a reinstallation, former_identities = [{mark.identity!r}] for that source"
        )
    return f"this id belongs to owner {mark.owner!r}, scope {mark.scope!r}, source {mark.source!r}"


def _remove(
    have: Registration, source: Snapshot, adjusted: Adjusted, actual: View[Registration]
) -> Change | Skip:
    """Remove one of our entries that is no longer wanted, or skip it with a reason."""
    id_, claim = have.id, claim_of(have)
    if source.doubt:
        return Skip(id_, SkipKind.DOUBT, f"source {source.name}: {source.doubt}")
    if not actual.complete:
        why = "; ".join(("the registry's listing is incomplete", *actual.problems))
        return Skip(id_, SkipKind.INCOMPLETE, why)
    if why := source.why_unclear(claim.workload):
        return Skip(id_, SkipKind.UNCLEAR, why)
    if not source.offers(claim.workload):
        return Deregister(have, Reason.WORKLOAD_GONE)
    if rejected := adjusted.keeps_older(claim):
        return Skip(id_, SkipKind.REJECTED, rejected.reason)
    if adjusted.withheld.get(claim) == have.instance.place:
        return Deregister(have, Reason.WITHHELD)
    return Deregister(have, Reason.NOT_OFFERED)


def _stray(have: Registration) -> str:
    source = have.mark.source if have.mark else ""
    return (
        f"from source {source!r}, which is not configured here; "
        f"`syncer purge --only {source}` removes it"
    )
