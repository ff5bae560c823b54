"""Changes to a sink, skips, and the plan that contains them."""

import hashlib
from collections.abc import Iterable, Mapping
from enum import Enum, Flag, auto
from typing import Any

import attrs

from syncer.api.keys import Claim
from syncer.api.registrations import STATUS_KEY, Registration
from syncer.api.secrets import hidden
from syncer.api.workloads import Status


def claim_of(registration: Registration) -> Claim:
    """Return the claim under which a registration was written; without a mark, an empty one."""
    source, workload = registration.mark.key if registration.mark else ("", "")
    return Claim(registration.id, source, workload)


class Reason(str, Enum):
    """Why a registration is removed."""

    #: The workload is absent, or in a state that offers nothing.
    WORKLOAD_GONE = "workload gone"
    #: The workload was described completely and no longer offers this id.
    NOT_OFFERED = "no longer offered"
    #: The instance is in a status in which it is not listed in this sink.
    WITHHELD = "withheld"
    #: The user asked to remove all of this syncer's entries.
    PURGED = "purged"


@attrs.frozen
class Register:
    """Add an entry to the sink."""

    new: Registration

    @property
    def id(self) -> str:
        """The id of the instance."""
        return self.new.id


@attrs.frozen
class Update:
    """Replace an entry; `old` is the entry as the last listing showed it."""

    old: Registration
    new: Registration

    @property
    def id(self) -> str:
        """The id of the instance; an update never changes it."""
        return self.new.id

    @property
    def moves(self) -> bool:
        """Whether the address or port changes."""
        return self.old.instance.place != self.new.instance.place

    def differences(self) -> list[tuple[str, Any, Any]]:
        """Return each field that differs, with its old and new value, for display."""
        old, new = self.old.instance, self.new.instance
        found = [
            (name, getattr(old, name), getattr(new, name))
            for name in _SHOWN
            if getattr(old, name) != getattr(new, name)
            and (name != "tags" or set(old.tags) != set(new.tags))
        ]
        if statuses := self._statuses():
            if {**old.meta, STATUS_KEY: ""} == {**new.meta, STATUS_KEY: ""}:
                found = [one for one in found if one[0] != "meta"]
            found.append(("status", *statuses))
        if self.old.damaged:
            found.append(("damaged", self.old.damaged, ""))
        before, after = self.old.mark, self.new.mark
        if before and after and before.workload != after.workload:
            found.append(("workload", before.workload[:12], after.workload[:12]))
        if before is None and after:
            found.append(("owner", "none", after.owner))
        if before and after and before.identity != after.identity:
            found.append(("identity", before.identity or "none", after.identity or "none"))
        if before and after and before.hold != after.hold:
            found.append(("hold", before.hold, after.hold))
        if before and after and before.digest != after.digest and not found:
            found.append(("checks", "as registered", "as requested"))
        return found

    def _statuses(self) -> tuple[str, str] | None:
        """Return the old and new status, if this change is about it.

        The registry's own checks may have made the old one: that is not what is written.
        """
        old, new = self.old.instance, self.new.instance
        was, now = (old.shown_status, new.shown_status)
        in_meta = old.meta.get(STATUS_KEY) != new.meta.get(STATUS_KEY)
        by_hand = {old.status, new.status} & {Status.PAUSED, Status.DRAINING}
        return (was, now) if was != now and (in_meta or by_hand) else None


#: The fields that listings show and people can compare.
_SHOWN = ("service", "address", "port", "protocol", "tags", "meta", "weight", "tag_override")


