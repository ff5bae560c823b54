"""Changes as transactions: many in one, each with its own conditions.

If a condition does not hold, a transaction changes nothing, and returns the revision of each of
its keys. So the steps to blame are known, and the others are sent again without them.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from threading import Condition
from time import monotonic
from typing import Any

import attrs
from pyetcd import etcdrpc

from syncer import Change, Conflict, Deregister, Outcome, Register, TemporaryError
from syncer.kits.keyvalue import Layout, Version, batches, done, send_all, values
from syncer_etcd.client import Client, bytes_of, number_of, unchanged
from syncer_etcd.failures import LeaseGone, NotLetIn

#: Conditions, and writes, that etcd takes in one transaction.
MOST = 128
#: Bytes of a transaction, well within the 1.5 MiB that etcd takes in one request.
LARGEST = 1024 * 1024
#: Own writes that are remembered: the watch may report them after their answer.
_REMEMBERED = 4096


@attrs.frozen
class Step:
    """One change: the revisions that its keys must have (0: absent), and what is written."""

    change: Change
    key: str
    expected: dict[str, int]
    puts: Mapping[str, str]

    @property
    def keys(self) -> Collection[str]:
        return self.expected.keys()

    @property
    def operations(self) -> int:
        return len(self.expected)

    @property
    def size(self) -> int:
        """The approximate bytes that it writes."""
        return sum(len(key) + len(value.encode()) for key, value in self.puts.items())


def step_of(change: Change, old: Version | None, layout: Layout) -> Step:
    """Return the step of a change, which also removes keys that an update no longer needs.

    `old` is the version of what is replaced or removed. Raises ValueError for what is not text.
    """
    expected: dict[str, int] = {}
    if old is not None:
        for name, (revision, _) in old.places().items():
            if revision or name == old.key or layout.twins:
                expected[name] = revision
    if isinstance(change, Deregister):
        return Step(change, "", expected, {})
    puts = values(layout, change.new)
    key = layout.key(change.new.instance)
    return Step(change, key, dict.fromkeys(puts, 0) | expected, puts)


class OwnWrites:
    """The revisions of our own writes, which the watch ignores. Safe in threads."""

    def __init__(self) -> None:
        self._under_way = 0
        self._revisions: dict[int, None] = {}
        self._changed = Condition()

    def begin(self) -> None:
        """Note that a write is sent."""
        with self._changed:
            self._under_way += 1

    def end(self, revision: int) -> None:
        """Note its answer; revision 0 if there was none."""
        with self._changed:
            self._under_way -= 1
            if revision:
                self._revisions[revision] = None
            while len(self._revisions) > _REMEMBERED:
                del self._revisions[next(iter(self._revisions))]
            self._changed.notify_all()

    def began(self, revision: int) -> None:
        """Note where a watch begins: higher revisions are of data that etcd has lost since."""
        with self._changed:
            self._revisions = {one: None for one in self._revisions if one <= revision}

    def made(self, revision: int, patience: float = 1.0) -> bool:
        """Whether this process made this revision; waits for answers under way."""
        end = monotonic() + patience
        with self._changed:
            while revision not in self._revisions and self._under_way and monotonic() < end:
                self._changed.wait(end - monotonic())
            return revision in self._revisions


class Writer:
    """Sends changes in transactions. Used by one thread.

    `lease` returns the lease to put entries on; given a dead one (else ""), it makes another.
    """

    def __init__(self, client: Client, lease: Callable[[str], str]) -> None:
        self._client, self._lease = client, lease
        self.own = OwnWrites()

    def write(self, steps: Collection[Step]) -> Iterator[Outcome]:
        """Make the changes. If etcd does not answer or accept the user, the rest is not tried."""
        return send_all(batches(steps, MOST, LARGEST), self._send, (TemporaryError, NotLetIn))

    def _send(self, batch: list[Step]) -> tuple[list[Outcome], list[Step]]:
        """Return the outcomes of a batch, and the steps to send again."""
        lease = self._lease("") if any(step.puts for step in batch) else ""
        try:
            answer = self._transact(_request(batch, lease))
        except LeaseGone:
            lease = self._lease(lease)
            answer = self._transact(_request(batch, lease))
        if answer.succeeded:
            revision = answer.header.revision
            return [
                done(step.change, step.key, dict.fromkeys(step.puts, revision), lease)
                for step in batch
            ], []
        present = iter([_revision(response) for response in answer.responses])
        refused, again = [], []
        for step in batch:
            found = [next(present) for _ in step.expected]
            if found == list(step.expected.values()):
                again.append(step)
            else:
                refused.append(_refused(step, found))
        if not refused:
            raise TemporaryError("etcd refused a transaction although all its conditions hold")
        return refused, again

    def _transact(self, request: Any) -> Any:
        revision = 0
        self.own.begin()
        try:
            answer = self._client.transact(request)
            revision = answer.header.revision if answer.succeeded else 0
        finally:
            self.own.end(revision)
        return answer


def _request(batch: list[Step], lease: str) -> Any:
    compare, success, failure = [], [], []
    number = number_of(lease)
    for step in batch:
        for key, revision in step.expected.items():
            raw = bytes_of(key)
            compare.append(unchanged(raw, revision))
            look = etcdrpc.RangeRequest(key=raw, keys_only=True)
            failure.append(etcdrpc.RequestOp(request_range=look))
            if key in step.puts:
                put = etcdrpc.PutRequest(key=raw, value=step.puts[key].encode(), lease=number)
                success.append(etcdrpc.RequestOp(request_put=put))
            elif revision:
                delete = etcdrpc.DeleteRangeRequest(key=raw)
                success.append(etcdrpc.RequestOp(request_delete_range=delete))
    return etcdrpc.TxnRequest(compare=compare, success=success, failure=failure)


def _revision(response: Any) -> int:
    found = response.response_range.kvs
    return int(found[0].mod_revision) if found else 0


def _refused(step: Step, present: list[int]) -> Outcome:
    """Return the outcome of a change whose conditions did not hold."""
    change = step.change
    if isinstance(change, Deregister) and not any(present):
        return Outcome(change)
    if isinstance(change, Register):
        text = f"{change.id}: somebody else has {step.key} already"
    else:
        text = f"{change.id}: {step.key} was changed by somebody else since the last listing"
    return Outcome(change, error=Conflict(text))
