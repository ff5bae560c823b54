"""Brakes on a plan that need memory or time: the guard, and the refused changes.

Both have the shape of a policy, `Plan -> Plan`: they move changes to the skips.
"""

from collections.abc import Callable, Mapping
from threading import Lock

import attrs

from syncer.api.changes import (
    Change,
    Deregister,
    Plan,
    Register,
    Skip,
    SkipKind,
    Update,
    digest_of,
    fingerprint,
)
from syncer.api.fields import one_of, within
from syncer.api.options import option

#: Seconds that must pass before a later listing confirms what the guard holds: a stream that breaks
#: makes a source list twice in a moment.
PAUSE = 5.0


@attrs.frozen(kw_only=True)
class GuardRules:
    """When the guard steps in, and what it then does."""

    mode: str = option(
        "confirm",
        help="confirm: until a later complete listing says the same; refuse: until it shrinks; off",
        validator=one_of("confirm", "refuse", "off"),
    )
    share: float = option(
        0.3, help="Share of our registrations that may go or move at once", validator=within(0, 1)
    )
    least: int = option(
        10, help="Fewer removals and moves than this are never held", validator=within(1, 10**9)
    )


class Guard:
    """Pauses removals and moves of too large a part of our registrations at once.

    Not counted are removals whose workload the source was asked for and found stopped. A person
    may let go of what it holds: `holding` and `let_go` are called from any thread.
    """

    def __init__(self, rules: GuardRules, clock: Callable[[], float]) -> None:
        self._rules, self._clock = rules, clock
        #: What was risky in the last plan: the listing that first showed it, and when that was.
        self._seen: dict[str, tuple[int, float]] = {}
        self._lock = Lock()
        #: What it held of the last plan.
        self._holding: tuple[Change, ...] = ()
        #: What a person let go, by id: such a change, and no other of this id, is let through.
        self._let_go: dict[str, str] = {}

    def holding(self) -> tuple[Change, ...]:
        """What it held of the last plan."""
        return self._holding

    def let_go(self, digest: str) -> int:
        """Let through what it holds, if that has this digest; returns how many changes, else 0.

        This is remembered for exactly these changes, each for as long as every plan has it.
        """
        with self._lock:
            if digest_of(self._holding) != digest:
                return 0
            self._let_go |= {change.id: fingerprint(change) for change in self._holding}
            return len(self._holding)

    def waits(self, plan: Plan) -> bool:
        """Whether it holds something of this plan that a later listing would let go."""
        held = any(skip.kind is SkipKind.GUARD for skip in plan.skipped)
        return held and self._rules.mode == "confirm"

    def __call__(self, plan: Plan, listings: Mapping[str, int]) -> Plan:
        """The plan, less what is held. `listings` counts each source's complete listings."""
        with self._lock:
            left = self._brake(plan, listings)
            held = {skip.id for skip in left.skipped if skip.kind is SkipKind.GUARD}
            self._holding = tuple(change for change in plan.changes if change.id in held)
            return left

    def _brake(self, plan: Plan, listings: Mapping[str, int]) -> Plan:
        risky = [change for change in plan.changes if _risky(change)]
        rules = self._rules
        few = len(risky) < rules.least or len(risky) <= rules.share * plan.ours
        if few or rules.mode == "off":
            self._let_go.clear()
            self._seen.clear()
            return plan
        now, listed = self._clock(), {c.id: listings.get(_source(c), 0) for c in risky}
        self._seen = {id_: self._seen.get(id_, (at, now)) for id_, at in listed.items()}
        self._let_go = {c.id: fingerprint(c) for c in risky if self._is_let_go(c)}
        text = f"the guard holds {len(risky)} removals and moves of {plan.ours} registrations"
        if rules.mode == "confirm":
            text += " until the source lists the same again"
        return plan.hold(
            {
                id_: Skip(id_, SkipKind.GUARD, text)
                for id_, listing in listed.items()
                if id_ not in self._let_go
                and (rules.mode == "refuse" or not self._confirmed(id_, listing, now))
            }
        )

    def _is_let_go(self, change: Change) -> bool:
        """Whether a person let go of this very change."""
        return self._let_go.get(change.id) == fingerprint(change)

    def _confirmed(self, id_: str, listing: int, now: float) -> bool:
        """Whether a later listing, and not just the next in the same moment, says the same."""
        first, since = self._seen[id_]
        return listing > first and now - since >= PAUSE


def _risky(change: Change) -> bool:
    if isinstance(change, Deregister):
        return not change.stopped
    return isinstance(change, Update) and change.moves


def _source(change: Change) -> str:
    mark = None if isinstance(change, Register) else change.old.mark
    return mark.source if mark else ""
