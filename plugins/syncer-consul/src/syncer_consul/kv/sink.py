"""Consul's key-value store as a sink: the entries under one prefix, in one layout."""

from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from threading import Event
from urllib.parse import quote

import attrs

from syncer import (
    Change,
    Context,
    Deregister,
    Finding,
    Instance,
    Outcome,
    Register,
    Registration,
    SyncerError,
    View,
)
from syncer.kits.keyvalue import Entry, HeldSink, load_layout, prefixes, prepared, subjects
from syncer_consul.http.client import Client
from syncer_consul.http.index_watch import IndexWatcher
from syncer_consul.kv.examine import examined
from syncer_consul.kv.session import Session
from syncer_consul.kv.store import Store
from syncer_consul.kv.writing import SessionGone, Writer, step_of
from syncer_consul.locks import ConsulLocks
from syncer_consul.options import KvOptions

GROUP = "syncer_consul.layouts"


class ConsulKvSink(HeldSink):
    """Registers in the key-value store; see `KvOptions`."""

    store = "Consul"
    held_by = "session"
    #: Half of what Consul takes in one request: a move to another session sends values twice.
    largest = 200 * 1024

    def __init__(self, options: KvOptions, context: Context) -> None:
        layout = load_layout(
            GROUP, options.layout, options.prefix, options.layout_options, leading_slash=False
        )
        # Whether ACLs hide anything is asked of names that no rule was made for.
        questions = [("key", f"{prefix}syncer-may-read-all") for prefix in prefixes(layout)]
        self._client = Client(options, idle=4, questions=questions)
        self._options = options
        consul = self._client.asking(dc=options.datacenter)
        session: Session | None = None
        if options.session is not None:
            ttl = options.session.total_seconds()
            self.pulse = timedelta(seconds=ttl / 3)
            session = Session(consul, f"syncer {context.owner}", ttl)
        super().__init__(layout, options.unhealthy, context.owner, session)
        self._store = Store(consul)
        self._writer = Writer(self._store)
        self.locks = ConsulLocks(consul)
        self._watcher: IndexWatcher | None = None
        self._closed = Event()

    def registrations(self) -> View[Registration]:
        """Return everything under the prefix, with the twins, all as of one moment."""
        info = self._client.info()
        found, hidden = self._store.trees(self._prefixes)
        view = self._listed(found, hidden=hidden or self._client.may_hide(info))
        return attrs.evolve(view, hides_own=False)  # who may write a key may read it

    def apply(self, changes: Collection[Change]) -> Iterator[Outcome]:
        """Make the changes in transactions, on the condition that nothing changed meanwhile."""
        self._write_for(subjects(changes))
        removes = all(isinstance(change, Deregister) for change in changes)
        try:
            session = "" if removes else self._obtained()
        except SyncerError as error:
            yield from (Outcome(change, error=error) for change in changes)
            return
        steps, refused = prepared(
            changes, lambda change: step_of(change, self._before(change), self._layout, session)
        )
        yield from refused
        for outcome in self._writer.write(steps, session):
            if outcome.registration is not None:
                self._listing.wrote(outcome.registration)
            if self._holder is not None and isinstance(outcome.error, SessionGone):
                self._holder.lost(session)
            yield outcome

    def watch(self, wake: Callable[[], None], stop: Event) -> None:
        """Wake when somebody else changes entries under the prefix."""
        client = Client(self._options, idle=len(self._prefixes))
        # Names of services are enough: their index changes with everything below.
        kv = client.asking(dc=self._options.datacenter).kv
        queries = [partial(kv.get, quote(p), keys=True, separator="/") for p in self._prefixes]
        own = self._writer.own
        self._watcher = IndexWatcher(queries, client.close, own.__contains__, own.began)
        if self._closed.is_set():
            self._watcher.close()
        self._watcher.run(wake, stop)

    def credentials(self) -> Hashable:
        """Return what differs as soon as `token_file` has another token."""
        return self._client.credentials()

    def examine(self) -> Iterator[Finding]:
        """Report whether the agent answers, its clock, and what the token may do with keys."""
        names = partial(self._client.kv.get, quote(self._prefixes[0]), keys=True, separator="/")
        return examined(self._client, self._options, self._prefixes, names)

    def close(self) -> None:
        """Close all connections, which ends a watch. A session expires by itself."""
        if self._closed.is_set():
            return
        self._closed.set()
        if self._watcher is not None:
            self._watcher.close()
        self._client.close()

    def _stored(self, prefixes: Sequence[str]) -> Mapping[str, Entry]:
        return self._store.trees(prefixes)[0]

    def _weigh(self, instance: Instance) -> int:
        """Return the bytes of an entry and its twin in a request."""
        bare = Register(Registration(instance=instance))
        return step_of(bare, None, self._layout, "").size
