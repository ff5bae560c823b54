"""etcd as a sink: what stands under one prefix, in one layout, on one lease.

The lease is granted with the first write and renewed by the pulse; it is never granted for the
sake of a refresh, and not revoked at the end while entries hang on it: they outlive an
upgrade of syncer, and the next process finds the lease by them.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from datetime import timedelta
from threading import Event

from syncer import (
    Change,
    Context,
    Finding,
    Instance,
    Outcome,
    Register,
    Registration,
    SyncerError,
    TemporaryError,
    View,
)
from syncer.kits.keyvalue import LayoutSink, prepared, record, subjects
from syncer_etcd.client import Client
from syncer_etcd.examining import examined
from syncer_etcd.lease import LeaseKeeper
from syncer_etcd.listing import Listing, Token
from syncer_etcd.locks import EtcdLocks
from syncer_etcd.options import EtcdOptions
from syncer_etcd.place import layout_of
from syncer_etcd.twins import twin_key
from syncer_etcd.watch import Watcher
from syncer_etcd.writing import LARGEST, Step, Writer, step_of

#: Room for the mark, beside what `adjust` can weigh.
_MARK_ROOM = 8 * 1024


class EtcdSink(LayoutSink):
    """Registers in an etcd cluster; see `EtcdOptions`."""

    store = "etcd"
    largest = LARGEST - _MARK_ROOM

    def __init__(self, options: EtcdOptions, context: Context) -> None:
        super().__init__(layout_of(options), options.unhealthy)
        self._owner = context.owner
        base = self._layout.base
        self._prefixes = (base, twin_key(base)) if self._layout.twins else (base,)
        self._client = Client(options)
        ttl, timeout = options.ttl.total_seconds(), options.timeout.total_seconds()
        self._lease = LeaseKeeper(self._client, ttl, timeout)
        self.pulse: timedelta | None = timedelta(seconds=ttl / 3)
        self._listing = Listing(self._layout, context.owner)
        self._writer = Writer(self._client, self._layout)
        self.locks = EtcdLocks(self._client, timeout)
        self._closed = Event()

    def registrations(self) -> View[Registration]:
        """Everything under the prefix, and the twins, all as of one revision."""
        found, _ = self._client.snapshot(self._prefixes)
        twins = found[1] if self._layout.twins else {}
        before = self._lease.current
        view = self._listing.read(found[0], twins, before, self._scopes)
        self._lease.follow(self._listing.leases(self._scopes))
        now = self._lease.current
        if now == before:
            return view
        return self._listing.read(found[0], twins, now, self._scopes)

    def apply(self, changes: Collection[Change]) -> Iterator[Outcome]:
        """Make the changes in transactions, each on the condition that nobody was first."""
        self._keep(subjects(changes))
        steps, refused = prepared(changes, self._step)
        yield from refused
        for outcome in self._writer.write(steps, self._current_lease):
            if outcome.registration is not None:
                self._listing.wrote(outcome.registration)
            yield outcome

    def renew(self, held: Collection[Registration]) -> Collection[Registration]:
        """Keep the leases of these alive; returns those whose lease is gone."""
        leases = {id(one): Token.parse(one.version).lease for one in held if one.version}
        self._keep(held)
        counts: dict[int, int] = {}
        for lease in leases.values():
            counts[lease] = counts.get(lease, 0) + 1
        self._lease.find(counts)
        dead = self._lease.renew(leases.values())
        return [one for one in held if leases.get(id(one)) in dead]

    def watch(self, wake: Callable[[], None], stop: Event) -> None:
        """Wake when somebody else changes what stands under the prefix, or entries run out."""
        if self._closed.is_set():
            return
        try:
            Watcher(self._client, self._prefixes, self._writer.own).run(wake, stop)
        except TemporaryError:
            if not self._closed.is_set():
                raise

    def examine(self) -> Iterator[Finding]:
        """Whether a member answers, and the user may read what is under the prefix."""
        return examined(self._client, self._prefixes)

    def close(self) -> None:
        """End an empty lease, let go of all connections, and end a watch."""
        if self._closed.is_set():
            return
        self._closed.set()
        with suppress(SyncerError):
            self._lease.close()
        self._client.close()

    def _step(self, change: Change) -> Step:
        return step_of(change, self._token(change), self._layout)

    def _token(self, change: Change) -> Token | None:
        """Where what is replaced or removed stands, and as of which changes; None for a new one."""
        if isinstance(change, Register):
            return None
        if change.old.version:
            return Token.parse(change.old.version)
        key = self._layout.key(change.old.instance)
        return Token(key, *self._client.revisions([key, twin_key(key)]))

    def _current_lease(self, dead: int = 0) -> int:
        """The lease to put entries on, another one than that which turned out to be dead."""
        if dead:
            self._lease.lost(dead)
        return self._lease.obtain(self._listing.leases(self._scopes))

    def _weigh(self, instance: Instance) -> int:
        """The bytes of an entry and its twin."""
        bare = Registration(instance=instance)
        texts = [self._layout.key(instance), self._layout.value(bare)]
        if self._layout.twins:
            texts += [twin_key(texts[0]), record.twin_of(bare)]
        return sum(len(text.encode()) for text in texts)
