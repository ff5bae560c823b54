"""Answers to single questions to an engine: by sink, with the errors of those that gave none."""

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import partial
from typing import TypeVar

import attrs

from syncer.api.changes import Change, Deregister, Plan, SkipKind
from syncer.api.contracts import Sink, Source, View
from syncer.api.fields import EMPTY, as_tuple, frozen_map
from syncer.api.findings import Finding
from syncer.api.keys import Claim, Part, WorkloadKey
from syncer.api.left_out import LeftOut, LeftOutKind
from syncer.api.registrations import Instance, Registration
from syncer.api.text import many
from syncer.desired.left_out import in_order, left_out, of_workload
from syncer.desired.ownership import Ownership
from syncer.desired.snapshot import Snapshot, TrackedWorkload

T = TypeVar("T")

#: Runs work that may raise anything, reported under this name; returns the error.
Attempt = Callable[[str, Callable[[], object]], str]

#: The states of an instance in a sink, worst first.
STATES = ("failed", "held", "pending", "unknown", "registered")
_TO_DO = {"Register": "to be registered", "Update": "to be updated", "Deregister": "to be removed"}


@attrs.frozen(kw_only=True)
class Once(Mapping[str, T]):
    """The answer of each sink, and the errors of the sources and sinks that gave none.

    Errors are under `source NAME` and `sink NAME`. `left_out` is what is not registered; `partial`
    whether it is unknown what some workload offers. `unsure` counts, by sink, the entries that may
    be ours: their source has not answered.
    """

    answers: Mapping[str, T] = attrs.field(converter=frozen_map)
    errors: Mapping[Part, str] = attrs.field(default=EMPTY, converter=frozen_map)
    left_out: tuple[LeftOut, ...] = attrs.field(default=(), converter=as_tuple)
    partial: bool = False
    unsure: Mapping[str, int] = attrs.field(default=EMPTY, converter=frozen_map)

    def __getitem__(self, sink: str) -> T:
        return self.answers[sink]

    def __iter__(self) -> Iterator[str]:
        return iter(self.answers)

    def __len__(self) -> int:
        return len(self.answers)


def with_left_out(once: Once[T], now: "Now", plans: Mapping[str, Plan] = EMPTY) -> Once[T]:
    """Return the answers with what is not registered; `plans` tell what filters would remove."""
    found = list(now.left_out())
    removed = Counter(
        change.old.mark.source
        for plan in plans.values()
        for change in plan.changes
        if isinstance(change, Deregister) and change.old.mark
    )
    for at, one in enumerate(found):
        if not one.workload and one.kind is LeftOutKind.FILTERED and (count := removed[one.source]):
            advice = f"{many(count, 'entry', 'entries')} would be removed"
            found[at] = attrs.evolve(one, advice=advice)
    entries = (entry for snapshot in now.sources.values() for entry in snapshot.entries())
    partial = any(entry.translated.failed for entry in entries)
    unsure = {
        sink: sum(now.ownership.is_unsure(one.mark) for one in view.items)
        for sink, view in now.sinks.items()
    }
    return attrs.evolve(once, left_out=found, partial=partial, unsure=unsure)


@attrs.frozen(kw_only=True)
class Story:
    """Why one workload is registered, or is not: for `syncer explain`.

    `sinks` maps each sink to a line of text for each instance id. A source or sink without an
    answer has its error there, under the id "". `left_out` is what is not registered of it.
    """

    source: str
    entry: TrackedWorkload
    sinks: Mapping[str, Mapping[str, str]] = attrs.field(default=EMPTY, converter=frozen_map)
    left_out: tuple[LeftOut, ...] = attrs.field(default=(), converter=as_tuple)


