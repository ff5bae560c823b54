"""The guard: a brake on plans that would remove or move too much at once."""

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
from syncer.plan.brakes import Context

#: Seconds before a later listing confirms a plan: a source whose event stream breaks lists twice in
#: a moment.
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
    """Holds back removals and moves if they concern too large a share of our registrations.

    Removals of workloads that their source was asked for and found stopped do not count. A person
    can override it: `held` and `override` may be called from any thread.
    """

    def __init__(self, rules: GuardRules, clock: Callable[[], float]) -> None:
        self._rules, self._clock = rules, clock
        #: The risky changes of the last plan: the listing that first showed each, and when.
        self._seen: dict[str, tuple[int, float]] = {}
        self._lock = Lock()
        self._held: tuple[Change, ...] = ()
        #: The changes that a person let through, by id; another change of that id is held.
        self._overridden: dict[str, str] = {}

    def held(self) -> tuple[Change, ...]:
        """Return what it held back of the last plan."""
        return self._held

    def override(self, digest: str) -> int:
        """Let through what it holds, if that has this digest; returns how many changes, else 0.

        Exactly these changes are let through, each for as long as every plan has it.
        """
        with self._lock:
            if digest_of(self._held) != digest:
                return 0
            self._overridden |= {change.id: fingerprint(change) for change in self._held}
            return len(self._held)

    def waits(self, plan: Plan) -> bool:
        """Whether it holds something of this plan that a later listing would let through."""
        held = any(skip.kind is SkipKind.GUARD for skip in plan.skipped)
        return held and self._rules.mode == "confirm"

    def __call__(self, plan: Plan, context: Context) -> Plan:
        """Hold back risky changes if there are too many."""
        with self._lock:
            left = self._brake(plan, context.listings)
            held = {skip.id for skip in left.skipped if skip.kind is SkipKind.GUARD}
            self._held = tuple(change for change in plan.changes if change.id in held)
            return left

    def _brake(self, plan: Plan, listings: Mapping[str, int]) -> Plan:
        risky = [change for change in plan.changes if _risky(change)]
        rules = self._rules
        few = len(risky) < rules.least or len(risky) <= rules.share * plan.ours
        if few or rules.mode == "off":
            self._overridden.clear()
            self._seen.clear()
            return plan
        now, listed = self._clock(), {c.id: listings.get(_source(c), 0) for c in risky}
        self._seen = {id_: self._seen.get(id_, (at, now)) for id_, at in listed.items()}
        self._overridden = {c.id: fingerprint(c) for c in risky if self._is_overridden(c)}
        text = f"the guard holds {len(risky)} removals and moves of {plan.ours} registrations"
        if rules.mode == "confirm":
            text += " until the source lists the same again"
        return plan.hold(
            {
                id_: Skip(id_, SkipKind.GUARD, text)
                for id_, listing in listed.items()
                if id_ not in self._overridden
                and (rules.mode == "refuse" or not self._confirmed(id_, listing, now))
            }
        )

    def _is_overridden(self, change: Change) -> bool:
        return self._overridden.get(change.id) == fingerprint(change)

    def _confirmed(self, id_: str, listing: int, now: float) -> bool:
        """Whether a later listing says the same, and not one of the same moment."""
        first, since = self._seen[id_]
        return listing > first and now - since >= PAUSE


def _risky(change: Change) -> bool:
    if isinstance(change, Deregister):
        return not change.stopped
    return isinstance(change, Update) and change.moves


def _source(change: Change) -> str:
    mark = None if isinstance(change, Register) else change.old.mark
    return mark.source if mark else ""
