"""Consul's key-value store as a sink: what stands under one prefix, in one layout."""

from collections.abc import Callable, Collection, Iterator
from datetime import timedelta
from threading import Event

import attrs

from syncer import (
    Change,
    Conflict,
    Context,
    Deregister,
    Instance,
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
from syncer.keyvalue import load_layout
from syncer.keyvalue.record import twin_of
from syncer_consul.client import Client
from syncer_consul.index_watch import IndexWatcher
from syncer_consul.kv_listing import TWINS, Listing, Token
from syncer_consul.kv_session import Session
from syncer_consul.kv_store import Delete, Operation, Put, Refusal, Store, batches, weight
from syncer_consul.options import KvOptions

GROUP = "syncer_consul.layouts"
DEFAULT_PREFIX = "services"
#: Bytes of an instance and its twin, well within what Consul takes in one request.
LARGEST = 200 * 1024
#: Indexes of own writes that are remembered, for the watch.
_REMEMBERED = 1024
_Step = tuple[Change, list[Operation]]


class ConsulKvSink(Sink):
    """Registers in the key-value store; see `KvOptions`."""

    def __init__(self, options: KvOptions, context: Context) -> None:
        self._options, self._owner = options, context.owner
        prefix = options.prefix or DEFAULT_PREFIX
        self._layout = load_layout(
            GROUP, options.layout, prefix, options.layout_options, leading_slash=False
        )
        usual = Unhealthy.KEEP if self._layout.tells_status else Unhealthy.DROP
        self._unhealthy = options.unhealthy or usual
        base = self._layout.base
        self._prefixes = (base, TWINS + base) if self._layout.twins else (base,)
        question = ("key", f"{base}syncer-may-read-all")
        self._client = Client(options, idle=4, question=question)
        self._store = Store(self._client, options.datacenter)
        self._session = self._made_session(options, context)
        self._listing = Listing(self._layout, context.owner)
        self._scopes: frozenset[str] = frozenset()
        self._own: dict[int, None] = {}
        self._watcher: IndexWatcher | None = None
        self._closed = Event()

    def _made_session(self, options: KvOptions, context: Context) -> Session | None:
        if options.session is None:
            return None
        ttl = options.session.total_seconds()
        self.pulse = timedelta(seconds=ttl / 3)
        return Session(self._client, f"syncer {context.owner}", ttl, self._store.query)

    def registrations(self) -> View[Registration]:
        """Everything under the prefix, and the twins, all as of one moment."""
        info = self._client.info()
        found, hidden = self._store.trees(self._prefixes)
        hidden = hidden or self._client.may_hide(info)
        session = (self._session.current or None) if self._session else ""
        return self._listing.read(found, hidden, session)

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
        marks = (c.old.mark if isinstance(c, Deregister) else c.new.mark for c in changes)
        self._scopes |= {mark.scope for mark in marks if mark}
        session, steps = "", []
        if self._session and any(not isinstance(change, Deregister) for change in changes):
            session = self._session.obtain(self._listing.sessions(self._scopes))
        for change in changes:
            try:
                steps.append((change, self._operations(change, session)))
            except (SyncerError, ValueError) as error:
                yield Outcome(change, error=_permanent(change, error))
        todo = list(batches(steps))
        while todo:
            outcomes, again = self._send(todo.pop(0), session)
            yield from outcomes
            if again:
                todo.insert(0, again)

    def adjust(self, instance: Instance) -> Instance | None:
        """The instance as the layout holds it, without checks; None if it is to be dropped."""
        shown = with_status(instance, self._unhealthy)
        if shown is None:
            return None
        if self._layout.tells_status:
            instance = shown
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
        tokens = [(one, Token.parse(one.version).session) for one in held if one.version]
        self._scopes |= {one.mark.scope for one in held if one.mark}
        self._session.find(self._listing.sessions(self._scopes))
        dead = self._session.renew({session for _, session in tokens})
        return [one for one, session in tokens if session in dead]

    def watch(self, wake: Callable[[], None], stop: Event) -> None:
        """Wake when somebody else changes what stands under the prefix."""
        client = Client(self._options, idle=len(self._prefixes))
        keys_only = {**self._store.query, "keys": ""}
        queries = [(f"/v1/kv/{prefix}", keys_only) for prefix in self._prefixes]
        self._watcher = IndexWatcher(client, queries, self._own.__contains__)
        if self._closed.is_set():
            self._watcher.close()
        wake()
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

    def _operations(self, change: Change, session: str) -> list[Operation]:
        """What a change does to which keys; what an update no longer needs it removes."""
        old = Token("") if isinstance(change, Register) else self._token(change.old)
        before = {old.key: old.index, TWINS + old.key: old.twin} if old.key else {}
        puts: dict[str, bytes] = {}
        if not isinstance(change, Deregister):
            key = self._layout.key(change.new.instance)
            puts[key] = self._layout.value(change.new).encode()
            if self._layout.twins:
                puts[TWINS + key] = twin_of(change.new).encode()
        removed: list[Operation] = [
            Delete(key, index) for key, index in before.items() if index and key not in puts
        ]
        written = [
            Put(key, value, before.get(key, 0), session, old.session if before.get(key) else "")
            for key, value in puts.items()
        ]
        return [*written, *removed]

    def _token(self, old: Registration) -> Token:
        """Where what is replaced or removed stands; looked up if the registration does not say."""
        if old.version:
            return Token.parse(old.version)
        key = self._layout.key(old.instance)
        found, _ = self._store.trees([key, TWINS + key])
        entry, twin = found.get(key), found.get(TWINS + key)
        session = entry.session if entry else ""
        return Token(key, entry.index if entry else 0, twin.index if twin else 0, session)

    def _send(self, batch: list[_Step], session: str) -> tuple[list[Outcome], list[_Step]]:
        """The outcomes of a batch, and what is to be sent again without those that were refused."""
        flat = [(step, one) for step in batch for one in step[1]]
        try:
            indexes = self._store.change([one for _, one in flat]) if flat else {}
        except Refusal as refusal:
            return self._refused(batch, [step for step, _ in flat], refusal, session)
        except SyncerError as error:
            if len(batch) > 1 and isinstance(error, PermanentError):
                return [out for step in batch for out in self._send([step], session)[0]], []
            return [Outcome(change, error=error) for change, _ in batch], []
        for index in indexes.values():
            self._own[index] = None
        while len(self._own) > _REMEMBERED:
            del self._own[next(iter(self._own))]
        return [self._outcome(change, indexes, session) for change, _ in batch], []

    def _refused(
        self, batch: list[_Step], steps: list[_Step], refusal: Refusal, session: str
    ) -> tuple[list[Outcome], list[_Step]]:
        reasons = {id(steps[place]): why for place, why in refusal.reasons.items()}
        if any("session" in why for why in reasons.values()) and self._session:
            self._session.lost(session)
            error = TemporaryError("the session that holds the entries is gone")
            return [Outcome(change, error=error) for change, _ in batch], []
        if not reasons:
            error = TemporaryError("Consul refused a transaction, and does not say why")
            return [Outcome(change, error=error) for change, _ in batch], []
        outcomes = [
            Outcome(step[0], error=_conflict(step[0], reasons[id(step)]))
            for step in batch
            if id(step) in reasons
        ]
        return outcomes, [step for step in batch if id(step) not in reasons]

    def _outcome(self, change: Change, indexes: dict[str, int], session: str) -> Outcome:
        if isinstance(change, Deregister):
            return Outcome(change)
        key = self._layout.key(change.new.instance)
        token = Token(key, indexes.get(key, 0), indexes.get(TWINS + key, 0), session)
        return Outcome(change, attrs.evolve(change.new, version=str(token), damaged=""))

    def _fit(self, instance: Instance) -> None:
        """Raise PermanentError for what the layout or Consul cannot hold."""
        self._layout.fit(instance)
        try:
            operations = self._operations(Register(Registration(instance=instance)), "")
        except ValueError as error:
            raise PermanentError(f"{instance.id}: cannot be written: {error}") from error
        if sum(map(weight, operations)) > LARGEST:
            raise PermanentError(f"{instance.id}: is more than Consul takes at once")


def _permanent(change: Change, error: Exception) -> Exception:
    if isinstance(error, SyncerError):
        return error
    return PermanentError(f"{change.id}: cannot be written: {error}")


def _conflict(change: Change, why: str) -> Conflict:
    return Conflict(f"{change.id}: somebody else was first: {why[:200]}")
