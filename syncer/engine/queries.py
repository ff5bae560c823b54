"""What an engine answers when it is asked once: by sink, with the errors of those that did not."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TypeVar

import attrs

from syncer.api.changes import Change, Plan
from syncer.api.contracts import Sink, Source
from syncer.api.fields import EMPTY, frozen_map
from syncer.api.findings import Finding
from syncer.api.model import Host, Registration, View
from syncer.desired.snapshot import Entry, Snapshot

T = TypeVar("T")

#: Does what may raise anything, under this name for what is told of it; returns the error.
Attempt = Callable[[str, Callable[[], object]], str]


@attrs.frozen(kw_only=True)
class Once(Mapping[str, T]):
    """The answers of each sink, and the errors of the sources and sinks that gave none.

    Errors are under `source NAME` and `sink NAME`.
    """

    answers: Mapping[str, T] = attrs.field(converter=frozen_map)
    errors: Mapping[str, str] = attrs.field(default=EMPTY, converter=frozen_map)

    def __getitem__(self, sink: str) -> T:
        return self.answers[sink]

    def __iter__(self) -> Iterator[str]:
        return iter(self.answers)

    def __len__(self) -> int:
        return len(self.answers)


@attrs.frozen(kw_only=True)
class Story:
    """How one workload came to be registered, or why not: for `syncer explain`.

    `sinks` maps each sink to a line for each instance id: what stands there, or is in the way.
    """

    source: str
    entry: Entry
    sinks: Mapping[str, Mapping[str, str]] = attrs.field(default=EMPTY, converter=frozen_map)


@attrs.frozen(kw_only=True)
class Now:
    """What an engine knows at one moment: of each source its last answer, of each sink its entries.

    What a sink holds is as last read, in step with what was written since. `guarded` is what the
    guard held of each sink's last plan.
    """

    sources: Mapping[str, Snapshot] = attrs.field(converter=frozen_map)
    sinks: Mapping[str, View[Registration]] = attrs.field(converter=frozen_map)
    guarded: Mapping[str, tuple[Change, ...]] = attrs.field(default=EMPTY, converter=frozen_map)


@attrs.frozen(kw_only=True)
class Examined:
    """What an engine found when it asked everybody: for `syncer doctor`.

    `findings` are what sources and sinks say of themselves, under `source NAME` and `sink NAME`;
    `hosts` are those that sources told of, under `source NAME` too.
    """

    now: Now
    plans: Once[Plan]
    hosts: Mapping[str, Host] = attrs.field(default=EMPTY, converter=frozen_map)
    findings: Mapping[str, tuple[Finding, ...]] = attrs.field(default=EMPTY, converter=frozen_map)


def examined(
    parts: Mapping[str, Source | Sink], plans: Once[Plan], now: Now, attempt: Attempt
) -> Examined:
    """What sources and sinks say of themselves, with plans that were just made."""
    hosts: dict[str, Host] = {}
    findings: dict[str, tuple[Finding, ...]] = {}
    errors = dict(plans.errors)

    def look(what: str, part: Source | Sink) -> None:
        findings[what] = tuple(part.examine())
        if isinstance(part, Source):
            hosts[what] = part.host()

    for what, part in parts.items():
        if error := attempt(what, partial(look, what, part)):
            errors.setdefault(what, error)
    asked = Once[Plan](answers=plans.answers, errors=errors)
    return Examined(now=now, plans=asked, hosts=hosts, findings=findings)


def offered(entry: Entry) -> set[str]:
    """The services that a workload offers, and the ids of its instances.

    Also what could not be registered: for want of an address, or since the workload stopped.
    """
    offers = (*(one.offer for one in entry.translated.explained), *(entry.workload.offers or ()))
    ids = (offer.id for offer in offers if offer.id)
    known = (instance.id for instance in entry.translated.instances)
    return {*(offer.service for offer in offers), *ids, *known}


def fitting(
    world: Sequence[Snapshot], name: str, *, by_offer: bool = False
) -> list[tuple[Snapshot, Entry]]:
    """The workloads of this name, or whose id begins so; or that offer what is named so."""
    return [
        (snapshot, entry)
        for snapshot in world
        for id_, entry in snapshot.entries.items()
        if entry.workload.name == name
        or (len(name) > 3 and id_.startswith(name))
        or (by_offer and name in offered(entry))
    ]


def named(world: Sequence[Snapshot], name: str) -> Callable[[Registration], bool]:
    """Whether a registration goes by this name, or comes from a workload that does; "" is all."""
    workloads = {(snapshot.name, entry.workload.id) for snapshot, entry in fitting(world, name)}

    def wanted(registration: Registration) -> bool:
        mark = registration.mark
        if name in ("", registration.id, registration.instance.service):
            return True
        return mark is not None and (mark.source, mark.workload) in workloads

    return wanted


def in_scope(world: Sequence[Snapshot], source: str) -> Callable[[Registration], bool]:
    """Whether a registration is of a scope of ours, and of this source; "" is any."""
    scopes = {scope for snapshot in world for scope in snapshot.scopes}

    def wanted(registration: Registration) -> bool:
        mark = registration.mark
        return mark is not None and mark.scope in scopes and source in ("", mark.source)

    return wanted


def plan_digest(plans: Once[Plan]) -> str:
    """A fingerprint of all that the plans would change; 12 hexadecimal digits."""
    lines = [f"{name} {plan.digest()}" for name, plan in sorted(plans.items())]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]


def story(source: str, entry: Entry, plans: Once[Plan]) -> Story:
    """A workload's story: what the plans say of its instances, and who gave no answer."""
    sinks = {sink: standing(plan, entry) for sink, plan in plans.items()}
    silent = {what: {"": text} for what, text in plans.errors.items()}
    return Story(source=source, entry=entry, sinks={**sinks, **silent})


def standing(plan: Plan, entry: Entry) -> dict[str, str]:
    """What a plan says of each instance of a workload."""
    verbs = {"Register": "to be registered", "Update": "to be updated", "Deregister": "to go"}
    found = {instance.id: "as it should be" for instance in entry.translated.instances}
    for change in plan.changes:
        if change.id in found:
            found[change.id] = verbs[type(change).__name__]
    for skip in plan.skipped:
        if skip.id in found:
            found[skip.id] = f"{skip.kind}: {skip.reason}"
    return found
