"""Changes as transactions: many in one, each with its own condition.

A transaction whose conditions do not all hold changes nothing, and says as of which changes each
of its keys stands: so those who are guilty are known, and the others are sent again without them.
"""

from collections.abc import Callable, Collection, Iterator
from threading import Condition
from time import monotonic
from typing import Any

import attrs
from pyetcd import etcdrpc

from syncer import (
    Change,
    Conflict,
    Deregister,
    Outcome,
    PermanentError,
    Register,
    TemporaryError,
)
from syncer.kits.keyvalue import Layout, parked, record
from syncer_etcd.client import Client, bytes_of
from syncer_etcd.failures import LeaseGone, NotLetIn
from syncer_etcd.listing import Token
from syncer_etcd.twins import twin_key

#: The lease to put entries on; told one that is dead (else 0), it makes another.
Lease = Callable[[int], int]
#: Of conditions, and of writes, that etcd takes in one transaction.
MOST = 128
#: Bytes of a transaction: well within the 1.5 MiB that etcd takes in one request.
LARGEST = 1024 * 1024
#: Own writes of which the watch is told later than their answer comes, at most.
_REMEMBERED = 4096


@attrs.frozen
class Step:
    """One change: the revisions that its keys must have (0: absent), and what is written."""

    change: Change
    key: str
    expected: dict[str, int]
    puts: dict[str, str]

    @property
    def operations(self) -> int:
        """How much of a transaction's room it takes."""
        return len(self.expected)

    @property
    def size(self) -> int:
        """The bytes of what it writes, about."""
        return sum(len(key) + len(value.encode()) for key, value in self.puts.items())


def step_of(change: Change, old: Token | None, layout: Layout) -> Step:
    """The step of a change. What an update no longer needs it removes.

    `old` is where that stands which is replaced or removed. Raises ValueError for what is no text.
    """
    expected: dict[str, int] = {}
    puts: dict[str, str] = {}
    key = ""
    if old is not None:
        key = old.key
        expected[key] = old.revision
        if old.twin or layout.twins:
            expected[twin_key(key)] = old.twin
    if not isinstance(change, Deregister):
        key = layout.key(change.new.instance)
        if not parked(layout, change.new):
            puts[key] = layout.value(change.new)
        if layout.twins:
            puts[twin_key(key)] = record.twin_of(change.new)
        for name in puts:
            expected.setdefault(name, 0)
    return Step(change, key, expected, puts)


class OwnWrites:
    """The revisions that our own writes made: what the watch need not tell. Safe in threads."""

    def __init__(self) -> None:
        self._under_way = 0
        self._revisions: dict[int, None] = {}
        self._changed = Condition()

    def begin(self) -> None:
        """A write is sent."""
        with self._changed:
            self._under_way += 1

    def end(self, revision: int) -> None:
        """Its answer came; revision 0 if there was none."""
        with self._changed:
            self._under_way -= 1
            if revision:
                self._revisions[revision] = None
            while len(self._revisions) > _REMEMBERED:
                del self._revisions[next(iter(self._revisions))]
            self._changed.notify_all()

    def made(self, revision: int, patience: float = 1.0) -> bool:
        """Whether a write of ours made this revision; waits for an answer that is on its way."""
        end = monotonic() + patience
        with self._changed:
            while revision not in self._revisions and self._under_way and monotonic() < end:
                self._changed.wait(end - monotonic())
            return revision in self._revisions


