"""The base of sinks that write instances in a layout, whatever the store is."""

from abc import abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import ClassVar, TypeVar

import attrs

from syncer.api.changes import Change, Deregister, Outcome, Reason, Register, Update
from syncer.api.contracts import Sink, View
from syncer.api.errors import PermanentError, SyncerError, TemporaryError
from syncer.api.registrations import FoundAs, Instance, Registration, Unhealthy, with_status
from syncer.kits.keyvalue.entries import Entry, Version, prefixes, twin_key, values
from syncer.kits.keyvalue.holder import Holder
from syncer.kits.keyvalue.layout import Layout
from syncer.kits.keyvalue.listing import EntryListing
from syncer.kits.keyvalue.meaning import parks

Step = TypeVar("Step")
#: Pairs of scope and identity, as in `Mark.home`.
Homes = frozenset[tuple[str, str]]


class LayoutSink(Sink):
    """A sink that writes many changes at once, each instance in the form of its layout.

    A subclass says `store` and `largest`, and writes `registrations` and `apply`.
    """

    #: How messages call the store.
    store: ClassVar[str]
    #: The largest instance, in bytes as `_weigh` counts them.
    largest: ClassVar[int]

    def __init__(self, layout: Layout, unhealthy: Unhealthy | None) -> None:
        self._layout = layout
        usual = Unhealthy.KEEP if layout.tells_status else Unhealthy.DROP
        self._unhealthy = unhealthy or usual
        #: Scopes and identities of what was written and of what was renewed last.
        self._written: Homes = frozenset()
        self._renewed: Homes = frozenset()

    @abstractmethod
    def apply(self, changes: Collection[Change]) -> Iterator[Outcome]:
        """Make the changes, on the condition that nothing changed meanwhile; see `Sink.apply`."""

    def _weigh(self, instance: Instance) -> int:
        """Return the bytes of an instance's keys and values; pure.

        Raises ValueError for what is not text, PermanentError for what the store cannot hold.
        """
        found = values(self._layout, Registration(instance=instance))
        return sum(len(key.encode()) + len(value.encode()) for key, value in found.items())

    def register(self, new: Registration) -> Registration:
        """Write a registration whose key is free."""
        return self._one(Register(new))

    def update(self, old: Registration, new: Registration) -> Registration:
        """Replace an unchanged registration; a new key is written and the old one removed."""
        return self._one(Update(old, new))

    def deregister(self, old: Registration) -> None:
        """Remove an unchanged registration."""
        (outcome,) = self.apply([Deregister(old, Reason.NOT_OFFERED)])
        if outcome.error is not None:
            raise outcome.error

    def adjust(self, instance: Instance) -> Instance | None:
        """Return the instance as the layout holds it, without checks; `None` if it is withheld."""
        shown = with_status(instance, self._unhealthy)
        if shown is None:
            return None
        return self._checked(shown if self._layout.tells_status else instance)

    def park(self, instance: Instance) -> Instance | None:
        """Return the instance for its twin alone, hidden from consumers; `None` without twins."""
        if not parks(self._layout):
            return None
        shown = with_status(instance, Unhealthy.KEEP)
        return shown and self._checked(shown)

    def found_as(self, instance: Instance) -> FoundAs:
        """Return what the layout's consumers find it by."""
        return self._layout.found_as(instance)

    def take_over(self, former: Sink) -> None:
        """Take over the homes: after several reloads in a row no cycle may have noted them."""
        if isinstance(former, LayoutSink):
            self._written, self._renewed = former._written, former._renewed

    @property
    def _homes(self) -> Homes:
        """The homes of our registrations: two hosts may share an owner, but not a lease."""
        return self._written | self._renewed

    def _write_for(self, ours: Iterable[Registration]) -> None:
        """Note the homes of what is about to be written."""
        self._written |= homes_of(ours)

    def _renew_for(self, held: Iterable[Registration]) -> None:
        """Note the homes of all that is to be renewed."""
        self._renewed = homes_of(held)

    def _one(self, change: Register | Update) -> Registration:
        (outcome,) = self.apply([change])
        if outcome.registration is None:
            raise outcome.error or TemporaryError(f"{change.id}: not written")
        return outcome.registration

    def _checked(self, instance: Instance) -> Instance:
        """Return the instance as the store can hold it. Raises PermanentError if it cannot."""
        if instance.checks:
            names = ", ".join(check.key for check in instance.checks)
            text = f"this store runs no checks, and nobody translated these: {names}"
            instance = attrs.evolve(instance, checks=(), problems=(*instance.problems, text))
        self._layout.fit(instance)
        try:
            size = self._weigh(instance)
        except ValueError as error:
            raise PermanentError(f"{instance.id}: cannot be written: {error}") from error
        if size > self.largest:
            text = f"{instance.id}: {size} bytes are more than {self.store} takes at once"
            raise PermanentError(text)
        return instance


