"""What stands in etcd, understood: registrations, and on which leases they hang.

An entry is decoded again only when it has changed: with thousands most are as they were.
"""

from collections import Counter
from collections.abc import Mapping

import attrs

from syncer import Registration, View
from syncer_etcd import record
from syncer_etcd.client import Entry
from syncer_etcd.layout import Layout, entry_key, twin_key

_FAULTS = (ValueError, TypeError, KeyError, AttributeError, IndexError)


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
        items = _by_id(found, self._owner)
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
        try:
            found = self._with_twin(key, entry, twin) if twin else self._alone(key, entry)
        except _FAULTS:
            return _Known(entry, twin, None, self._layout.id_in(key))
        if found is not None:
            lease = entry.lease if entry else 0
            if twin and entry and twin.lease != entry.lease:
                lease = 0
            token = Token(key, entry.revision if entry else 0, twin.revision if twin else 0, lease)
            found = attrs.evolve(found, version=str(token))
        return _Known(entry, twin, found)

    def _with_twin(self, key: str, entry: Entry | None, twin: Entry) -> Registration | None:
        try:
            found = record.from_twin(twin.value.decode())
            misplaced = found.mark is None or self._layout.key(found.instance) != key
        except _FAULTS:
            misplaced = True
        if misplaced:
            return self._alone(key, entry)
        if entry is None:
            return attrs.evolve(found, damaged=f"its entry {key} is gone")
        return self._compared(found, entry)

    def _alone(self, key: str, entry: Entry | None) -> Registration | None:
        if entry is None:
            return None
        found = self._layout.read(key, entry.value.decode())
        if found is None or found.mark is None:
            return found
        if self._layout.key(found.instance) != key:
            # A copy: a mark counts only where it was put.
            return Registration(instance=attrs.evolve(found.instance, id=key))
        return self._compared(found, entry)

    def _compared(self, found: Registration, entry: Entry) -> Registration:
        same = self._layout.value(found).encode() == entry.value
        return found if same else attrs.evolve(found, damaged="its entry was edited by hand")

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


def _by_id(found: Mapping[str, Registration], owner: str) -> dict[str, Registration]:
    """The registrations by id. If an id stands under several keys, the others go by their keys."""

    def theirs(key: str) -> bool:
        mark = found[key].mark
        return mark is None or mark.owner != owner

    items: dict[str, Registration] = {}
    for key in sorted(found, key=theirs):
        one = found[key]
        if one.id in items:
            one = attrs.evolve(one, instance=attrs.evolve(one.instance, id=key))
        items[one.id] = one
    return items
