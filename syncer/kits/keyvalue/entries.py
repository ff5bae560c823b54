"""Entries of a store: where twins are, what an instance's entries are, and a version of them."""

from collections.abc import Sequence

import attrs

from syncer.api.registrations import Registration
from syncer.kits.keyvalue import record
from syncer.kits.keyvalue.layout import TWINS, Layout
from syncer.kits.keyvalue.meaning import parked


@attrs.frozen
class Entry:
    """A key with its value.

    `revision` is the store's number of its last change; `holder` is the lease or session whose end
    removes it, "" if there is none.
    """

    key: str
    value: bytes
    revision: int
    holder: str = ""


@attrs.frozen
class Version:
    """A registration's `version`: its key, the revisions of entry and twin, and their holders.

    Revision 0 means that there is no such entry; holder "" that no lease or session holds it.
    """

    key: str
    revision: int = 0
    twin: int = 0
    holder: str = ""
    twin_holder: str = ""

    def __str__(self) -> str:
        holders = f"{self.holder or '-'} {self.twin_holder or '-'}"
        return f"{self.revision} {self.twin} {holders} {self.key}"

    @classmethod
    def parse(cls, text: str) -> "Version":
        """Return the version that was written so; raises ValueError."""
        revision, twin, *holders, key = text.split(" ", 4)
        holder, twin_holder = ("" if name == "-" else name for name in holders)
        return cls(key, int(revision), int(twin), holder, twin_holder)

    @classmethod
    def of(cls, key: str, entry: Entry | None, twin: Entry | None) -> "Version":
        """Return the version of an entry and its twin, either of which may be absent."""
        absent = Entry(key, b"", 0)
        entry, twin = entry or absent, twin or absent
        return cls(key, entry.revision, twin.revision, entry.holder, twin.holder)

    def places(self) -> dict[str, tuple[int, str]]:
        """Return revision and holder of both keys."""
        return {
            self.key: (self.revision, self.holder),
            twin_key(self.key): (self.twin, self.twin_holder),
        }

    def holders(self) -> set[str]:
        """Return who holds the entries that exist; "" is in it if nobody holds one of them."""
        return {holder for revision, holder in self.places().values() if revision}


def twin_key(key: str) -> str:
    """Return the key of an entry's twin, which begins with a slash if the entry's does."""
    return f"/{TWINS}{key}" if key.startswith("/") else f"{TWINS}/{key}"


def entry_key(twin: str) -> str:
    """Return the key of the entry that a twin belongs to."""
    return twin.removeprefix(f"/{TWINS}") if twin.startswith("/") else twin[len(TWINS) + 1 :]


def prefixes(layout: Layout) -> Sequence[str]:
    """Return the prefixes of all entries of a layout."""
    return (layout.base, twin_key(layout.base)) if layout.twins else (layout.base,)


def values(layout: Layout, registration: Registration) -> dict[str, str]:
    """Return a registration's values by key. Raises ValueError if JSON or UTF-8 cannot say them."""
    key = layout.key(registration.instance)
    found = {} if parked(layout, registration) else {key: layout.value(registration)}
    if layout.twins:
        found[twin_key(key)] = record.twin_of(registration)
    return found