@attrs.frozen(kw_only=True)
class Now:
    """The knowledge of an engine at one moment.

    `sources` holds the last answer of each source. `sinks` holds the entries of each sink as last
    read, updated with our own writes since. `guarded` holds the changes of each sink's last plan
    that the guard held back. `takes` maps each sink to the sources that it is limited to, none if
    it takes all. `withheld` are the claims of instances that each sink does not list in their
    present status. `problems` is what each sink changed or dropped of instances that it lists.
    """

    ownership: Ownership
    sources: Mapping[str, Snapshot] = attrs.field(converter=frozen_map)
    sinks: Mapping[str, View[Registration]] = attrs.field(converter=frozen_map)
    guarded: Mapping[str, tuple[Change, ...]] = attrs.field(default=EMPTY, converter=frozen_map)
    takes: Mapping[str, Collection[str]] = attrs.field(default=EMPTY, converter=frozen_map)
    withheld: Mapping[str, Collection[Claim]] = attrs.field(default=EMPTY, converter=frozen_map)
    problems: Mapping[str, Mapping[WorkloadKey, tuple[str, ...]]] = attrs.field(
        default=EMPTY, converter=frozen_map
    )

    def left_out(self) -> tuple[LeftOut, ...]:
        """Return workloads and ports that are not registered, and why; settings come first.

        What a sink does not write for reasons of its own is a skip of its plan.
        """
        found = [one for snapshot in self.sources.values() for one in left_out(snapshot)]
        return in_order((*found, *self._in_sinks(), *self._not_taken(*self.sources)))

    def left_out_of(self, source: str, entry: TrackedWorkload) -> tuple[LeftOut, ...]:
        """Return the part of that list which is about one workload, or about its whole source."""
        mine = self._in_sinks(WorkloadKey(source, entry.workload.id))
        return (*of_workload(self.sources[source], entry), *mine, *self._not_taken(source))

    def _in_sinks(self, only: WorkloadKey | None = None) -> Iterator[LeftOut]:
        """Yield what a sink does not list in its present status, or changes or drops of it."""
        for sink, claims in self.withheld.items():
            for claim in claims:
                entry = self._entry(claim.key) if only in (None, claim.key) else None
                if entry is not None:
                    status = entry.workload.status.value
                    text = f"sink {sink} does not list {claim.id} while it is {status}"
                    yield _about(entry, claim.key, LeftOutKind.STATE, text)
        for sink, problems in self.problems.items():
            for key in problems if only is None else {only} & problems.keys():
                if (entry := self._entry(key)) is not None:
                    for text in problems[key]:
                        yield _about(entry, key, LeftOutKind.WARNING, f"sink {sink}: {text}")

    def _entry(self, key: WorkloadKey) -> TrackedWorkload | None:
        snapshot = self.sources.get(key.source)
        return snapshot.workloads.get(key.id) if snapshot else None

    def _not_taken(self, *sources: str) -> Iterator[LeftOut]:
        """Yield those of these sources that no sink takes."""
        for source in sources:
            if self.sinks and not any(self.sinks_of(source)):
                text = f"no sink takes anything from source {source}"
                yield LeftOut(
                    source=source,
                    kind=LeftOutKind.UNKNOWN,
                    reason=text,
                    advice="add it to the setting sources of a sink",
                )

    def sinks_of(self, source: str) -> Iterator[str]:
        """The sinks in which this source's instances are registered."""
        for sink in self.sinks:
            takes = self.takes.get(sink)
            if not takes or source in takes:
                yield sink


def _about(entry: TrackedWorkload, key: WorkloadKey, kind: LeftOutKind, reason: str) -> LeftOut:
    name = entry.workload.name or key.id
    return LeftOut(source=key.source, workload=name, id=key.id, kind=kind, reason=reason)


@attrs.frozen(kw_only=True)
class Examined:
    """The answers that an engine got by asking every source and sink: for `syncer doctor`.

    `findings` are those of sources and sinks about themselves, under `source NAME` and
    `sink NAME`.
    """

    now: Now
    plans: Once[Plan]
    findings: Mapping[str, tuple[Finding, ...]] = attrs.field(default=EMPTY, converter=frozen_map)


def examined(
    parts: Mapping[Part, Source | Sink], plans: Once[Plan], now: Now, attempt: Attempt
) -> Examined:
    """Ask sources and sinks to examine themselves; `plans` were made just before."""
    findings: dict[str, tuple[Finding, ...]] = {}
    errors = dict(plans.errors)

    def look(name: Part, part: Source | Sink) -> None:
        findings[name] = tuple(part.examine())

    for name, part in parts.items():
        if error := attempt(name, partial(look, name, part)):
            errors.setdefault(name, error)
    asked = attrs.evolve(plans, errors=errors)
    return Examined(now=now, plans=asked, findings=findings)


def offered(entry: TrackedWorkload) -> set[str]:
    """Return the services that a workload offers and the ids of its instances.

    Includes those that cannot be registered: without an address, or of a stopped workload.
    """
    offers = (*(one.offer for one in entry.translated.explained), *(entry.workload.offers or ()))
    ids = (offer.id for offer in offers if offer.id)
    known = (instance.id for instance in entry.translated.instances)
    return {*(offer.service for offer in offers), *ids, *known}


def fitting(
    world: Iterable[Snapshot], name: str, *, by_offer: bool = False
) -> Iterator[tuple[Snapshot, TrackedWorkload]]:
    """Find workloads by their name, or by at least 4 characters of the beginning of their id.

    With `by_offer` also by a service that they offer, or by the id of an instance.
    """
    for snapshot in world:
        for entry in snapshot.entries():
            if (
                entry.workload.name == name
                or (len(name) > 3 and entry.workload.id.startswith(name))
                or (by_offer and name in offered(entry))
            ):
                yield snapshot, entry


def named(world: Iterable[Snapshot], name: str) -> Callable[[Registration], bool]:
    """Return a test whether `name` fits a registration or its workload; "" fits all."""
    workloads = {
        WorkloadKey(snapshot.name, entry.workload.id) for snapshot, entry in fitting(world, name)
    }

    def fits(registration: Registration) -> bool:
        mark = registration.mark
        by_workload = mark is not None and mark.key in workloads
        return by_workload or name in ("", registration.id, registration.instance.service)

    return fits


def plan_digest(plans: Once[Plan]) -> str:
    """Return a fingerprint of all changes in the plans: 12 hexadecimal digits."""
    lines = [f"{name} {plan.digest()}" for name, plan in sorted(plans.items())]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]


