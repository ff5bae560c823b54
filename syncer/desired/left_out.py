"""The list of what is not registered, and why. Pure.

The one place where it is made: plans, the status page, metrics, the log, `explain` and `doctor`
show this list. Changes that a sink does not make are not in it: those are skips of its plan.
"""

from collections.abc import Iterable, Iterator
from functools import partial

from syncer.api.left_out import LeftOut, LeftOutKind
from syncer.desired.filters import Filter
from syncer.desired.networking import lies_in
from syncer.desired.snapshot import Snapshot, TrackedWorkload
from syncer.desired.translate import named

_ORDER = {kind: place for place, kind in enumerate(LeftOutKind)}


def left_out(snapshot: Snapshot) -> tuple[LeftOut, ...]:
    """Return what is not registered of a source: settings first, then what someone may miss."""
    found = list(_settings(snapshot))
    for entry in snapshot.entries():
        if lacks(entry):
            found += of_workload(snapshot, entry)
    return in_order(found)


def lacks(entry: TrackedWorkload) -> bool:
    """Whether something of a workload may not be registered. Quick, for thousands of them."""
    translated = entry.translated
    least = max(1, len(translated.explained))
    return bool(translated.problems) or len(translated.instances) < least


def grouped(found: Iterable[LeftOut]) -> dict[LeftOut, list[str]]:
    """Return the names, each with its port, of those with one reason, by the first of them."""
    groups: dict[tuple[str, LeftOutKind, str], list[LeftOut]] = {}
    for one in found:
        groups.setdefault((one.source, one.kind, one.text), []).append(one)
    return {
        group[0]: [f"{one.workload} {one.port}".rstrip() for one in group if one.workload]
        for group in groups.values()
    }


def in_order(found: Iterable[LeftOut]) -> tuple[LeftOut, ...]:
    """Return them in the order in which people read them."""
    return tuple(sorted(found, key=_place))


def _place(one: LeftOut) -> tuple[bool, bool, int, str, str, str]:
    kind = _ORDER[one.kind]
    return bool(one.workload), not one.kind.missing, kind, one.source, one.workload, one.port


def of_workload(snapshot: Snapshot, entry: TrackedWorkload) -> Iterator[LeftOut]:
    """Yield what is not registered of one workload."""
    workload, translated = entry.workload, entry.translated
    make = partial(
        LeftOut, source=snapshot.name, workload=workload.name or workload.id, id=workload.id
    )
    if workload.id in snapshot.unclear:
        why, advice = snapshot.why_unclear(workload.id), "what is registered of it stays"
        yield make(kind=LeftOutKind.UNCLEAR, reason=why, advice=advice)
        return
    told: set[str] = set()
    if translated.left_out and not translated.explained:
        told.add(translated.left_out)
        yield make(kind=translated.kind, reason=translated.left_out, advice=translated.advice)
    for one in translated.explained:
        if one.instance is None:
            told.add(f"{named(one.offer)}: {one.why}")
            port = f"{one.offer.port}/{one.offer.protocol}" if one.offer.port else ""
            yield make(kind=one.kind, port=port, reason=one.why)
    rest = [text for text in translated.problems if text not in told]
    meant = bool(translated.left_out) and translated.kind is LeftOutKind.IGNORED
    kind = LeftOutKind.WARNING if translated.instances or meant else LeftOutKind.PROBLEM
    for text in rest:
        yield make(kind=kind, reason=text)
    if not (told or rest or translated.instances):
        yield make(kind=LeftOutKind.PROBLEM, reason="it offers no service, for no reason known")


def _settings(snapshot: Snapshot) -> Iterator[LeftOut]:
    """Yield the patterns in the source's settings that fit nothing, if all of it is known."""
    entries = tuple(snapshot.workloads.values())
    judge = snapshot.limits.filter
    overrides = [pattern for pattern in snapshot.limits.rules.overrides if pattern != "any"]
    if snapshot.doubt or snapshot.unclear or not entries:
        return
    if judge == Filter() and not overrides:
        return
    make = partial(LeftOut, source=snapshot.name)
    known = [one for one in entries if one.workload.state.offered]
    filtered = [one for one in known if _is_filtered(snapshot, one)]
    if known and judge != Filter() and len(filtered) == len(known):
        text = f"the filters leave out all {len(known)} workloads that run"
        yield make(kind=LeftOutKind.FILTERED, reason=text)
    offers = [(e.workload, [one.offer for one in e.translated.explained]) for e in entries]
    for pattern in judge.unused(offers):
        yield make(kind=LeftOutKind.UNKNOWN, reason=f"{pattern} fits nothing here")
    given = {offer.register_address for _, found in offers for offer in found} - {""}
    for pattern in overrides if given else ():
        if not any(lies_in(address, pattern) for address in given):
            text = f"addresses.overrides {pattern} fits no address in labels"
            yield make(kind=LeftOutKind.UNKNOWN, reason=text)


def _is_filtered(snapshot: Snapshot, entry: TrackedWorkload) -> bool:
    if entry.translated.instances:
        return False
    return {one.kind for one in of_workload(snapshot, entry)} == {LeftOutKind.FILTERED}
