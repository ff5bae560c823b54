"""Consul's key-value store as a sink: what stands under one prefix, in one layout."""

from collections.abc import Callable, Collection, Iterator
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
from syncer.kits.keyvalue import LayoutSink, load_layout, prepared, subjects
from syncer_consul.http.client import Client
from syncer_consul.http.index_watch import IndexWatcher
from syncer_consul.kv.examine import examined
from syncer_consul.kv.listing import TWINS, Listing, Token, free, held
from syncer_consul.kv.session import Session
from syncer_consul.kv.store import Store
from syncer_consul.kv.writing import SessionGone, Step, Writer, step_of
from syncer_consul.locks import ConsulLocks
from syncer_consul.options import KvOptions

GROUP = "syncer_consul.layouts"


class ConsulKvSink(LayoutSink):
    """Registers in the key-value store; see `KvOptions`."""

    store = "Consul"
    #: Half of what Consul takes in one request, since a change from one session to another sends
    #: values twice.
    largest = 200 * 1024

    def __init__(self, options: KvOptions, context: Context) -> None:
        layout = load_layout(
            GROUP, options.layout, options.prefix, options.layout_options, leading_slash=False
        )
        super().__init__(layout, options.unhealthy)
        self._options, self._owner = options, context.owner
        base = self._layout.base
        self._prefixes = (base, TWINS + base) if self._layout.twins else (base,)
        # Whether rights hide anything is asked of names that no rule was made for.
        questions = [("key", f"{prefix}syncer-may-read-all") for prefix in self._prefixes]
        self._client = Client(options, idle=4, questions=questions)
        consul = self._client.asking(dc=options.datacenter)
        self._store = Store(consul)
        self._writer = Writer(self._store)
        self.locks = ConsulLocks(consul)
        self._listing = Listing(self._layout, context.owner)
        self._session: Session | None = None
        if options.session is not None:
            ttl = options.session.total_seconds()
            self.pulse = timedelta(seconds=ttl / 3)
            name = f"syncer {context.owner}"
            self._session = Session(consul, name, ttl)
        self._watcher: IndexWatcher | None = None
        self._closed = Event()

    def registrations(self) -> View[Registration]:
        """Everything under the prefix, and the twins, all as of one moment."""
        info = self._client.info()
        found, hidden = self._store.trees(self._prefixes)
        self._listing.note(found)
        if self._session is not None:
            self._session.follow(self._listing.sessions(self._scopes))
        view = self._listing.view(hidden=hidden or self._client.may_hide(info))
        return attrs.evolve(view, items=map(self._with_holder, view.items))

    def apply(self, changes: Collection[Change]) -> Iterator[Outcome]:
        """Make the changes in transactions, each on the condition that nobody was first."""
        self._keep(subjects(changes))
        try:
            session = self._session_for(changes)
        except SyncerError as error:
            yield from (Outcome(change, error=error) for change in changes)
            return
        steps, refused = prepared(changes, lambda change: self._step(change, session))
        yield from refused
        for outcome in self._writer.write(steps, session):
            if outcome.registration is not None:
                self._listing.wrote(outcome.registration)
            if self._session is not None and isinstance(outcome.error, SessionGone):
                self._session.lost(session)
            yield outcome

    def renew(self, held: Collection[Registration]) -> Collection[Registration]:
        """Keep the sessions of these alive; returns those whose session is gone."""
        if self._session is None:
            return ()
        self._keep(held)
        self._session.find(self._listing.sessions(self._scopes))
        holders = [(one, Token.parse(one.version).holders()) for one in held if one.version]
        dead = self._session.renew({id_ for _, ids in holders for id_ in ids})
        return [one for one, ids in holders if not ids.isdisjoint(dead)]

    def watch(self, wake: Callable[[], None], stop: Event) -> None:
        """Wake when somebody else changes what stands under the prefix."""
        client = Client(self._options, idle=len(self._prefixes))
        # Names of services are enough: the index is that of everything below.
        kv = client.asking(dc=self._options.datacenter).kv
        queries = [partial(kv.get, quote(p), keys=True, separator="/") for p in self._prefixes]
        self._watcher = IndexWatcher(queries, client.close, self._writer.own.__contains__)
        if self._closed.is_set():
            self._watcher.close()
        self._watcher.run(wake, stop)

    def examine(self) -> Iterator[Finding]:
        """Whether the agent answers, its clock, and what the token may do with keys."""
        return examined(self._client, self._options, self._prefixes)

    def close(self) -> None:
        """Let go of all connections, which ends a watch. A session runs out by itself."""
        if self._closed.is_set():
            return
        self._closed.set()
        if self._watcher is not None:
            self._watcher.close()
        self._client.close()

    def _with_holder(self, found: Registration) -> Registration:
        """The registration with what is wrong about who holds it, if that is ours to put right."""
        if found.mark is None or found.mark.owner != self._owner:
            return found
        if self._session is None:
            return free(found)
        return held(found, self._session.current) if found.mark.scope in self._scopes else found

    def _session_for(self, changes: Collection[Change]) -> str:
        """The session that is to hold what is written; "" for none."""
        if self._session is None or all(isinstance(change, Deregister) for change in changes):
            return ""
        return self._session.obtain(self._listing.sessions(self._scopes))

    def _step(self, change: Change, session: str) -> Step:
        return step_of(change, self._token(change), self._layout, session)

    def _token(self, change: Change) -> Token | None:
        """Where what is replaced or removed stands; looked up if the registration does not say."""
        if isinstance(change, Register):
            return None
        if change.old.version:
            return Token.parse(change.old.version)
        key = self._layout.key(change.old.instance)
        found, _ = self._store.trees([key, TWINS + key])
        return Token.of(key, found.get(key), found.get(TWINS + key))

    def _weigh(self, instance: Instance) -> int:
        """The bytes of an entry and its twin in a request."""
        bare = Register(Registration(instance=instance))
        return step_of(bare, None, self._layout, "").weight
