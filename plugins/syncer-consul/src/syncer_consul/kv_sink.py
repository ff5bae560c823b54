"""Consul's key-value store as a sink: what stands under one prefix, in one layout."""

from collections.abc import Callable, Collection, Iterator
from datetime import timedelta
from threading import Event
from urllib.parse import quote

import attrs

from syncer import (
    Change,
    Context,
    Deregister,
    Instance,
    Mark,
    Outcome,
    PermanentError,
    Reason,
    Register,
    Registration,
    Sink,
    SyncerError,
    TemporaryError,
    Unhealthy,
    Update,
    View,
    with_status,
)
from syncer.keyvalue import load_layout, parks
from syncer_consul.client import Client
from syncer_consul.index_watch import IndexWatcher
from syncer_consul.kv_listing import TWINS, Listing, Token, free, held
from syncer_consul.kv_session import Session
from syncer_consul.kv_store import Store
from syncer_consul.kv_writing import SessionGone, Step, Writer, step_of
from syncer_consul.locks import Locks
from syncer_consul.options import KvOptions

GROUP = "syncer_consul.layouts"
#: Bytes of an instance and its twin in a request: half of what Consul takes in one, since a
#: change from one session to another sends values twice.
LARGEST = 200 * 1024


class ConsulKvSink(Sink):
    """Registers in the key-value store; see `KvOptions`."""

    locks = True

    def __init__(self, options: KvOptions, context: Context) -> None:
        self._options, self._owner = options, context.owner
        self._layout = load_layout(
            GROUP, options.layout, options.prefix, options.layout_options, leading_slash=False
        )
        usual = Unhealthy.KEEP if self._layout.tells_status else Unhealthy.DROP
        self._unhealthy = options.unhealthy or usual
        base = self._layout.base
        self._prefixes = (base, TWINS + base) if self._layout.twins else (base,)
        # Whether rights hide anything is asked of names that no rule was made for.
        questions = [("key", f"{prefix}syncer-may-read-all") for prefix in self._prefixes]
        self._client = Client(options, idle=4, questions=questions)
        self._store = Store(self._client, options.datacenter)
        self._writer = Writer(self._store)
        self._locks = Locks(self._client, self._store.query)
        self._listing = Listing(self._layout, context.owner)
        self._session: Session | None = None
        if options.session is not None:
            ttl = options.session.total_seconds()
            self.pulse = timedelta(seconds=ttl / 3)
            name = f"syncer {context.owner}"
            self._session = Session(self._client, name, ttl, self._store.query)
        #: The scopes of what we write: two hosts may share an owner, but not a session.
        self._scopes: frozenset[str] = frozenset()
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

    def register(self, new: Registration) -> Registration:
        """Write what must not be there yet."""
        return self._one(Register(new))

    def update(self, old: Registration, new: Registration) -> Registration:
        """Replace what must be as it was read; another key is written and the old one removed."""
        return self._one(Update(old, new))

    def deregister(self, old: Registration) -> None:
        """Remove what must be as it was read, with its twin."""
        (outcome,) = self.apply([Deregister(old, Reason.NOT_OFFERED)])
        if outcome.error is not None:
            raise outcome.error

    def apply(self, changes: Collection[Change]) -> Iterator[Outcome]:
        """Make the changes in transactions, each on the condition that nobody was first."""
        self._scopes |= {mark.scope for change in changes if (mark := _mark(change))}
        try:
            session = self._session_for(changes)
        except SyncerError as error:
            yield from (Outcome(change, error=error) for change in changes)
            return
        steps: list[Step] = []
        for change in changes:
            try:
                steps.append(step_of(change, self._token(change), self._layout, session))
            except SyncerError as error:
                yield Outcome(change, error=error)
            except ValueError as error:
                text = f"{change.id}: cannot be written: {error}"
                yield Outcome(change, error=PermanentError(text))
        for outcome in self._writer.write(steps, session):
            if outcome.registration is not None:
                self._listing.wrote(outcome.registration)
            if self._session is not None and isinstance(outcome.error, SessionGone):
                self._session.lost(session)
            yield outcome

    def adjust(self, instance: Instance) -> Instance | None:
        """The instance as the layout holds it, without checks; None if it is to be dropped."""
        shown = with_status(instance, self._unhealthy)
        if shown is None:
            return None
        return self._checked(shown if self._layout.tells_status else instance)

    def park(self, instance: Instance) -> Instance | None:
        """The instance for its twin alone, where no consumer looks; None if there are no twins."""
        if not parks(self._layout):
            return None
        shown = with_status(instance, Unhealthy.KEEP)
        return shown and self._checked(shown)

    def _checked(self, instance: Instance) -> Instance:
        """The instance as the store can hold it. Raises PermanentError if it cannot."""
        if instance.checks:
            names = ", ".join(check.key for check in instance.checks)
            text = f"this store runs no checks, and nobody translated these: {names}"
            instance = attrs.evolve(instance, checks=(), problems=(*instance.problems, text))
        self._fit(instance)
        return instance

    def renew(self, held: Collection[Registration]) -> Collection[Registration]:
        """Keep the sessions of these alive; returns those whose session is gone."""
        if self._session is None:
            return ()
        self._scopes |= {one.mark.scope for one in held if one.mark}
        self._session.find(self._listing.sessions(self._scopes))
        holders = [(one, Token.parse(one.version).holders()) for one in held if one.version]
        dead = self._session.renew({id_ for _, ids in holders for id_ in ids})
        return [one for one, ids in holders if not ids.isdisjoint(dead)]

    def take_lock(self, name: str, ttl: timedelta) -> bool:
        """Take or keep a lock, in the same store."""
        return self._locks.take(name, ttl.total_seconds())

    def release_lock(self, name: str) -> None:
        """Let go of a lock."""
        self._locks.release(name)

    def watch(self, wake: Callable[[], None], stop: Event) -> None:
        """Wake when somebody else changes what stands under the prefix."""
        client = Client(self._options, idle=len(self._prefixes))
        # Names of services are enough: the index is that of everything below.
        query = {**self._store.query, "keys": "", "separator": "/"}
        queries = [(f"/v1/kv/{quote(prefix)}", query) for prefix in self._prefixes]
        self._watcher = IndexWatcher(client, queries, self._writer.own.__contains__)
        if self._closed.is_set():
            self._watcher.close()
        self._watcher.run(wake, stop)

    def close(self) -> None:
        """Let go of all connections, which ends a watch. A session runs out by itself."""
        if self._closed.is_set():
            return
        self._closed.set()
        if self._watcher is not None:
            self._watcher.close()
        self._client.close()

    def _one(self, change: Register | Update) -> Registration:
        (outcome,) = self.apply([change])
        if outcome.registration is None:
            raise outcome.error or TemporaryError(f"{change.id}: not written")
        return outcome.registration

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

    def _token(self, change: Change) -> Token | None:
        """Where what is replaced or removed stands; looked up if the registration does not say."""
        if isinstance(change, Register):
            return None
        if change.old.version:
            return Token.parse(change.old.version)
        key = self._layout.key(change.old.instance)
        found, _ = self._store.trees([key, TWINS + key])
        return Token.of(key, found.get(key), found.get(TWINS + key))

    def _fit(self, instance: Instance) -> None:
        """Raise PermanentError for what the layout or Consul cannot hold."""
        self._layout.fit(instance)
        try:
            step = step_of(Register(Registration(instance=instance)), None, self._layout, "")
        except ValueError as error:
            raise PermanentError(f"{instance.id}: cannot be written: {error}") from error
        if step.weight > LARGEST:
            raise PermanentError(
                f"{instance.id}: {step.weight} bytes are more than Consul takes at once"
            )


def _mark(change: Change) -> Mark | None:
    return change.old.mark if isinstance(change, Deregister) else change.new.mark
