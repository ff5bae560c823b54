"""A listing of all applications as registrations, and the id of each."""

import hashlib
import marshal
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from syncer import Registration, TemporaryError, View
from syncer_eureka.form.decode import FAULTS, Token, decode, instances_in, metadata_of
from syncer_eureka.form.encode import ID
from syncer_eureka.options import EurekaOptions

#: Changed by heartbeats or by the server itself: these say nothing of the registration.
_TIMES = ("lastRenewalTimestamp", "registrationTimestamp", "serviceUpTimestamp")


class Listing:
    """Reads listings; an entry that did not change is the same registration again."""

    def __init__(self, options: EurekaOptions) -> None:
        self._options = options
        self._known: dict[bytes, Registration] = {}

    def view(self, answer: Any) -> View[Registration]:
        """Return all registrations that can be decoded; others with an id of ours are unclear."""
        try:
            raws = list(instances_in(answer))
        except FAULTS as error:
            raise TemporaryError(
                f"Eureka's answer is not a list of applications: {error!r}"
            ) from error
        known: dict[bytes, Registration] = {}
        unclear: set[str] = set()
        for raw in raws:
            try:
                key = _fingerprint(raw)
                known[key] = self._known.get(key) or decode(raw, self._options)
            except Exception:  # noqa: BLE001 - others may write anything: it costs its own entry
                unclear |= _id_in(raw)
        self._known = known
        items = by_id(known.values())
        return View(items.values(), unclear=unclear - items.keys())


def _fingerprint(raw: Mapping[str, Any]) -> bytes:
    lease = dict(raw.get("leaseInfo") or {})
    for name in _TIMES:
        lease.pop(name, None)
    entry = {**raw, "leaseInfo": lease, "lastUpdatedTimestamp": None}
    return hashlib.blake2b(marshal.dumps(entry, 2), digest_size=16).digest()


def by_id(found: Iterable[Registration]) -> dict[str, Registration]:
    """Return the registrations by id.

    Eureka's ids are unique only in an application. Of several registrations with one id the
    marked one has it, of several marked ones the one that changed last; the others are known by
    application and instanceId.
    """

    def rank(one: Registration) -> tuple[bool, int, str]:
        token = Token.parse(one.version)
        return (one.mark is None, -token.dirty if one.mark else 0, str(token.place))

    items: dict[str, Registration] = {}
    for one in sorted(found, key=rank):
        if one.id in items:
            id_ = str(Token.parse(one.version).place)
            one = attrs.evolve(one, instance=attrs.evolve(one.instance, id=id_))
        items[one.id] = one
    return items


def _id_in(raw: Any) -> set[str]:
    try:
        metadata: Mapping[str, str] = metadata_of(raw)
    except Exception:  # noqa: BLE001 - then it has none
        return set()
    return {metadata[ID]} if metadata.get(ID) else set()
