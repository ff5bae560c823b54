"""Transactions on Consul's key-value store: read two trees at once, write on conditions."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from syncer import TemporaryError
from syncer_consul.client import Client, Refused

#: Operations that Consul takes in one transaction, and bytes of a request that it surely takes.
MOST, LARGEST = 64, 400 * 1024


@attrs.frozen
class Entry:
    """A key with its value; `index` is that of its last change, `session` that which holds it."""

    key: str
    value: bytes
    index: int
    session: str = ""


@attrs.frozen
class Put:
    """Write a key that must have this index (0: absent); `old` is the session that holds it now."""

    key: str
    value: bytes
    index: int
    session: str = ""
    old: str = ""

    @property
    def operations(self) -> list[dict[str, Any]]:
        """In Consul's form; the key changes over from one session to another without a gap."""
        written = {"Key": self.key, "Value": base64.b64encode(self.value).decode()}
        if not self.session:
            held = [{"Verb": "unlock", **written, "Session": self.old}] if self.old else []
            check = [_check(self.key, self.index)] if held else []
            put = {"Verb": "set", **written} if held else _cas(written, self.index)
            return [*check, *held, put]
        moved = self.old and self.old != self.session
        unlock = [{"Verb": "unlock", **written, "Session": self.old}] if moved else []
        lock = {"Verb": "lock", **written, "Session": self.session}
        return [_check(self.key, self.index), *unlock, lock]


@attrs.frozen
class Delete:
    """Remove a key that must have this index; that it is absent is fine."""

    key: str
    index: int

    @property
    def operations(self) -> list[dict[str, Any]]:
        """In Consul's form."""
        return [{"Verb": "delete-cas", "Key": self.key, "Index": self.index}]


Operation = Put | Delete


class Refusal(Exception):
    """A transaction changed nothing: why, by the place of the operation that was refused."""

    def __init__(self, reasons: Mapping[int, str]) -> None:
        super().__init__(str(dict(reasons)))
        self.reasons = reasons


class Store:
    """The store of one datacenter. Safe in threads."""

    def __init__(self, client: Client, datacenter: str) -> None:
        self._client = client
        self.query = {"dc": datacenter} if datacenter else {}

    def trees(self, prefixes: Sequence[str]) -> tuple[dict[str, Entry], bool]:
        """What stands under these prefixes, as of one moment; whether rights hide a part."""
        asked = [{"KV": {"Verb": "get-tree", "Key": prefix}} for prefix in prefixes]
        answer = self._client.ask("/v1/txn", asked, self.query)
        found = (_entry(result.get("KV") or {}) for result in _results(answer.data))
        return {entry.key: entry for entry in found}, answer.filtered

    def change(self, operations: Sequence[Operation]) -> dict[str, int]:
        """Do all of it, or nothing; returns the new index of each key that was written.

        Raises `Refusal` with the places in `operations` that were refused.
        """
        places, asked = [], []
        for place, operation in enumerate(operations):
            for one in operation.operations:
                places.append(place)
                asked.append({"KV": one})
        try:
            answer = self._client.ask("/v1/txn", asked, self.query)
        except Refused as error:
            if error.code == 409:
                raise Refusal(_reasons(error.data, places)) from error
            raise
        written = (result.get("KV") or {} for result in _results(answer.data))
        return {str(one["Key"]): int(one["ModifyIndex"]) for one in written if "Key" in one}


def batches(changes: Sequence[tuple[Any, list[Operation]]]) -> Iterator[list[Any]]:
    """The changes, each with its operations, in as few transactions as Consul takes."""
    batch: list[Any] = []
    keys: set[str] = set()
    room, size = MOST, LARGEST
    for change, operations in changes:
        count = sum(len(one.operations) for one in operations)
        length = sum(weight(one) for one in operations)
        touched = {one.key for one in operations}
        if batch and (count > room or length > size or not keys.isdisjoint(touched)):
            yield batch
            batch, keys, room, size = [], set(), MOST, LARGEST
        batch.append((change, operations))
        keys |= touched
        room, size = room - count, size - length
    if batch:
        yield batch


def weight(operation: Operation) -> int:
    """The bytes of an operation in a request, about."""
    value = len(operation.value) * 2 if isinstance(operation, Put) else 0
    return len(operation.key.encode()) + value + 200


def _check(key: str, index: int) -> dict[str, Any]:
    if index:
        return {"Verb": "check-index", "Key": key, "Index": index}
    return {"Verb": "check-not-exists", "Key": key}


def _cas(written: Mapping[str, Any], index: int) -> dict[str, Any]:
    return {"Verb": "cas", **written, "Index": index}


def _entry(found: Mapping[str, Any]) -> Entry:
    return Entry(
        key=str(found.get("Key", "")),
        value=base64.b64decode(found.get("Value") or ""),
        index=int(found.get("ModifyIndex", 0)),
        session=str(found.get("Session") or ""),
    )


def _results(data: Any) -> Sequence[Mapping[str, Any]]:
    if not isinstance(data, dict):
        raise TemporaryError("Consul's answer to a transaction is none")
    return data.get("Results") or ()


def _reasons(data: Any, places: Sequence[int]) -> dict[int, str]:
    errors = data.get("Errors") if isinstance(data, dict) else None
    reasons: dict[int, str] = {}
    for error in errors or ():
        place = int(error.get("OpIndex", 0))
        if place < len(places):
            reasons.setdefault(places[place], str(error.get("What", "")))
    return reasons
