"""The last listing, kept up to date with our own writes since then.

Only changed entries are decoded again: among thousands of services most are as they were.
"""

import hashlib
import marshal
import time
from collections.abc import Iterable, Mapping
from threading import Lock
from typing import Any, TypeVar

import attrs

from syncer import Change, Native, Register, Registration
from syncer_consul.agent import wire
from syncer_consul.agent.wire import Found

T = TypeVar("T")


@attrs.frozen
class _Decoded:
    """An entry, by its fingerprint since it is large, and the registration that it means."""

    entry: bytes
    checks: tuple[Found, ...]
    registration: Registration | None


class Listing:
    """The agent's services with their checks, by id. Each id is written by one thread.

    One listing is read at a time, perhaps while changes are made.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        #: Ids written since the listing that is now being read was requested.
        self._meanwhile: set[str] = set()
        self._known: dict[str, _Decoded] = {}
        self._checks: dict[str, frozenset[str]] = {}
        #: The service of each check of the agent; "" for one of the node itself.
        self._service_of: dict[str, str] = {}
        self._written: dict[str, Registration] = {}
        self._tags: dict[str, tuple[str, tuple[str, ...]]] = {}
        self._read_at: float | None = None

    def begin(self) -> float:
        """Note that a listing is about to be requested; return the time."""
        with self._lock:
            self._meanwhile.clear()
        return time.monotonic()

    def is_fresh(self, seconds: float) -> bool:
        """Whether the agent was listed within the last seconds."""
        return self._read_at is not None and time.monotonic() - self._read_at < seconds

    def read(
        self,
        services: Mapping[str, Any],
        checks: Mapping[str, Any],
        node_address: str,
        asked_at: float,
    ) -> tuple[tuple[Registration, ...], frozenset[str]]:
        """Return the registrations of a listing, and the ids that cannot be described."""
        checks = {id_: one for id_, one in checks.items() if isinstance(one, Mapping)}
        by_service = _by_service(checks)
        self._service_of = {id_: str(one.get("ServiceID") or "") for id_, one in checks.items()}
        known: dict[str, _Decoded] = {}
        tags: dict[str, tuple[str, tuple[str, ...]]] = {}
        for id_, entry in services.items():
            found = by_service.get(id_, ())
            known[id_] = one = self._decoded(id_, entry, found, node_address)
            if one.registration is not None and entry.get("EnableTagOverride"):
                written = (entry.get("Meta") or {}).get(wire.TAGS, "")
                tags[id_] = (written, tuple(entry.get("Tags") or ()))
        here = {id_: frozenset(f.id for f in k.checks) for id_, k in known.items()}
        with self._lock:
            for id_ in self._meanwhile:
                _keep(id_, self._checks, here)
                _keep(id_, self._tags, tags)
            self._known, self._tags, self._read_at, self._checks = known, tags, asked_at, here
            self._written = {i: new for i, new in self._written.items() if i in here}
        items = tuple(k.registration for k in known.values() if k.registration is not None)
        return items, frozenset(id_ for id_, k in known.items() if k.registration is None)

    def holds(self, id_: str) -> bool:
        """Whether the agent holds this id, as far as is known."""
        return id_ in self._checks

    def disputes(self, change: Change) -> bool:
        """Whether the last listing shows another entry than the change expects, or none.

        The change may be based on an older listing: listings are read concurrently with cycles.
        """
        if isinstance(change, Register):
            return False
        known = self._known.get(change.id)
        listed = known.registration if known else None
        return listed is None or listed.mark != change.old.mark

    def others_check(self, new: Registration) -> str:
        """Return a check of somebody else that has the id of one of these; "" if there is none.

        The agent has one name space for all checks, and would overwrite it.
        """
        ids = sorted(_check_ids(new))
        return next((id_ for id_ in ids if self._service_of.get(id_, new.id) != new.id), "")

    def stale_checks(self, old: Registration, new: Registration) -> list[str]:
        """Return our registered checks that do not belong to the new registration.

        Checks that Consul named itself are removed only when a registration without a mark is
        taken over.
        """
        wanted = _check_ids(new)
        return sorted(
            id_
            for id_ in self._checks.get(new.id, frozenset()) - wanted
            if wire.is_own_check(id_, new.id)
            or (old.mark is None and wire.is_default_check(id_, new.id))
        )

    def overridden(self, id_: str) -> tuple[str, tuple[str, ...]] | None:
        """Return, with tag override, the fingerprint of our last tags, and the current tags."""
        return self._tags.get(id_)

    def remember(self, new: Registration, written: Registration) -> None:
        """Remember what we wrote, and how a listing will show it."""
        kept = (id_ for id_ in self._checks.get(new.id, ()) if not wire.is_own_check(id_, new.id))
        with self._lock:
            self._written[new.id] = written
            self._checks[new.id] = _check_ids(new).union(kept)
            self._meanwhile.add(new.id)

    def remember_tags(self, new: Registration, tags: Iterable[str]) -> None:
        """Remember the tags that we wrote."""
        with self._lock:
            self._meanwhile.add(new.id)
            if new.instance.tag_override:
                self._tags[new.id] = (wire.fingerprint(new.instance.tags), tuple(tags))
            else:
                self._tags.pop(new.id, None)

    def forget(self, id_: str) -> None:
        """Forget a service that was removed."""
        with self._lock:
            self._checks.pop(id_, None)
            self._tags.pop(id_, None)
            self._meanwhile.add(id_)
            self._written.pop(id_, None)

    def _decoded(
        self, id_: str, entry: Mapping[str, Any], checks: tuple[Found, ...], node_address: str
    ) -> _Decoded:
        before, came = self._known.get(id_), b""
        try:
            came = _fingerprint(entry, node_address)
            if before is not None and before.entry == came and before.checks == checks:
                return before
            found = wire.decode(id_, entry, checks, node_address)
            return _Decoded(came, checks, self._shared(id_, found))
        except Exception:  # noqa: BLE001 - registered by others, and not to be understood
            return _Decoded(came, checks, None)

    def _shared(self, id_: str, found: Registration | None) -> Registration | None:
        """Return the very object that we wrote, if the listing shows the same: copies add up."""
        written = self._written.get(id_)
        if written is None or found is None or written != found:
            return found
        return written if written.instance.status is found.instance.status else found


def _fingerprint(entry: Mapping[str, Any], node_address: str) -> bytes:
    if not entry.get("Address"):  # then the node's address counts
        entry = {**entry, "Address": node_address}
    # The fastest way to serialize JSON's types. Version 2 is the last without references, which
    # depend on more than the value.
    return hashlib.blake2b(marshal.dumps(dict(entry), 2), digest_size=16).digest()


def _by_service(checks: Mapping[str, Any]) -> dict[str, tuple[Found, ...]]:
    found: dict[str, list[Found]] = {}
    for id_, check in checks.items():
        if service := str(check.get("ServiceID") or ""):
            found.setdefault(service, []).append(Found.of(id_, check))
    return {id_: tuple(sorted(all_, key=lambda f: f.id)) for id_, all_ in found.items()}


def _keep(id_: str, ours: Mapping[str, T], read: dict[str, T]) -> None:
    """Prefer what we know of an id to what was read."""
    read.pop(id_, None)
    if id_ in ours:
        read[id_] = ours[id_]


def _check_ids(new: Registration) -> frozenset[str]:
    natives = (check for check in new.instance.checks if isinstance(check, Native))
    return frozenset(wire.check_id(new.id, native) for native in natives)
