"""What is to be done to a sink: changes, skips, and the plan that holds them."""

import hashlib
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any

import attrs

from syncer.api.model import Registration

#: What one workload says of one id: the id, its source's name, and its own id. Others may say
#: something else of the same id.
Claim = tuple[str, str, str]


def claim_of(registration: Registration) -> Claim:
    """Under which claim a registration was written."""
    mark = registration.mark
    return (registration.id, mark.source, mark.workload) if mark else (registration.id, "", "")


class Reason(str, Enum):
    """Why a registration is removed."""

    #: The workload is absent, or in a state that offers nothing.
    WORKLOAD_GONE = "workload gone"
    #: The workload was described completely, and no longer yields this id.
    NOT_OFFERED = "no longer offered"
    #: The instance is in a status in which it is not listed in this sink.
    WITHHELD = "withheld"
    #: The user asked for the removal of all that is ours.
    PURGED = "purged"


@attrs.frozen
class Register:
    """Write an instance that the sink does not hold."""

    new: Registration

    @property
    def id(self) -> str:
        """The id of the instance."""
        return self.new.id


@attrs.frozen
class Update:
    """Replace what the sink holds; `old` is what the last listing showed."""

    old: Registration
    new: Registration

    @property
    def id(self) -> str:
        """The id of the instance, which an update never changes."""
        return self.new.id

    @property
    def moves(self) -> bool:
        """Whether the instance gets another address or port."""
        old, new = self.old.instance, self.new.instance
        return (old.address, old.port) != (new.address, new.port)

    def differences(self) -> list[tuple[str, Any, Any]]:
        """For people: each field that differs, with its old and its new value."""
        old, new = self.old.instance, self.new.instance
        found = [
            (name, getattr(old, name), getattr(new, name))
            for name in _SHOWN
            if getattr(old, name) != getattr(new, name)
            and (name != "tags" or set(old.tags) != set(new.tags))
        ]
        if self.old.damaged:
            found.append(("damaged", self.old.damaged, ""))
        before, after = self.old.mark, self.new.mark
        if before and after and before.workload != after.workload:
            found.append(("workload", before.workload[:12], after.workload[:12]))
        if before is None and after:
            found.append(("owner", "nobody", after.owner))
        if before and after and before.hold != after.hold:
            found.append(("hold", before.hold, after.hold))
        if before and after and before.digest != after.digest and not found:
            found.append(("checks", "as registered before", "as asked for now"))
        return found


#: The fields that a listing can show, and so a person can compare.
_SHOWN = ("service", "address", "port", "protocol", "tags", "meta", "weight", "tag_override")


@attrs.frozen
class Deregister:
    """Remove a registration of ours.

    `stopped` is set when the source was asked for the workload and found it stopped: such a
    removal needs no guard. `after` are claims of which one must stand before this one may go.
    """

    old: Registration
    reason: Reason
    stopped: bool = False
    after: frozenset[Claim] = frozenset()

    @property
    def id(self) -> str:
        """The id of the instance."""
        return self.old.id


Change = Register | Update | Deregister


@attrs.frozen
class Skip:
    """A change that is not made, and why; `kind` is a short word for counting."""

    id: str
    kind: str
    reason: str


@attrs.frozen(kw_only=True)
class Plan:
    """The difference between what should be and what is, as a value.

    `unchanged` counts registrations that are as they should be, `ours` those that carry our
    mark and are under our care, `foreign` all others.
    """

    changes: tuple[Change, ...] = ()
    skipped: tuple[Skip, ...] = ()
    unchanged: int = 0
    ours: int = 0
    foreign: int = 0

    def digest(self) -> str:
        """A fingerprint of the changes: equal for plans that do the same. 12 hex digits."""
        return digest_of(self.changes)

    def hold(self, held: Mapping[str, Skip]) -> "Plan":
        """The same plan with the changes of these ids turned into skips."""
        if not held:
            return self
        return attrs.evolve(
            self,
            changes=tuple(c for c in self.changes if c.id not in held),
            skipped=(*self.skipped, *(held[c.id] for c in self.changes if c.id in held)),
        )


def digest_of(changes: Iterable[Change]) -> str:
    """A fingerprint of changes, in whatever order: equal if they do the same. 12 hex digits."""
    lines = sorted(fingerprint(change) for change in changes)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]


def fingerprint(change: Change) -> str:
    """What a change does, on one line: equal for changes that do the same."""
    if isinstance(change, Deregister):
        return f"deregister {change.id} {change.reason.value}"
    mark = change.new.mark
    return f"{type(change).__name__.lower()} {change.id} {mark.digest if mark else ''}"


@attrs.frozen
class Outcome:
    """What became of one change: the registration now held, or the error.

    After a successful Deregister, `registration` is None.
    """

    change: Change
    registration: Registration | None = None
    error: Exception | None = None