@attrs.frozen
class Deregister:
    """Remove an entry of this syncer.

    `stopped` is set if the source was asked and found the workload stopped: the guard does not
    count such a removal. If `after` is not empty, one of these claims must be registered first.
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


class Treat(Flag):
    """How the skips of one kind are reported."""

    QUIETLY = 0
    #: The log warns: someone should act.
    WARN = auto()
    #: `syncer doctor` reports it.
    REPORT = auto()
    #: The metric exists from the start, so that an alert can be set on it.
    COUNT = auto()
    #: A command that leaves it undone ends with an error.
    FAIL = auto()
    #: The log tells each reason once, with one id for an example.
    ONCE = auto()


class SkipKind(str, Enum):
    """Why a change is not made: one word, its meaning, and how it is reported.

    The words are in logs, metrics and JSON. `means` is Markdown for `docs/operations.md`.
    """

    means: str
    treat: Treat

    CONFLICT = (
        "conflict",
        "the id belongs to another owner or engine; the setting `adopt` takes over entries of"
        " registrator ([migration](migrate.md#what-is-taken-over))",
        Treat.WARN | Treat.REPORT | Treat.COUNT,
    )
    NAMESAKE = (
        "namesake",
        "another engine, which has the same name, registered it: neither touches the entries of the"
        " other ([which entries are syncer's](#which-entries-are-syncers))",
        Treat.WARN | Treat.REPORT | Treat.COUNT | Treat.ONCE,
    )
    DUPLICATE = (
        "duplicate",
        "two containers use one id; the second waits",
        Treat.WARN | Treat.REPORT,
    )
    DOUBT = ("doubt", "the source is not healthy, or has not listed completely yet", Treat.REPORT)
    UNCLEAR = (
        "unclear",
        "the container, or the entry, exists but cannot be read just now",
        Treat.REPORT,
    )
    UNCONFIRMED = ("unconfirmed", "the source did not answer when asked again", Treat.REPORT)
    ALIVE = ("alive", "the container runs after all", Treat.REPORT)
    INCOMPLETE = (
        "incomplete",
        "the registry does not show every entry (permissions), so nothing is removed",
        Treat.REPORT,
    )
    HIDDEN = (
        "hidden",
        "written before, but not shown by an incomplete listing (permissions)",
        Treat.REPORT,
    )
    UNREPLACED = (
        "unreplaced",
        "its container runs on and offers the same service under another id, which is not"
        " registered yet",
        Treat.QUIETLY,
    )
    UNPROBED = (
        "unprobed",
        "syncer has just begun to probe it: the health in the registry stays until a probe answers",
        Treat.QUIETLY,
    )
    GUARD = ("guard", "held by the guard", Treat.WARN | Treat.REPORT | Treat.COUNT | Treat.FAIL)
    HELD = ("held", "[drained by hand](#by-hand)", Treat.QUIETLY)
    LAST = (
        "last",
        "no other instance of the service is up: `keep_last`, or `drain` without `--force`",
        Treat.REPORT,
    )
    STANDBY = ("standby", "another syncer has the lock, and writes", Treat.QUIETLY)
    LOST = (
        "lost",
        "the lock was lost in the middle of a cycle: its new holder writes the rest",
        Treat.REPORT | Treat.FAIL | Treat.ONCE,
    )
    POLICY = ("policy", "forbidden by the policy", Treat.QUIETLY)
    REFUSED = ("refused", "the registry refused it before", Treat.WARN | Treat.REPORT | Treat.COUNT)
    CONTESTED = (
        "contested",
        "somebody else undoes the change again and again: syncer makes it after growing pauses",
        Treat.WARN | Treat.REPORT | Treat.COUNT,
    )
    REJECTED = ("rejected", "this sink cannot hold it", Treat.WARN | Treat.REPORT | Treat.COUNT)
    FORBIDDEN = (
        "forbidden",
        "consumers of this sink would find it under a name or at an address that the source's"
        " settings do not allow",
        Treat.WARN | Treat.REPORT | Treat.COUNT,
    )
    STRAY = ("stray", "from a source that is no longer configured", Treat.REPORT)

    def __new__(cls, word: str, means: str = "", treat: Treat = Treat.QUIETLY) -> "SkipKind":
        """Make a member whose value is its word."""
        kind = str.__new__(cls, word)
        kind._value_, kind.means, kind.treat = word, means, treat
        return kind

    def __str__(self) -> str:
        """The word."""
        return str.__str__(self)


@attrs.frozen
class Skip:
    """A change that is not made, with the reason."""

    id: str
    kind: SkipKind = attrs.field(converter=SkipKind)
    reason: str = attrs.field(converter=hidden)


@attrs.frozen(kw_only=True)
class Plan:
    """The difference between what should be registered and what is, as a value.

    Of the sink's entries, `unchanged` counts those that are as they should be, `ours` those that we
    manage, `foreign` all others. `asked` counts the entries that a drain or purge asked for.
    """

    changes: tuple[Change, ...] = ()
    skipped: tuple[Skip, ...] = ()
    unchanged: int = 0
    ours: int = 0
    foreign: int = 0
    asked: int = 0

    @property
    def unfinished(self) -> bool:
        """Whether it skips a change that a command is expected to make."""
        return any(Treat.FAIL in skip.kind.treat for skip in self.skipped)

    def digest(self) -> str:
        """Return a fingerprint of the changes, 12 hex digits, equal for equal plans."""
        return digest_of(self.changes)

    def hold(self, held: Mapping[str, Skip]) -> "Plan":
        """Return the plan with the changes of these ids replaced by skips."""
        if not held:
            return self
        return attrs.evolve(
            self,
            changes=tuple(c for c in self.changes if c.id not in held),
            skipped=(*self.skipped, *(held[c.id] for c in self.changes if c.id in held)),
        )


def digest_of(changes: Iterable[Change]) -> str:
    """Return a fingerprint of changes, 12 hex digits. Their order does not matter."""
    lines = sorted(fingerprint(change) for change in changes)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]


def fingerprint(change: Change) -> str:
    """Return one line that is equal for equal changes."""
    if isinstance(change, Deregister):
        return f"deregister {change.id} {change.reason.value}"
    mark = change.new.mark
    return f"{type(change).__name__.lower()} {change.id} {mark.digest if mark else ''}"


@attrs.frozen
class Outcome:
    """The result of one change: the entry as it now is, or the error.

    After a successful Deregister, `registration` is `None`.
    """

    change: Change
    registration: Registration | None = None
    error: Exception | None = None
