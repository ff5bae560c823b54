"""What an engine answers when it is asked once: by sink, with the errors of those that did not."""

import hashlib
from collections.abc import Iterator, Mapping
from typing import TypeVar

import attrs

from syncer.changes import Plan
from syncer.desired import Entry, Snapshot
from syncer.model import Registration, View
from syncer.values import EMPTY, frozen_map

T = TypeVar("T")


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

    What a sink holds is as last read, in step with what was written since.
    """

    sources: Mapping[str, Snapshot] = attrs.field(converter=frozen_map)
    sinks: Mapping[str, View[Registration]] = attrs.field(converter=frozen_map)


def offered(entry: Entry) -> set[str]:
    """The services that a workload offers, and the ids of its instances.

    Also what could not be registered: for want of an address, or since the workload stopped.
    """
    offers = (*(one.offer for one in entry.translated.explained), *(entry.workload.offers or ()))
    ids = (offer.id for offer in offers if offer.id)
    known = (instance.id for instance in entry.translated.instances)
    return {*(offer.service for offer in offers), *ids, *known}


def plan_digest(plans: Once[Plan]) -> str:
    """A fingerprint of all that the plans would change; 12 hexadecimal digits."""
    lines = [f"{name} {plan.digest()}" for name, plan in sorted(plans.items())]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]


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
