"""What stands in the store, understood: registrations, and which sessions hold them."""

from collections import Counter
from collections.abc import Mapping

import attrs

from syncer import Registration, View
from syncer.kits.keyvalue import Layout, by_id, meaning
from syncer_consul.kv.store import Entry

#: Twin entries stand under this, followed by the key of the entry.
TWINS = "syncer/"


@attrs.frozen
class Token:
    """A registration's `version`: its key, the indexes of entry and twin (0: absent), and which
    sessions hold these ("": none).
    """

    key: str
    index: int = 0
    twin: int = 0
    session: str = ""
    twin_session: str = ""

    def __str__(self) -> str:
        holders = f"{self.session or '-'} {self.twin_session or '-'}"
        return f"{self.index} {self.twin} {holders} {self.key}"

    @classmethod
    def parse(cls, version: str) -> "Token":
        """The token that was written so; raises ValueError."""
        index, twin, session, twin_session, key = version.split(" ", 4)
        return cls(key, int(index), int(twin), session.strip("-"), twin_session.strip("-"))

    @classmethod
    def of(cls, key: str, entry: Entry | None, twin: Entry | None) -> "Token":
        """The token of an entry and its twin, either of which may be absent."""
        return cls(
            key,
            entry.index if entry else 0,
            twin.index if twin else 0,
            entry.session if entry else "",
            twin.session if twin else "",
        )

    def places(self) -> dict[str, tuple[int, str]]:
        """Index and holder of both keys."""
        return {
            self.key: (self.index, self.session),
            TWINS + self.key: (self.twin, self.twin_session),
        }

    def holders(self) -> set[str]:
        """The sessions that hold what there is; "" stands for none."""
        return {holder for index, holder in self.places().values() if index}


@attrs.frozen
class _Known:
    entry: Entry | None
    twin: Entry | None
    registration: Registration | None
    unclear: str = ""


class Listing:
    """Reads listings of one layout; what has not changed is not decoded again.

    Used by one thread; `sessions` by any.
    """

    def __init__(self, layout: Layout, owner: str) -> None:
        self._layout, self._owner = layout, owner
        self._known: dict[str, _Known] = {}
        #: The last that was read or written of ours, by key.
        self._marked: dict[str, Registration] = {}

    def note(self, found: Mapping[str, Entry]) -> None:
        """Take in what stands there."""
        base = self._layout.base
        keys = {key if key.startswith(base) else key.removeprefix(TWINS) for key in found}
        self._known = {
            key: self._understood(key, found.get(key), found.get(TWINS + key)) for key in keys
        }
        self._marked = {
            key: known.registration
            for key, known in self._known.items()
            if known.registration is not None and self._is_ours(known.registration)
        }

    def wrote(self, written: Registration) -> None:
        """Remember what was written since the last listing."""
        self._marked[Token.parse(written.version).key] = written

    def view(self, *, hidden: bool) -> View[Registration]:
        """The registrations; incomplete if something is hidden."""
        found = {k: known.registration for k, known in self._known.items() if known.registration}
        items = by_id(found, self._owner)
        unclear = {known.unclear for known in self._known.values() if known.unclear}
        return View(items.values(), complete=not hidden, unclear=unclear - items.keys())

    def sessions(self, scopes: frozenset[str]) -> Mapping[str, int]:
        """How many entries of ours, of these scopes, each session holds."""
        found: Counter[str] = Counter()
        for one in tuple(self._marked.values()):
            if one.mark and one.mark.scope in scopes:
                found.update(Token.parse(one.version).holders() - {""})
        return found

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
            found = attrs.evolve(found, version=str(Token.of(key, entry, twin)))
            found = self._healed(key, found)
        return _Known(entry, twin, found)

    def _healed(self, key: str, found: Registration) -> Registration:
        """The registration, with its mark if that was lost: what did not change is still ours."""
        marked = self._marked.get(key)
        if found.mark is not None or marked is None:
            return found
        if Token.parse(marked.version).index != Token.parse(found.version).index:
            return found
        return attrs.evolve(marked, version=found.version, damaged="its mark is gone")

    def _is_ours(self, found: Registration) -> bool:
        return found.mark is not None and found.mark.owner == self._owner


def free(found: Registration) -> Registration:
    """The registration, damaged if a session holds it, though none should."""
    if found.damaged or Token.parse(found.version).holders() == {""}:
        return found
    return attrs.evolve(found, damaged="held by a session, and would go with it")


def held(found: Registration, session: str) -> Registration:
    """The registration, damaged if not this session holds it; "": it is not known yet which."""
    holders = Token.parse(found.version).holders()
    if found.damaged or holders == {session} or ("" not in holders and not session):
        return found
    text = "held by no session, and would stay" if "" in holders else "held by another session"
    return attrs.evolve(found, damaged=text)
