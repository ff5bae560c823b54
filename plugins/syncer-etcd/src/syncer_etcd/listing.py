"""What stands in etcd, understood: registrations, and on which leases they hang.

An entry is decoded again only when it has changed: with thousands most are as they were.
"""

from collections import Counter
from collections.abc import Mapping

import attrs

from syncer import Registration, View
from syncer.kits.keyvalue import Layout, by_id, meaning
from syncer_etcd.client import Entry
from syncer_etcd.twins import entry_key, twin_key


@attrs.frozen
class Token:
    """A registration's `version`: where it stands, and as of which changes.

    `revision` and `twin` are those of the last changes of the entry and of its twin, 0 for what
    is not there.
    """

    key: str
    revision: int = 0
    twin: int = 0
    lease: int = 0

    def __str__(self) -> str:
        return f"{self.revision} {self.twin} {self.lease:x} {self.key}"

    @classmethod
    def parse(cls, version: str) -> "Token":
        """The token that was written so; raises ValueError."""
        revision, twin, lease, key = version.split(" ", 3)
        return cls(key, int(revision), int(twin), int(lease, 16))


@attrs.frozen
class _Known:
    """An entry and its twin as they came, and what they mean; None: nothing, or not understood."""

    entry: Entry | None
    twin: Entry | None
    registration: Registration | None
    unclear: str = ""


class Listing:
    """Reads listings of one layout. Used by one thread."""

    def __init__(self, layout: Layout, owner: str) -> None:
        self._layout, self._owner = layout, owner
        self._known: dict[str, _Known] = {}
        self._leases: dict[str, Counter[int]] = {}
        self._marked: dict[str, Registration] = {}

    def leases(self, scopes: frozenset[str]) -> Mapping[int, int]:
        """How many of our entries of these scopes hang on each lease; those on none left out."""
        found: Counter[int] = Counter()
        for scope in scopes:
            found.update(self._leases.get(scope, Counter()))
        found.pop(0, None)
        return found

    def read(
        self,
        entries: Mapping[str, Entry],
        twins: Mapping[str, Entry],
        own_lease: int,
        scopes: frozenset[str],
    ) -> View[Registration]:
        """The registrations that these entries and twins mean.

        Those of ours in `scopes` are damaged unless they hang on `own_lease`.
        """
        pairs: dict[str, tuple[Entry | None, Entry | None]] = {
            key: (entry, twins.get(twin_key(key))) for key, entry in entries.items()
        }
        for twin in twins.values():
            pairs.setdefault(entry_key(twin.key), (None, twin))
        self._known = {key: self._understood(key, *pair) for key, pair in pairs.items()}
        self._count()
        found: dict[str, Registration] = {}
        for key, known in self._known.items():
            one = self._healed(key, known.registration, own_lease)
            if one is not None:
                found[key] = self._with_lease(one, own_lease, scopes)
        items = by_id(found, self._owner)
        unclear = {known.unclear for known in self._known.values() if known.unclear}
        return View(items.values(), unclear=unclear - items.keys())

    def _with_lease(
        self, found: Registration, own_lease: int, scopes: frozenset[str]
    ) -> Registration:
        """The registration with what is wrong about its lease, if that is ours to put right."""
        mark = found.mark
        if mark is None or mark.owner != self._owner or mark.scope not in scopes:
            return found
        lease = Token.parse(found.version).lease
        if lease == own_lease or (lease and not own_lease):
            return found
        text = "hangs on another lease" if lease else "hangs on no lease, and would stay for ever"
        return attrs.evolve(found, damaged=found.damaged or text)

    def wrote(self, written: Registration) -> None:
        """Remember what was written since the last listing."""
        self._marked[Token.parse(written.version).key] = written

    def _understood(self, key: str, entry: Entry | None, twin: Entry | None) -> _Known:
        before = self._known.get(key)
        if before is not None and (before.entry, before.twin) == (entry, twin):
            return before
        values = [one.value if one else None for one in (entry, twin)]
        try:
            found = meaning(self._layout, key, *values)
        except ValueError:
            return _Known(entry, twin, None, self._layout.id_in(key))
        if found is not None:
            stands = entry or twin
            lease = stands.lease if stands else 0
            if twin and entry and twin.lease != entry.lease:
                lease = 0
            token = Token(key, entry.revision if entry else 0, twin.revision if twin else 0, lease)
            found = attrs.evolve(found, version=str(token))
        return _Known(entry, twin, found)

    def _healed(self, key: str, found: Registration | None, own_lease: int) -> Registration | None:
        """The registration, with the mark that is known of an entry of ours which lost its twin."""
        if found is None or found.mark is not None or not own_lease:
            return found
        marked = self._marked.get(key)
        if marked is None or Token.parse(found.version).lease != own_lease:
            return found
        return attrs.evolve(marked, version=found.version, damaged="its mark is gone")

    def _count(self) -> None:
        leases: dict[str, Counter[int]] = {}
        marked: dict[str, Registration] = {}
        for key, known in self._known.items():
            found = known.registration
            if found is None:
                continue
            if found.mark is not None and found.mark.owner == self._owner:
                lease = Token.parse(found.version).lease
                leases.setdefault(found.mark.scope, Counter())[lease] += 1
                marked[key] = found
            elif key in self._marked:
                marked[key] = self._marked[key]
        self._leases, self._marked = leases, marked
