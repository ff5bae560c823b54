"""What holds changes of a plan back, each a function from plan to plan."""

from collections.abc import Callable, Container, Mapping

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
from syncer.api.fields import frozen_map
from syncer.api.keys import Claim, Place


def hold_unprobed(plan: Plan, unprobed: Mapping[Claim, Place]) -> Plan:
    """The plan without what would only show that the health of these is not known yet.

    After a restart of syncer nothing is known for a moment, and what is registered says what
    was found before: it stays so, unless the instance moved. What is damaged is written again as
    it stood.
    """
    held: dict[str, Skip] = {}
    changes: list[Change] = []
    for change in plan.changes:
        if (
            isinstance(change, Register)
            or not _is_of(change, unprobed)
            or not stays(change, unprobed)
        ):
            changes.append(change)
        elif isinstance(change, Update) and change.old.damaged:
            changes.append(Update(change.old, attrs.evolve(change.old, version="", damaged="")))
        else:
            changes.append(change)
            held[change.id] = Skip(change.id, SkipKind.UNPROBED, "its health is not known yet")
    return attrs.evolve(plan, changes=tuple(changes)).hold(held)


def _is_of(change: Update | Deregister, claims: Container[Claim]) -> bool:
    """Whether it is one of these claims that leads to the change."""
    return claim_of(change.new if isinstance(change, Update) else change.old) in claims


def stays(change: Update | Deregister, places: Mapping[Claim, Place]) -> bool:
    """Whether the instance is still at the address and port that are registered now.

    `places` tells where the instances are that are not wanted in their status.
    """
    if isinstance(change, Update):
        return not change.moves
    place = places.get(claim_of(change.old))
    return change.reason is Reason.WITHHELD and change.old.instance.place == place


#: What each policy lets through.
POLICIES: Mapping[str, tuple[type, ...]] = frozen_map(
    {
        "sync": (Register, Update, Deregister),
        "upsert-only": (Register, Update),
        "create-only": (Register,),
    }
)


def apply_policy(plan: Plan, policy: str) -> Plan:
    """The plan without the changes that the policy forbids; these become skips."""
    allowed = POLICIES[policy]
    return plan.hold(
        {
            change.id: Skip(change.id, SkipKind.POLICY, f"policy {policy} forbids {_verb(change)}")
            for change in plan.changes
            if not isinstance(change, allowed)
        }
    )


def _verb(change: Change) -> str:
    return "removals" if isinstance(change, Deregister) else "updates"


#: Seconds until a change that was refused for good is tried again with the same content.
SLOW_CAP = 300.0


class Refusals:
    """Keeps a change that was refused for good from being sent again and again.

    It is tried again when its content changes, or after `SLOW_CAP` seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._refused: dict[str, tuple[str, float, str]] = {}

    def note(self, change: Change, error: str) -> None:
        """Remember that this change was refused, and why."""
        self._refused[change.id] = (_content(change), self._clock() + SLOW_CAP, error)

    def forget(self, change: Change) -> None:
        """The change was accepted."""
        self._refused.pop(change.id, None)

    def __call__(self, plan: Plan) -> Plan:
        """The plan without changes that were refused and have not changed since."""
        if not self._refused:
            return plan
        held = {}
        for change in plan.changes:
            content, until, error = self._refused.get(change.id, ("", 0.0, ""))
            if content == _content(change) and self._clock() < until:
                held[change.id] = Skip(change.id, SkipKind.REFUSED, error)
        planned = {change.id for change in plan.changes}
        self._refused = {k: v for k, v in self._refused.items() if k in planned}
        return plan.hold(held)


def _content(change: Change) -> str:
    if isinstance(change, Deregister):
        return "deregister"
    return change.new.mark.digest if change.new.mark else ""
