"""Changes as transactions: many in one, each with its own conditions.

An instance and its twin always go in the same transaction.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain

import attrs

from syncer import Change, Conflict, Deregister, Outcome, PermanentError, TemporaryError
from syncer.kits.keyvalue import Layout, Version, batches, done, send_all, values
from syncer_consul.kv.store import Refusal, Store, Verb, delete, put

#: Verbs that every Consul takes in one transaction (128 since 1.14), and bytes of a request: its
#: limit is 512 KiB unless configured otherwise.
MOST, LARGEST = 64, 400 * 1024
#: Indexes of own writes that are remembered, for the watch.
_REMEMBERED = 1024


class SessionGone(TemporaryError):
    """The session that should hold the keys does not exist any more."""


@attrs.frozen
class Step:
    """A change, the key of its instance, and the verbs that write and remove keys."""

    change: Change
    key: str
    verbs: Sequence[Verb]

    @property
    def keys(self) -> Collection[str]:
        return {verb["Key"] for verb in self.verbs}

    @property
    def operations(self) -> int:
        return len(self.verbs)

    @property
    def size(self) -> int:
        return len(json.dumps([{"KV": verb} for verb in self.verbs]))


def step_of(change: Change, old: Version | None, layout: Layout, session: str) -> Step:
    """Return the step of a change; `old` is the version of what it replaces or removes.

    Another key is written before the old one is removed. Raises ValueError for what JSON or UTF-8
    cannot say.
    """
    before = {} if old is None else old.places()
    if isinstance(change, Deregister):
        key, written = "", {}
    else:
        key, written = layout.key(change.new.instance), values(layout, change.new)
    puts = (put(k, v, *before.get(k, (0, "")), session) for k, v in written.items())
    gone = [delete(k, index) for k, (index, _) in before.items() if index and k not in written]
    return Step(change, key, [*chain.from_iterable(puts), *gone])


class OwnWrites:
    """The indexes of our own last writes. Consul returns none for removals."""

    def __init__(self) -> None:
        self._indexes: dict[int, None] = {}
        self._last = 0

    def __contains__(self, index: int) -> bool:
        return index in self._indexes

    def began(self, index: int) -> None:
        """Note where a watch begins: higher indexes are of data that Consul has lost since."""
        self._indexes = {one: None for one in tuple(self._indexes) if one <= index}

    def note(self, index: int) -> None:
        """Note the index of a write. If it is lower than the last, the server lost its data."""
        if index < self._last:
            self._indexes = {}
        self._indexes[index], self._last = None, index
        if len(self._indexes) > _REMEMBERED:
            del self._indexes[next(iter(self._indexes))]


class Writer:
    """Sends steps in as few transactions as Consul takes."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.own = OwnWrites()

    def write(self, steps: Iterable[Step], session: str) -> Iterator[Outcome]:
        """Return the outcome of each step. After an error that may pass, the rest is not tried."""
        return send_all(batches(steps, MOST, LARGEST), lambda batch: self._send(batch, session))

    def _send(self, batch: list[Step], session: str) -> tuple[list[Outcome], list[Step]]:
        """Return the outcomes of a batch, and the steps to send again."""
        verbs = list(chain.from_iterable(step.verbs for step in batch))
        try:
            indexes = self._store.change(verbs) if verbs else {}
        except Refusal as refusal:
            return _refused(batch, refusal)
        for index in set(indexes.values()):
            self.own.note(index)
        return [done(step.change, step.key, indexes, session) for step in batch], []


def _refused(batch: list[Step], refusal: Refusal) -> tuple[list[Outcome], list[Step]]:
    owners = [place for place, step in enumerate(batch) for _ in step.verbs]
    reasons: dict[int, str] = {}
    for place, why in refusal.reasons.items():
        if why.startswith(("invalid session", "failed session lookup")):
            raise SessionGone("the session that holds the entries is gone")
        if place < len(owners):
            reasons.setdefault(owners[place], why)
    if not reasons:
        raise TemporaryError("Consul refused a transaction without a reason")
    outcomes = [Outcome(batch[n].change, error=_error(batch[n], why)) for n, why in reasons.items()]
    return outcomes, [step for n, step in enumerate(batch) if n not in reasons]


def _error(step: Step, why: str) -> Exception:
    if "permission denied" in why.lower():
        return PermanentError(f"{step.change.id}: Consul says: {why[:200]}")
    return Conflict(f"{step.change.id}: somebody else was first: {why[:200]}")
