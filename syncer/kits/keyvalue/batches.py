"""Many changes in one transaction, and the rest sent again without those that are refused."""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import chain
from typing import Protocol, TypeVar

import attrs

from syncer.api.changes import Change, Deregister, Outcome
from syncer.api.errors import PermanentError, TemporaryError
from syncer.kits.keyvalue.entries import Version, twin_key


class Step(Protocol):
    """A change, as a part of a transaction."""

    @property
    def change(self) -> Change:
        """The change."""

    @property
    def keys(self) -> Collection[str]:
        """The keys that it reads or writes."""

    @property
    def operations(self) -> int:
        """The number of the transaction's operations that it takes."""

    @property
    def size(self) -> int:
        """The bytes of a request that it takes."""


S = TypeVar("S", bound=Step)


def batches(steps: Iterable[S], most: int, largest: int) -> Iterator[list[S]]:
    """Return as few transactions as fit `most` operations and `largest` bytes, no key twice."""
    batch: list[S] = []
    keys: set[str] = set()
    count = size = 0
    for step in steps:
        full = count + step.operations > most or size + step.size > largest
        if batch and (full or not keys.isdisjoint(step.keys)):
            yield batch
            batch, keys, count, size = [], set(), 0, 0
        batch.append(step)
        keys |= set(step.keys)
        count, size = count + step.operations, size + step.size
    if batch:
        yield batch


def send_all(
    todo: Iterable[list[S]],
    send: Callable[[list[S]], tuple[Iterable[Outcome], list[S]]],
    fatal: tuple[type[Exception], ...] = (TemporaryError,),
) -> Iterator[Outcome]:
    """Send batches; return an outcome for each step.

    `send` returns the outcomes of a batch, and the steps to send again without the others. A
    batch that the store refuses as a whole is split until the step to blame is alone. After an
    error in `fatal` the rest is not tried.
    """
    left = deque(todo)
    while left:
        batch = left.popleft()
        try:
            outcomes, again = send(batch)
        except fatal as error:
            yield from (Outcome(step.change, error=error) for step in chain(batch, *left))
            return
        except PermanentError as error:
            if len(batch) == 1:
                yield Outcome(batch[0].change, error=error)
            else:
                half = len(batch) // 2
                left.extendleft((batch[half:], batch[:half]))
            continue
        yield from outcomes
        if again:
            left.appendleft(again)


def done(change: Change, key: str, revisions: Mapping[str, int], holder: str) -> Outcome:
    """Return the outcome of a change that was made, whose new keys have these revisions."""
    if isinstance(change, Deregister):
        return Outcome(change)
    entry, twin = revisions.get(key, 0), revisions.get(twin_key(key), 0)
    version = Version(key, entry, twin, holder if entry else "", holder if twin else "")
    return Outcome(change, attrs.evolve(change.new, version=str(version), damaged=""))