class Writer:
    """Sends changes in transactions. Used by one thread."""

    def __init__(self, client: Client, layout: Layout) -> None:
        self._client, self._layout = client, layout
        self.own = OwnWrites()

    def write(self, steps: Collection[Step], lease: Lease) -> Iterator[Outcome]:
        """Make the changes; `lease` says what to put them on, and is told what is dead.

        When etcd does not answer, or does not let us in, the rest is not tried.
        """
        todo = list(_batches(steps))
        while todo:
            batch = todo.pop(0)
            try:
                done, again = self._send(batch, lease)
            except (TemporaryError, NotLetIn) as error:
                for step in (*batch, *(step for left in todo for step in left)):
                    yield Outcome(step.change, error=error)
                return
            except PermanentError as error:
                if len(batch) == 1:
                    yield Outcome(batch[0].change, error=error)
                else:
                    half = len(batch) // 2
                    todo[:0] = [batch[:half], batch[half:]]
                continue
            yield from done
            if again:
                todo.insert(0, again)

    def _send(self, batch: list[Step], lease: Lease) -> tuple[list[Outcome], list[Step]]:
        """The outcomes of a batch, and what is to be sent again."""
        puts = any(step.puts for step in batch)
        id_ = lease(0) if puts else 0
        try:
            answer = self._transact(_request(batch, id_))
        except LeaseGone:
            id_ = lease(id_)
            answer = self._transact(_request(batch, id_))
        if answer.succeeded:
            return [self._outcome(step, answer.header.revision, id_) for step in batch], []
        found = [_revision(response) for response in answer.responses]
        done, again, at = [], [], 0
        for step in batch:
            present = found[at : at + len(step.expected)]
            at += len(step.expected)
            if present == list(step.expected.values()):
                again.append(step)
            else:
                done.append(_refused(step, present))
        if not done:
            raise TemporaryError("etcd refused a transaction all of whose conditions hold")
        return done, again

    def _transact(self, request: Any) -> Any:
        revision = 0
        self.own.begin()
        try:
            answer = self._client.transact(request)
            revision = answer.header.revision if answer.succeeded else 0
        finally:
            self.own.end(revision)
        return answer

    def _outcome(self, step: Step, revision: int, lease: int) -> Outcome:
        change = step.change
        if isinstance(change, Deregister):
            return Outcome(change)
        twin = revision if self._layout.twins else 0
        entry = revision if step.key in step.puts else 0
        version = str(Token(step.key, entry, twin, lease))
        return Outcome(change, attrs.evolve(change.new, version=version, damaged=""))


def _batches(steps: Collection[Step]) -> Iterator[list[Step]]:
    """The steps in as few transactions as etcd takes; none writes a key twice."""
    batch: list[Step] = []
    keys: set[str] = set()
    room, size = MOST, LARGEST
    for step in steps:
        full = step.operations > room or step.size > size or not keys.isdisjoint(step.expected)
        if batch and full:
            yield batch
            batch, keys, room, size = [], set(), MOST, LARGEST
        batch.append(step)
        keys |= step.expected.keys()
        room, size = room - step.operations, size - step.size
    if batch:
        yield batch


def _request(batch: list[Step], lease: int) -> Any:
    compare, success, failure = [], [], []
    for step in batch:
        for key, revision in step.expected.items():
            raw = bytes_of(key)
            compare.append(_condition(raw, revision))
            look = etcdrpc.RangeRequest(key=raw, keys_only=True)
            failure.append(etcdrpc.RequestOp(request_range=look))
            if key in step.puts:
                put = etcdrpc.PutRequest(key=raw, value=step.puts[key].encode(), lease=lease)
                success.append(etcdrpc.RequestOp(request_put=put))
            elif revision:
                delete = etcdrpc.DeleteRangeRequest(key=raw)
                success.append(etcdrpc.RequestOp(request_delete_range=delete))
    return etcdrpc.TxnRequest(compare=compare, success=success, failure=failure)


def _condition(key: bytes, revision: int) -> Any:
    """The key is as it was read; 0: it is not there."""
    compare = etcdrpc.Compare
    if not revision:
        return compare(key=key, target=compare.CREATE, result=compare.EQUAL, create_revision=0)
    return compare(key=key, target=compare.MOD, result=compare.EQUAL, mod_revision=revision)


def _revision(response: Any) -> int:
    found = response.response_range.kvs
    return int(found[0].mod_revision) if found else 0


def _refused(step: Step, present: list[int]) -> Outcome:
    """What becomes of a change whose condition did not hold."""
    change = step.change
    if isinstance(change, Deregister) and not any(present):
        return Outcome(change)
    if isinstance(change, Register):
        text = f"{change.id}: somebody else has {step.key} already"
    else:
        text = f"{change.id}: {step.key} was changed by somebody else since the last listing"
    return Outcome(change, error=Conflict(text))
