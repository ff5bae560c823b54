"""What stands in the store, understood: registrations, and which sessions hold them."""

from collections import Counter
from collections.abc import Mapping

import attrs

from syncer import Registration, View
from syncer.keyvalue import Layout, by_id, meaning
from syncer_consul.kv_store import Entry

#: Twin entries stand under this, followed by the key of the entry.
TWINS = "syncer/"


@attrs.frozen
class Token:
    """A registration's `version`: its key, the indexes of entry and twin (0: absent), and who
    holds it.
    """

    key: str
    index: int = 0
    twin: int = 0
    session: str = ""

    def __str__(self) -> str:
        return f"{self.index} {self.twin} {self.session or '-'} {self.key}"

    @classmethod
    def parse(cls, version: str) -> "Token":
        """The token that was written so; raises ValueError."""
        index, twin, session, key = version.split(" ", 3)
        return cls(key, int(index), int(twin), "" if session == "-" else session)


@attrs.frozen
class _Known:
    entry: Entry | None
    twin: Entry | None
    registration: Registration | None
    unclear: str = ""


class Listing:
    """Reads listings of one layout; what has not changed is not decoded again."""

    def __init__(self, layout: Layout, owner: str) -> None:
        self._layout, self._owner = layout, owner
        self._known: dict[str, _Known] = {}

    def read(
        self, found: Mapping[str, Entry], hidden: bool, session: str | None
    ) -> View[Registration]:
        """The registrations that these entries mean.

        `session` is the one that should hold ours: "" none, None not known yet.
        """
        base = self._layout.base
        keys = {key if key.startswith(base) else key.removeprefix(TWINS) for key in found}
        self._known = {
            key: self._understood(key, found.get(key), found.get(TWINS + key)) for key in keys
        }
        registrations = {
            key: self._held(known.registration, session)
            for key, known in self._known.items()
            if known.registration is not None
        }
        items = by_id(registrations, self._owner)
        unclear = {known.unclear for known in self._known.values() if known.unclear}
        return View(items.values(), complete=not hidden, unclear=unclear - items.keys())

    def sessions(self, scopes: frozenset[str]) -> Mapping[str, int]:
        """How many entries of ours, of these scopes, each session holds."""
        ours = (
            known.registration
            for known in self._known.values()
            if known.registration and known.registration.mark
        )
        return Counter(
            Token.parse(one.version).session
            for one in ours
            if one.mark and one.mark.owner == self._owner and one.mark.scope in scopes
        )

    def _understood(self, key: str, entry: Entry | None, twin: Entry | None) -> _Known:
        before = self._known.get(key)
        if before is not None and (before.entry, before.twin) == (entry, twin):
            return before
        twin_value = twin.value if twin and self._layout.twins else None
        try:
            found = meaning(self._layout, key, entry.value if entry else None, twin_value)
        except ValueError:
            return _Known(entry, twin, None, self._layout.id_in(key))
        if found is not None:
            token = Token(
                key,
                entry.index if entry else 0,
                twin.index if twin else 0,
                entry.session if entry else "",
            )
            found = attrs.evolve(found, version=str(token))
            if twin and entry and twin.session != entry.session:
                found = attrs.evolve(found, damaged=found.damaged or "its mark is held otherwise")
        return _Known(entry, twin, found)

    def _held(self, found: Registration, session: str | None) -> Registration:
        """The registration, with what is wrong about the session that holds it, if it is ours."""
        if found.mark is None or found.mark.owner != self._owner or session is None:
            return found
        holder = Token.parse(found.version).session
        if holder == session:
            return found
        text = "held by another session" if holder else "held by no session"
        return attrs.evolve(found, damaged=found.damaged or text)