class HeldSink(LayoutSink):
    """A layout sink whose entries are held by a lease or session, whose end removes them.

    Without a `holder`, entries stay until they are removed. A subclass also writes `_stored`.
    """

    #: How messages call the holder: "lease" or "session".
    held_by: ClassVar[str]

    def __init__(
        self, layout: Layout, unhealthy: Unhealthy | None, owner: str, holder: Holder | None
    ) -> None:
        super().__init__(layout, unhealthy)
        self._prefixes = prefixes(layout)
        self._listing = EntryListing(layout, owner)
        self._holder = holder

    @abstractmethod
    def _stored(self, prefixes: Sequence[str]) -> Mapping[str, Entry]:
        """Return the entries whose keys begin with one of these, all as of one moment."""

    def renew(self, held: Collection[Registration]) -> Collection[Registration]:
        """Renew the leases or sessions of these; return those whose own is dead."""
        if self._holder is None:
            return ()
        self._renew_for(held)
        self._holder.find(self._listing.holders(self._homes))
        holders = [(one, Version.parse(one.version).holders()) for one in held if one.version]
        dead = self._holder.renew({id_ for _, ids in holders for id_ in ids})
        return [one for one, ids in holders if not ids.isdisjoint(dead)]

    def _listed(self, found: Mapping[str, Entry], *, hidden: bool = False) -> View[Registration]:
        """Return the registrations of all entries, having agreed on one lease or session."""
        self._listing.note(found)
        if self._holder is not None:
            self._holder.follow(self._listing.holders(self._homes))
        return self._listing.view(self._fault, hidden=hidden)

    def _obtained(self) -> str:
        """Return the lease or session to write entries with; "" for none."""
        if self._holder is None:
            return ""
        return self._holder.current or self._holder.obtain(self._listing.holders(self._homes))

    def _before(self, change: Change) -> Version | None:
        """Return the version of what a change replaces or removes, looked up if it has none."""
        if isinstance(change, Register):
            return None
        if change.old.version:
            return Version.parse(change.old.version)
        key = self._layout.key(change.old.instance)
        found = self._stored([key, twin_key(key)])
        return Version.of(key, found.get(key), found.get(twin_key(key)))

    def _fault(self, found: Registration) -> str:
        """Return the fault of the holder of an entry we own; "" if there is none."""
        holders = Version.parse(found.version).holders()
        if self._holder is None:
            return "" if holders == {""} else f"held by a {self.held_by}, and would go with it"
        current = self._holder.current
        if found.mark is None or found.mark.home not in self._homes or holders == {current}:
            return ""
        if "" in holders:
            return f"held by no {self.held_by}, and would stay"
        return f"held by another {self.held_by}" if current else ""


def homes_of(ours: Iterable[Registration]) -> Homes:
    """Return the scopes and identities of registrations."""
    return frozenset(one.mark.home for one in ours if one.mark)


def subjects(changes: Iterable[Change]) -> Iterator[Registration]:
    """Return what the changes write, or else remove."""
    for change in changes:
        yield change.old if isinstance(change, Deregister) else change.new


def prepared(
    changes: Iterable[Change], make: Callable[[Change], Step]
) -> tuple[list[Step], list[Outcome]]:
    """Return what `make` makes of the changes, and the outcomes of those that cannot be written.

    `make` raises ValueError for what is not text, and any SyncerError.
    """
    steps: list[Step] = []
    refused: list[Outcome] = []
    for change in changes:
        try:
            steps.append(make(change))
        except SyncerError as error:
            refused.append(Outcome(change, error=error))
        except ValueError as error:
            text = f"{change.id}: cannot be written: {error}"
            refused.append(Outcome(change, error=PermanentError(text)))
    return steps, refused
