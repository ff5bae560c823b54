"""etcd as a sink: the entries under one prefix, in one layout, on one lease.

The lease is granted with the first write and renewed by the pulse. At the end it is not revoked
while it has entries: they outlive an upgrade of syncer, and the next process finds the lease by
them.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from threading import Event

from syncer import (
    Change,
    Context,
    Finding,
    Outcome,
    Registration,
    SyncerError,
    TemporaryError,
    View,
)
from syncer.kits.keyvalue import Entry, EntryListing, HeldSink, prepared, subjects, twin_key
from syncer_etcd.client import Client
from syncer_etcd.examine import examined
from syncer_etcd.lease import Lease
from syncer_etcd.locks import EtcdLocks
from syncer_etcd.options import EtcdOptions, layout_of
from syncer_etcd.watch import Watcher
from syncer_etcd.writing import LARGEST, Writer, step_of

#: Room for the mark, in addition to what `adjust` can weigh.
_MARK_ROOM = 8 * 1024


class EtcdSink(HeldSink):
    """Registers in an etcd cluster; see `EtcdOptions`."""

    store = "etcd"
    held_by = "lease"
    largest = LARGEST - _MARK_ROOM

    def __init__(self, options: EtcdOptions, context: Context) -> None:
        layout = layout_of(options)
        ttl, timeout = options.ttl.total_seconds(), options.timeout.total_seconds()
        self._client = Client(options)
        self._lease = Lease(self._client, ttl, timeout)
        super().__init__(layout, options.unhealthy, context.owner, self._lease)
        self.pulse: timedelta | None = timedelta(seconds=ttl / 3)
        self._writer = Writer(self._client, self._current_lease)
        self.locks = EtcdLocks(self._client, timeout)
        self._closed = Event()

    def registrations(self) -> View[Registration]:
        """Return everything under the prefix, with the twins, all as of one revision."""
        return self._listed(self._stored(self._prefixes))

    def apply(self, changes: Collection[Change]) -> Iterator[Outcome]:
        """Make the changes in transactions, on the condition that nothing changed meanwhile."""
        self._write_for(subjects(changes))
        steps, refused = prepared(
            changes, lambda change: step_of(change, self._before(change), self._layout)
        )
        yield from refused
        for outcome in self._writer.write(steps):
            if outcome.registration is not None:
                self._listing.wrote(outcome.registration)
            yield outcome

    def watch(self, wake: Callable[[], None], stop: Event) -> None:
        """Wake when somebody else changes entries under the prefix, or entries expire."""
        self.follow(wake, None, stop)

    def follow(
        self,
        wake: Callable[[], None],
        told: Callable[[frozenset[str]], None] | None,
        stop: Event,
    ) -> None:
        """Wake when the watch begins, then tell `told`, if it is given, the keys that change."""
        if self._closed.is_set():
            return
        try:
            Watcher(self._client, self._prefixes, self._writer.own, told).run(wake, stop)
        except TemporaryError:
            if not self._closed.is_set():
                raise

    def look(self, keys: Collection[str]) -> EntryListing:
        """Read some entries again; return the listing with them."""
        found = self._client.entries([*keys, *map(twin_key, keys)])
        self._listing.note_some(keys, found)
        return self._listing

    @property
    def listing(self) -> EntryListing:
        """The entries as they were last read."""
        return self._listing

    def examine(self) -> Iterator[Finding]:
        """Report whether a member answers, and whether the user may read the prefix."""
        return examined(self._client, self._prefixes)

    def close(self) -> None:
        """End an empty lease, close all connections, and end a watch."""
        if self._closed.is_set():
            return
        self._closed.set()
        with suppress(SyncerError):
            self._lease.close()
        self._client.close()

    def _stored(self, prefixes: Sequence[str]) -> Mapping[str, Entry]:
        return self._client.snapshot(prefixes)

    def _current_lease(self, dead: str) -> str:
        """Return the lease to put entries on, after a dead one another."""
        if dead:
            self._lease.lost(dead)
        return self._obtained()
