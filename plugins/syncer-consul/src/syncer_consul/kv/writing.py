"""Changes as transactions: each with its own condition, many in one, and who failed when one does.

An instance and its twin always go in the same transaction.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

import attrs

from syncer import (
    Change,
    Conflict,
    Deregister,
    Outcome,
    PermanentError,
    TemporaryError,
)
from syncer.kits.keyvalue import Layout, parked
from syncer.kits.keyvalue.record import twin_of
from syncer_consul.kv.listing import TWINS, Token
from syncer_consul.kv.store import Operation, Refusal, Store, Verb, delete, put

#: Verbs that every Consul takes in one transaction (since 1.14 it would be 128), and bytes of a
#: request that it surely takes: its limit is 512 KiB unless configured otherwise.
MOST, LARGEST = 64, 400 * 1024
#: Indexes of own writes that are remembered, for the watch.
_REMEMBERED = 1024


class SessionGone(TemporaryError):
    """The session that should hold the keys does not exist any more."""


@attrs.frozen
class Step:
    """A change, the key of its instance, and what it does to which keys."""

    change: Change
    key: str
    operations: tuple[Operation, ...]

    @property
    def verbs(self) -> Sequence[Verb]:
        """All that is to be sent."""
        return tuple(chain.from_iterable(one.verbs for one in self.operations))

    @property
    def weight(self) -> int:
        """Its bytes in a request."""
        return sum(one.weight for one in self.operations)


def step_of(change: Change, old: Token | None, layout: Layout, session: str) -> Step:
    """What a change does; `old` is where that stands which it replaces or removes.

    Another key is written before the old one goes. Raises ValueError for what JSON or UTF-8
    cannot say.
    """
    before = {} if old is None else old.places()
    written: dict[str, bytes] = {}
    key = ""
    if not isinstance(change, Deregister):
        key = layout.key(change.new.instance)
        if not parked(layout, change.new):
            written[key] = layout.value(change.new).encode()
        if layout.twins:
            written[TWINS + key] = twin_of(change.new).encode()
    puts = [put(k, v, *before.get(k, (0, "")), session) for k, v in written.items()]
    gone = [delete(k, index) for k, (index, _) in before.items() if index and k not in written]
    return Step(change, key, (*puts, *gone))


class OwnWrites:
    """The indexes of our own last writes.

    Removals have none, since Consul does not tell it.
    """

    def __init__(self) -> None:
        self._indexes: dict[int, None] = {}
        self._last = 0

    def __contains__(self, index: int) -> bool:
        return index in self._indexes

    def note(self, index: int) -> None:
        """A write got this index. One lower than the last is of a server that began anew."""
        if index < self._last:
            self._indexes.clear()
        self._indexes[index], self._last = None, index
        if len(self._indexes) > _REMEMBERED:
            del self._indexes[next(iter(self._indexes))]


class Writer:
    """Sends steps in as few transactions as Consul takes."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.own = OwnWrites()

    def write(self, steps: Iterable[Step], session: str) -> Iterator[Outcome]:
        """The outcome of each step; those of a refused transaction that are not to blame are
        sent again without the others. What cannot be done now fails all that is left.
        """
        todo = deque(batches(steps))
        while todo:
            batch = todo.popleft()
            try:
                outcomes, again = self._send(batch, session)
            except TemporaryError as error:
                for step in chain(batch, *todo):
                    yield Outcome(step.change, error=error)
                return
            yield from outcomes
            todo.extendleft(reversed(again))

    def _send(self, batch: list[Step], session: str) -> tuple[list[Outcome], list[list[Step]]]:
        """The outcomes of a batch, and the batches to be sent in its place."""
        verbs = list(chain.from_iterable(step.verbs for step in batch))
        try:
            indexes = self._store.change(verbs) if verbs else {}
        except Refusal as refusal:
            return _refused(batch, refusal)
        except PermanentError as error:
            if len(batch) > 1:
                return [], [[step] for step in batch]
            return [Outcome(step.change, error=error) for step in batch], []
        for index in set(indexes.values()):
            self.own.note(index)
        return [_outcome(step, indexes, session) for step in batch], []


def batches(steps: Iterable[Step]) -> Iterator[list[Step]]:
    """The steps in as few transactions as Consul takes; none has a key twice."""
    batch: list[Step] = []
    keys: set[str] = set()
    count = size = 0
    for step in steps:
        touched = {one.key for one in step.operations}
        more, weight = len(step.verbs), step.weight
        full = count + more > MOST or size + weight > LARGEST
        if batch and (full or not keys.isdisjoint(touched)):
            yield batch
            batch, keys, count, size = [], set(), 0, 0
        batch.append(step)
        keys |= touched
        count, size = count + more, size + weight
    if batch:
        yield batch


def _refused(batch: list[Step], refusal: Refusal) -> tuple[list[Outcome], list[list[Step]]]:
    owners = [place for place, step in enumerate(batch) for _ in step.verbs]
    reasons: dict[int, str] = {}
    for place, why in refusal.reasons.items():
        if why.startswith(("invalid session", "failed session lookup")):
            raise SessionGone("the session that holds the entries is gone")
        if place < len(owners):
            reasons.setdefault(owners[place], why)
    if not reasons:
        raise TemporaryError("Consul refused a transaction, and does not say why")
    outcomes = [Outcome(batch[n].change, error=_error(batch[n], why)) for n, why in reasons.items()]
    rest = [step for n, step in enumerate(batch) if n not in reasons]
    return outcomes, [rest] if rest else []


def _error(step: Step, why: str) -> Exception:
    if "permission denied" in why.lower():
        return PermanentError(f"{step.change.id}: Consul says: {why[:200]}")
    return Conflict(f"{step.change.id}: somebody else was first: {why[:200]}")


def _outcome(step: Step, indexes: dict[str, int], session: str) -> Outcome:
    if isinstance(step.change, Deregister):
        return Outcome(step.change)
    twin = indexes.get(TWINS + step.key, 0)
    entry = indexes.get(step.key, 0)
    holders = (session if entry else "", session if twin else "")
    token = Token(step.key, entry, twin, *holders)
    return Outcome(step.change, attrs.evolve(step.change.new, version=str(token), damaged=""))