@attrs.frozen(kw_only=True)
class Standing:
    """The state of an instance in one sink, one of `STATES`, and why."""

    state: str
    why: str = ""

    @property
    def line(self) -> str:
        """The same in one line of text."""
        return self.why or ("up to date" if self.state == "registered" else self.state)


class SinkStandings:
    """The states of instances in one sink, from its entries and its last plan, if there is one.

    `to_do` are the changes of a plan that nobody has carried out yet; `None` after a cycle.
    `failed` maps ids to the errors of a cycle's changes. `error` says why the sink is unreachable.
    """

    def __init__(
        self,
        held: View[Registration],
        ownership: Ownership,
        plan: Plan | None,
        *,
        to_do: Collection[Change] | None = None,
        failed: Mapping[str, str] = EMPTY,
        error: str = "",
    ) -> None:
        self._plan, self._to_do, self._failed, self._error = plan, to_do, failed, error
        self._skips = {skip.id: skip for skip in plan.skipped} if plan else {}
        self._held = {one.id: one for one in held.items}
        self._ids = {key: one.id for one in held.items if (key := _key(one, ownership))}
        self._changes: dict[str, Change] = {}
        for change in to_do or ():
            self._changes[change.id] = change
            entry = change.old if isinstance(change, Deregister) else change.new
            if key := _key(entry, ownership):
                self._ids.setdefault(key, change.id)
        self._used: set[str] = set()

    def of(self, source: str, entry: TrackedWorkload, instance: Instance) -> Standing:
        """The state of a desired instance, also under another id that the sink gave it."""
        id_ = self._id(source, entry, instance)
        self._used.add(id_)
        for one in (id_, instance.id):
            if one in self._failed:
                return Standing(state="failed", why=self._failed[one])
        if why := self.skipped(id_) or self.skipped(instance.id):
            drained = id_ in self._skips and self._skips[id_].kind is SkipKind.HELD
            return Standing(state="registered" if drained else "held", why=why)
        if change := self._changes.get(id_):
            return Standing(state="pending", why=_TO_DO[type(change).__name__])
        if id_ in self._held:
            return Standing(state="registered")
        if self._error:
            state = "unknown" if self._plan is None else "pending"
            return Standing(state=state, why=f"unreachable: {self._error}")
        if self._plan is None:
            return Standing(state="unknown", why="not checked yet")
        if self._to_do is not None:
            return Standing(state="held", why="not listed in this sink in its current status")
        return Standing(state="pending", why=_TO_DO["Register"])

    def entry(self, source: str, entry: TrackedWorkload, instance: Instance) -> Registration | None:
        """The entry of a desired instance as last read; `None` if the sink is unreachable now."""
        return None if self._error else self._held.get(self._id(source, entry, instance))

    def line(self, source: str, entry: TrackedWorkload, instance: Instance) -> str:
        """The state of a desired instance in one line, and what the registry's checks say."""
        standing, held = self.of(source, entry, instance), self.entry(source, entry, instance)
        by_checks = held is not None and not held.up and Registration(instance=instance).up
        drained = held is not None and held.mark is not None and held.mark.hold
        if held and by_checks and not drained and standing == Standing(state="registered"):
            said = f": {held.failing}" if held.failing else ""
            return f"registered; {held.instance.shown_status} by its checks there{said}"
        return standing.line

    def skipped(self, id_: str) -> str:
        """Why a change of this id is held back; "" if none is."""
        skip = self._skips.get(id_)
        return f"{skip.kind}: {skip.reason}" if skip else ""

    def others(self) -> Iterator[Registration]:
        """The entries that belong to no instance asked about so far."""
        return (one for id_, one in self._held.items() if id_ not in self._used)

    def _id(self, source: str, entry: TrackedWorkload, instance: Instance) -> str:
        if instance.id in self._held or instance.id in self._changes:
            return instance.id
        return self._ids.get((source, entry.workload.id, instance.service), instance.id)


def _key(registration: Registration, ownership: Ownership) -> tuple[str, str, str] | None:
    """By what a registration of ours is found if the sink gave it another id."""
    mark = registration.mark
    if mark is None or not ownership.manages(mark):
        return None
    return *mark.key, registration.instance.service


def planned(plans: Once[Plan], now: Now) -> dict[str, SinkStandings]:
    """The states of instances in each sink, from plans that nobody has carried out yet."""
    return {
        sink: SinkStandings(now.sinks[sink], now.ownership, plan, to_do=plan.changes)
        for sink, plan in plans.items()
    }


def story(
    source: str,
    entry: TrackedWorkload,
    now: Now,
    sinks: Mapping[str, SinkStandings],
    errors: Mapping[Part, str] = EMPTY,
) -> Story:
    """Explain a workload: its state in each sink that takes its source; `errors` by part."""
    lines = {
        sink: {one.id: sinks[sink].line(source, entry, one) for one in entry.translated.instances}
        for sink in now.sinks_of(source)
        if sink in sinks
    }
    silent = {part: {"": text} for part, text in errors.items()}
    found = now.left_out_of(source, entry)
    return Story(source=source, entry=entry, sinks={**lines, **silent}, left_out=found)
