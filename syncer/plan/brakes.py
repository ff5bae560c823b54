"""Brakes: functions from plan to plan that turn changes into skips, each with its reason.

The reconciler applies them in one order. Brakes that need memory or a clock are objects that are
called the same way; the larger ones have modules of their own.
"""

from collections.abc import Callable, Container, Hashable, Mapping

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
from syncer.api.keys import Claim, Place
from syncer.api.registrations import Registration
from syncer.api.workloads import Workload
from syncer.plan.wanted import Adjusted


def _ask_nobody(source: str, workload: str) -> Workload | None:
    raise LookupError(f"source {source} cannot be asked for {workload}")


@attrs.frozen(kw_only=True)
class Context:
    """The context of the plan of one cycle, for brakes.

    `entries` are those of the sink, by id. `listings` counts the complete listings of each source.
    `confirm_gone` asks a source again for one workload: its state, or `None` if it is gone.
    With `careful` the last instance of a service that is up is kept. `credentials` differs once the
    sink uses others than for an earlier plan.
    """

    adjusted: Adjusted = attrs.Factory(Adjusted)
    entries: Mapping[str, Registration] = EMPTY
    policy: str = "sync"
    careful: bool = False
    listings: Mapping[str, int] = EMPTY
    confirm_gone: Callable[[str, str], Workload | None] = _ask_nobody
    credentials: Hashable = None


Brake = Callable[[Plan, Context], Plan]

#: The changes that each policy allows.
POLICIES: Mapping[str, tuple[type, ...]] = frozen_map(
    {
        "sync": (Register, Update, Deregister),
        "upsert-only": (Register, Update),
        "create-only": (Register,),
    }
)


def apply_policy(plan: Plan, context: Context) -> Plan:
    """Hold back the changes that the sink's policy forbids."""
    text = f"policy {context.policy} forbids"
    return plan.hold(
        {
            change.id: Skip(change.id, SkipKind.POLICY, f"{text} {_verb(change)}")
            for change in plan.changes
            if not isinstance(change, POLICIES[context.policy])
        }
    )


def _verb(change: Change) -> str:
    return "removals" if isinstance(change, Deregister) else "updates"


def hold_unprobed(plan: Plan, context: Context) -> Plan:
    """Hold back changes that only show that the health of an instance is not known yet.

    Just after a start no probe has answered, while the entry has the last known health: it
    stays, unless the instance moved. A damaged entry is written again as it was.
    """
    unprobed = context.adjusted.unprobed
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
    """Whether one of these claims leads to the change."""
    return claim_of(change.new if isinstance(change, Update) else change.old) in claims


def stays(change: Update | Deregister, places: Mapping[Claim, Place]) -> bool:
    """Whether the instance is still at the address and port that are registered.

    `places` are those of instances that are not listed in their status.
    """
    if isinstance(change, Update):
        return not change.moves
    place = places.get(claim_of(change.old))
    return change.reason is Reason.WITHHELD and change.old.instance.place == place


#: Seconds until a change that was refused for good is tried again with the same content.
SLOW_CAP = 300.0


class Refusals:
    """Keeps a change that the registry refused for good from being sent with every cycle.

    It is tried again when its content changes, when the sink's credentials do, or after `SLOW_CAP`
    seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._refused: dict[str, tuple[str, float, str]] = {}
        self._credentials: Hashable = None

    def note(self, change: Change, error: str) -> None:
        """Remember that this change was refused, and why."""
        self._refused[change.id] = (_content(change), self._clock() + SLOW_CAP, error)

    def forget(self, change: Change) -> None:
        """Forget a refusal once the change was accepted."""
        self._refused.pop(change.id, None)

    def __call__(self, plan: Plan, context: Context) -> Plan:
        """Hold back changes that were refused and have not changed since."""
        if context.credentials != self._credentials:
            self._refused, self._credentials = {}, context.credentials
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
