"""The entries of a store, as registrations. An entry that has not changed is not decoded again."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from typing import Generic, Protocol, TypeVar

import attrs

from syncer.api.contracts import View
from syncer.api.registrations import Registration
from syncer.kits.keyvalue.entries import Entry, Version, entry_key, twin_key
from syncer.kits.keyvalue.layout import Layout
from syncer.kits.keyvalue.meaning import by_id, meaning


class Stored(Protocol):
    """A key in a store; equal if nothing has changed."""

    @property
    def value(self) -> bytes:
        """The value."""


S = TypeVar("S", bound=Stored)


@attrs.frozen
class _Known(Generic[S]):
    """An entry and its twin, and their registration; `unclear` is an id that cannot be read."""

    entry: S | None
    twin: S | None
    registration: Registration | None
    unclear: str = ""


class Listing(ABC, Generic[S]):
    """The registrations in a layout's entries. Used by one thread."""

    def __init__(self, layout: Layout, owner: str) -> None:
        self._layout, self._owner = layout, owner
        self._known: dict[str, _Known[S]] = {}

    @abstractmethod
    def _version(self, key: str, entry: S | None, twin: S | None) -> str:
        """Return the registration's `version`."""

    def note(self, found: Mapping[str, S]) -> None:
        """Take in all that is stored, twins too, by key."""
        keys = dict.fromkeys(map(self.entry_of, found))
        self._known = {
            key: self._understood(key, found.get(key), found.get(twin_key(key))) for key in keys
        }

    def entry_of(self, key: str) -> str:
        """Return the key of the entry that a key of it or of its twin belongs to."""
        return key if key.startswith(self._layout.base) else entry_key(key)

    def note_some(self, keys: Collection[str], found: Mapping[str, S]) -> None:
        """Take in what is stored under some keys of entries now."""
        for key in keys:
            entry, twin = found.get(key), found.get(twin_key(key))
            if entry is None and twin is None:
                self._known.pop(key, None)
            else:
                self._known[key] = self._understood(key, entry, twin)

    def ids(self, keys: Collection[str] | None = None) -> dict[str, str]:
        """Return the id under each of these keys, by default all, that can be read."""
        known = {key: self._known.get(key) for key in (self._known if keys is None else keys)}
        return {key: one.registration.id for key, one in known.items() if one and one.registration}

    def at(self, key: str) -> Registration | None:
        """Return the registration under a key. Raises ValueError for one that cannot be read."""
        known = self._known.get(key)
        if known is not None and known.unclear:
            raise ValueError(f"{key} cannot be read")
        return known.registration if known else None

    def view(
        self, fault: Callable[[Registration], str], *, hidden: bool = False
    ) -> View[Registration]:
        """Return the registrations.

        `fault` returns why the holder of an entry we own is wrong, "" if it is not. `hidden`: not
        all entries could be read.
        """
        found: dict[str, Registration] = {}
        for key, known in self._known.items():
            one = known.registration
            if one is not None:
                if self._is_ours(one) and not one.damaged and (text := fault(one)):
                    one = attrs.evolve(one, damaged=text)
                found[key] = one
        items = by_id(found, self._owner)
        unclear = {known.unclear for known in self._known.values() if known.unclear}
        return View(items.values(), complete=not hidden, unclear=unclear - items.keys())

    def _understood(self, key: str, entry: S | None, twin: S | None) -> _Known[S]:
        before = self._known.get(key)
        if before is not None and (before.entry, before.twin) == (entry, twin):
            return before
        values = [one.value if one else None for one in (entry, twin)]
        try:
            found = meaning(self._layout, key, *values)
        except ValueError:
            return _Known(entry, twin, None, self._layout.id_in(key))
        if found is not None:
            found = attrs.evolve(found, version=self._version(key, entry, twin))
        return _Known(entry, twin, found)

    def _is_ours(self, found: Registration) -> bool:
        return found.mark is not None and found.mark.owner == self._owner


class EntryListing(Listing[Entry]):
    """A listing of entries with twins and holders. `holders` may be called from any thread."""

    def __init__(self, layout: Layout, owner: str) -> None:
        super().__init__(layout, owner)
        #: Our registrations as last read or written, by key.
        self._ours: dict[str, Registration] = {}

    def note(self, found: Mapping[str, Entry]) -> None:
        """Take in all that is stored, twins too, by key."""
        super().note(found)
        self._ours = {
            key: known.registration
            for key, known in self._known.items()
            if known.registration is not None and self._is_ours(known.registration)
        }

    def wrote(self, written: Registration) -> None:
        """Note what was written since the last listing."""
        self._ours[Version.parse(written.version).key] = written

    def holders(self, homes: frozenset[tuple[str, str]]) -> Mapping[str, int]:
        """Return how many of our registrations, of these homes, each lease or session holds."""
        found: Counter[str] = Counter()
        for one in tuple(self._ours.values()):
            if one.mark and one.mark.home in homes:
                found.update(Version.parse(one.version).holders() - {""})
        return found

    def _version(self, key: str, entry: Entry | None, twin: Entry | None) -> str:
        return str(Version.of(key, entry, twin))

    def _understood(self, key: str, entry: Entry | None, twin: Entry | None) -> _Known[Entry]:
        known = super()._understood(key, entry, twin)
        found, ours = known.registration, self._ours.get(key)
        if found is None or found.mark is not None or ours is None:
            return known
        # Its twin was removed. An entry that has not changed since is still ours.
        if Version.parse(ours.version).revision != Version.parse(found.version).revision:
            return known
        healed = attrs.evolve(ours, version=found.version, damaged="its mark is gone")
        return attrs.evolve(known, registration=healed)
