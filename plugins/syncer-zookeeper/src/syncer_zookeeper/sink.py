"""ZooKeeper as a sink: nodes under one path, in one layout, held by one session.

kazoo keeps the session alive. The pulse sees to what kazoo cannot know: that what an earlier
process left is held by a session which nobody keeps alive, and must be taken over in time.
"""

from collections.abc import Callable, Collection, Iterator
from datetime import timedelta
from threading import Event

import attrs

from syncer import (
    Change,
    ConfigError,
    Context,
    Deregister,
    Instance,
    Outcome,
    PermanentError,
    Reason,
    Register,
    Registration,
    Sink,
    TemporaryError,
    Unhealthy,
    Update,
    View,
    with_status,
)
from syncer.keyvalue import load_layout
from syncer_zookeeper.connection import check_files
from syncer_zookeeper.listing import Listing, Token
from syncer_zookeeper.locks import Locks
from syncer_zookeeper.names import check_path
from syncer_zookeeper.options import DEFAULT_PREFIX, ZooKeeperOptions
from syncer_zookeeper.session import Session, exists
from syncer_zookeeper.tree import Tree
from syncer_zookeeper.writing import Writer

GROUP = "syncer_zookeeper.layouts"
#: Bytes of a path and its value; a server ends the connection over requests of 1 MiB.
LARGEST = 1_000_000
#: Room for the mark, beside what `adjust` can weigh.
_MARK_ROOM = 8 * 1024
#: Seconds between two looks of the watch at whether it is to end.
_LOOK = 0.2


class ZooKeeperSink(Sink):
    """Registers in ZooKeeper; see `ZooKeeperOptions`."""

    locks = True

    def __init__(self, options: ZooKeeperOptions, context: Context) -> None:
        prefix = options.prefix or DEFAULT_PREFIX
        self._layout = load_layout(GROUP, options.layout, prefix, options.layout_options)
        if self._layout.twins:
            raise ConfigError(f"layout {options.layout}: twin entries are not kept in ZooKeeper")
        check_files(options)
        usual = Unhealthy.KEEP if self._layout.tells_status else Unhealthy.DROP
        self._unhealthy = options.unhealthy or usual
        self.pulse: timedelta | None = options.session / 3
        self._session = Session(options, self._connection_changed)
        self._tree = Tree(self._session, self._layout.prefix)
        self._listing = Listing(self._layout, context.owner)
        self._writer = Writer(self._session, self._layout)
        self._locks = Locks(options)
        #: The scopes of what we keep: two hosts may share an owner, but not a session.
        self._scopes: frozenset[str] = frozenset()
        self._closed = Event()

    def registrations(self) -> View[Registration]:
        """Everything under the path."""
        found, hidden = self._tree.read()
        life = self._session.life()
        return self._listing.read(found, hidden=hidden, life=life, scopes=self._scopes)

    def register(self, new: Registration) -> Registration:
        """Write what must not be there yet."""
        return self._one(Register(new))

    def update(self, old: Registration, new: Registration) -> Registration:
        """Replace what must be as it was read, at once, also where it moves to another path."""
        return self._one(Update(old, new))

    def deregister(self, old: Registration) -> None:
        """Remove what must be as it was read."""
        (outcome,) = self.apply([Deregister(old, Reason.NOT_OFFERED)])
        if outcome.error is not None:
            raise outcome.error

    def apply(self, changes: Collection[Change]) -> Iterator[Outcome]:
        """Make the changes, each on the condition that nobody was first."""
        yield from self._writer.write(changes, self._tree.folders())

    def adjust(self, instance: Instance) -> Instance | None:
        """The instance as the layout holds it, without checks; None if it is to be dropped."""
        shown = with_status(instance, self._unhealthy)
        if shown is None:
            return None
        if self._layout.tells_status:
            instance = shown
        if instance.checks:
            names = ", ".join(check.key for check in instance.checks)
            text = f"ZooKeeper runs no checks, and nobody translated these: {names}"
            instance = attrs.evolve(instance, checks=(), problems=(*instance.problems, text))
        self._fit(instance)
        return instance

    def renew(self, held: Collection[Registration]) -> Collection[Registration]:
        """Look whether these are still held by our session; returns those that are gone."""
        self._keep({one.mark.scope for one in held if one.mark})
        self._session.ask(lambda client: client.sync_async(self._layout.prefix))
        current = self._session.current
        tokens = [(one, Token.parse(one.version)) for one in held if one.version]
        doubtful = [(one, token.path) for one, token in tokens if token.session != current]
        stats = self._session.gather(exists(path) for _, path in doubtful)
        return [one for (one, _), stat in zip(doubtful, stats, strict=True) if stat is None]

    def watch(self, wake: Callable[[], None], stop: Event) -> None:
        """Wake when what the last listing saw has changed, or the connection has."""
        wake()
        while not stop.is_set() and not self._closed.is_set():
            if self._tree.changed.wait(_LOOK):
                self._tree.changed.clear()
                if not self._closed.is_set():
                    wake()

    def take_lock(self, name: str, ttl: timedelta) -> bool:
        """Take a lock, or keep it."""
        return self._locks.take(name, ttl)

    def release_lock(self, name: str) -> None:
        """Let go of a lock."""
        self._locks.release(name)

    def close(self) -> None:
        """Let go of the connections. Nodes that are left stay for the rest of the session."""
        if self._closed.is_set():
            return
        self._closed.set()
        self._locks.close()
        self._session.close(leave=bool(self._writer.held))

    def _one(self, change: Register | Update) -> Registration:
        (outcome,) = self.apply([change])
        if outcome.registration is None:
            raise outcome.error or TemporaryError(f"{change.id}: not written")
        return outcome.registration

    def _keep(self, scopes: Collection[str]) -> None:
        """Note the scopes of what is ours to keep; new ones are looked at again, and soon."""
        if not self._scopes.issuperset(scopes):
            self._scopes |= set(scopes)
            self._tree.changed.set()

    def _connection_changed(self) -> None:
        self._tree.lost()

    def _fit(self, instance: Instance) -> None:
        """Raise PermanentError for what the layout or ZooKeeper cannot hold."""
        self._layout.fit(instance)
        try:
            path = self._layout.key(instance)
            value = self._layout.value(Registration(instance=instance))
            size = len(path.encode()) + len(value.encode())
        except ValueError as error:
            raise PermanentError(f"{instance.id}: cannot be written: {error}") from error
        check_path(path)
        if size > LARGEST - _MARK_ROOM:
            raise PermanentError(f"{instance.id}: {size} bytes are more than ZooKeeper takes")
