"""Transactions on Consul's key-value store: read trees at one moment, write on conditions."""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from syncer import TemporaryError
from syncer.kits.http import Refused
from syncer_consul.http.library import Consul

#: One operation of a transaction, in Consul's form.
Verb = Mapping[str, Any]


@attrs.frozen
class Entry:
    """A key with its value; `index` is that of its last change, `session` that which holds it."""

    key: str
    value: bytes
    index: int
    session: str = ""


@attrs.frozen
class Operation:
    """What is done to one key, on a condition."""

    key: str
    verbs: tuple[Verb, ...]

    @property
    def weight(self) -> int:
        """Its bytes in a request."""
        return len(json.dumps([{"KV": verb} for verb in self.verbs]))


def put(key: str, value: bytes, index: int, holder: str = "", session: str = "") -> Operation:
    """Write a key that must have this index (0: absent), and which `holder` holds now.

    It changes over to `session` ("" of either: none) without a moment in which nobody holds it.
    """
    written = {"Key": key, "Value": base64.b64encode(value).decode()}
    if not holder and not session:
        return Operation(key, ({"Verb": "cas", **written, "Index": index},))
    verbs: list[Verb] = [
        {"Verb": "check-index", "Key": key, "Index": index}
        if index
        else {"Verb": "check-not-exists", "Key": key}
    ]
    if holder not in ("", session):
        verbs.append({"Verb": "unlock", **written, "Session": holder})
    if session:
        verbs.append({"Verb": "lock", **written, "Session": session})
    return Operation(key, tuple(verbs))


def delete(key: str, index: int) -> Operation:
    """Remove a key that must have this index; that it is absent is fine."""
    return Operation(key, ({"Verb": "delete-cas", "Key": key, "Index": index},))


class Refusal(Exception):
    """A transaction changed nothing: why, by the place of the verb that was refused."""

    def __init__(self, reasons: Mapping[int, str]) -> None:
        super().__init__(str(dict(reasons)))
        self.reasons = reasons


class Store:
    """The store of one datacenter. Safe in threads."""

    def __init__(self, consul: Consul) -> None:
        self._txn = consul.txn

    def trees(self, prefixes: Sequence[str]) -> tuple[dict[str, Entry], bool]:
        """What stands under these prefixes, as of one moment; whether rights hide a part."""
        asked = [{"KV": {"Verb": "get-tree", "Key": prefix}} for prefix in prefixes]
        answer = self._txn.put(asked)
        try:
            found = [_entry(result) for result in _results(answer.data)]
        except _FAULTS as error:
            raise TemporaryError(f"Consul's answer is no list of entries: {error!r}") from error
        return {entry.key: entry for entry in found}, answer.filtered

    def change(self, verbs: Sequence[Verb]) -> dict[str, int]:
        """Do all of it, or nothing; returns the new index of each key that was written.

        Raises `Refusal` with the places in `verbs` that were refused.
        """
        try:
            answer = self._txn.put([{"KV": verb} for verb in verbs])
        except Refused as error:
            if error.code == 409:
                raise Refusal(_reasons(error.data)) from error
            raise
        # A check of a key answers, too, before what writes it: the last one counts.
        return {entry.key: entry.index for entry in map(_entry, _results(answer.data))}


#: What an answer that is none of Consul's makes of reading it.
_FAULTS = (ValueError, TypeError, KeyError, AttributeError, OverflowError)


def _entry(result: Mapping[str, Any]) -> Entry:
    found = result["KV"]
    return Entry(
        key=str(found["Key"]),
        value=base64.b64decode(found.get("Value") or ""),
        index=int(found.get("ModifyIndex", 0)),
        session=str(found.get("Session") or ""),
    )


def _results(data: Any) -> Sequence[Mapping[str, Any]]:
    if not isinstance(data, dict):
        raise TemporaryError("Consul's answer to a transaction is none")
    return data.get("Results") or ()


def _reasons(data: Any) -> dict[int, str]:
    errors = data.get("Errors") if isinstance(data, dict) else None
    return {int(error.get("OpIndex", 0)): str(error.get("What", "")) for error in errors or ()}
