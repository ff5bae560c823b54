"""A list of all applications as registrations, and under which id each is known."""

import hashlib
import marshal
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from syncer import Registration, TemporaryError, View
from syncer_eureka.reading import FAULTS, Reader, Token, instances_in, metadata_of
from syncer_eureka.wire import ID

#: What a heartbeat, or the server's own work, changes: it says nothing of the registration.
_TIMES = ("lastRenewalTimestamp", "registrationTimestamp", "serviceUpTimestamp")


class Listing:
    """Understands lists; what stands as it did in the last is the same registration again."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._known: dict[bytes, Registration] = {}

    def view(self, answer: Any) -> View[Registration]:
        """Everything that can be understood; what cannot but has an id of ours is unclear."""
        try:
            raws = list(instances_in(answer))
        except FAULTS as error:
            raise TemporaryError(f"Eureka answered no list of applications: {error!r}") from error
        known: dict[bytes, Registration] = {}
        unclear: set[str] = set()
        for raw in raws:
            try:
                came = _fingerprint(raw)
                known[came] = self._known.get(came) or self._reader.read(raw)
            except FAULTS:
                unclear |= _id_in(raw)
        self._known = known
        items = named(known.values())
        return View(items.values(), unclear=unclear - items.keys())


def _fingerprint(raw: Mapping[str, Any]) -> bytes:
    lease = dict(raw.get("leaseInfo") or {})
    for name in _TIMES:
        lease.pop(name, None)
    entry = {**raw, "leaseInfo": lease, "lastUpdatedTimestamp": None}
    return hashlib.blake2b(marshal.dumps(entry, 2), digest_size=16).digest()


def named(found: Iterable[Registration]) -> dict[str, Registration]:
    """The registrations by id.

    Of several with one id the marked one has it, of those the one changed last; the others
    go by application and instanceId. Eureka's ids are unique only in an application.
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
    except FAULTS:
        return set()
    return {metadata[ID]} if metadata.get(ID) else set()
