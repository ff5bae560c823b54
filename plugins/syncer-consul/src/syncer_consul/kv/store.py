"""Transactions on Consul's key-value store: read trees at one moment, write on conditions."""

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from syncer import TemporaryError
from syncer.kits.http import Refused
from syncer.kits.keyvalue import Entry
from syncer_consul.http.endpoints import Consul
from syncer_consul.http.refusals import Meaning, meaning
from syncer_consul.http.transport import Answer

#: One operation of a transaction, in Consul's form.
Verb = Mapping[str, Any]


def put(key: str, value: str, index: int, holder: str = "", session: str = "") -> list[Verb]:
    """Return verbs that write a key with this index (0: absent), which `holder` holds now.

    It passes to `session` without a moment in which nobody holds it; "" means no session.
    """
    written = {"Key": key, "Value": base64.b64encode(value.encode()).decode()}
    if not holder and not session:
        return [{"Verb": "cas", **written, "Index": index}]
    verbs: list[Verb] = [
        {"Verb": "check-index", "Key": key, "Index": index}
        if index
        else {"Verb": "check-not-exists", "Key": key}
    ]
    if holder not in ("", session):
        verbs.append({"Verb": "unlock", **written, "Session": holder})
    if session:
        verbs.append({"Verb": "lock", **written, "Session": session})
    return verbs


def delete(key: str, index: int) -> Verb:
    """Return the verb that removes a key that must have this index, or is absent."""
    return {"Verb": "delete-cas", "Key": key, "Index": index}


class Refusal(Exception):
    """A transaction changed nothing; `reasons` by the place of the verb that was refused."""

    def __init__(self, reasons: Mapping[int, str]) -> None:
        super().__init__(str(dict(reasons)))
        self.reasons = reasons


class Store:
    """The store of one datacenter. Safe in threads."""

    def __init__(self, consul: Consul) -> None:
        self._consul, self._txn = consul, consul.txn
        #: Set once the agent has refused a PUT that only reads: GET is used from then on.
        self._reads_by_get = False

    def trees(self, prefixes: Sequence[str]) -> tuple[dict[str, Entry], bool]:
        """Return the entries under these prefixes, as of one moment; and whether ACLs hide some.

        Where the agent takes no writes from this host, they are read one after the other.
        """
        if not self._reads_by_get:
            asked = [{"KV": {"Verb": "get-tree", "Key": prefix}} for prefix in prefixes]
            try:
                return _entries([self._txn.put(asked)], _results)
            except Refused as error:
                if meaning(error) not in (Meaning.NO_WRITES, Meaning.BLOCKED, Meaning.BETWEEN):
                    raise
        found = _entries([self._consul.tree(quote(prefix)) for prefix in prefixes], _pairs)
        self._reads_by_get = True
        return found

    def change(self, verbs: Sequence[Verb]) -> dict[str, int]:
        """Do all or nothing; return new indexes by key. Raises `Refusal` with places in `verbs`."""
        try:
            answer = self._txn.put([{"KV": verb} for verb in verbs])
        except Refused as error:
            if error.code == 409:
                errors = error.data.get("Errors") if isinstance(error.data, dict) else ()
                reasons = {int(e.get("OpIndex", 0)): str(e.get("What", "")) for e in errors or ()}
                raise Refusal(reasons) from error
            raise
        # A check of a key is answered too, ahead of the write: the last answer counts.
        return {entry.key: entry.revision for entry in map(_entry, _results(answer.data))}


def _entries(
    answers: Sequence[Answer], pairs: Callable[[Any], Iterable[Mapping[str, Any]]]
) -> tuple[dict[str, Entry], bool]:
    try:
        found = [_entry(pair) for answer in answers for pair in pairs(answer.data)]
    except _FAULTS as error:
        raise TemporaryError(f"Consul's answer is not a list of entries: {error!r}") from error
    return {entry.key: entry for entry in found}, any(answer.filtered for answer in answers)


#: Errors of reading an answer that is not Consul's.
_FAULTS = (ValueError, TypeError, KeyError, AttributeError, OverflowError)


def _entry(found: Mapping[str, Any]) -> Entry:
    return Entry(
        key=str(found["Key"]),
        value=base64.b64decode(found.get("Value") or ""),
        revision=int(found.get("ModifyIndex", 0)),
        holder=str(found.get("Session") or ""),
    )


def _results(data: Any) -> Sequence[Mapping[str, Any]]:
    if not isinstance(data, dict):
        raise TemporaryError("Consul's answer is not that of a transaction")
    return [result["KV"] for result in data.get("Results") or ()]


def _pairs(data: Any) -> Sequence[Mapping[str, Any]]:
    if not isinstance(data, list | None):
        raise TemporaryError("Consul's answer is not a list of keys")
    return data or ()
