"""ZooKeeper as a sink: nodes under one path, in one layout, held by one session.

kazoo keeps the session alive. The pulse does the rest: nodes of an earlier process are held by its
session, which nobody renews, and must be taken over before it expires.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import timedelta
from threading import Event

from syncer import Change, ConfigError, Context, Finding, Instance, Outcome, Registration, View
from syncer.kits.keyvalue import LayoutSink, load_layout
from syncer_zookeeper.examine import examined
from syncer_zookeeper.locks import ZooKeeperLocks
from syncer_zookeeper.nodes.listing import NodeListing, Version, fault
from syncer_zookeeper.nodes.paths import check_path
from syncer_zookeeper.nodes.tree import Tree
from syncer_zookeeper.nodes.writing import Writer
from syncer_zookeeper.options import DEFAULT_PREFIX, ZooKeeperOptions
from syncer_zookeeper.session import Session, exists

GROUP = "syncer_zookeeper.layouts"
#: Bytes of a path and its value; a server closes the connection for requests of 1 MiB.
LARGEST = 1_000_000
#: Room for the mark, in addition to what `adjust` can weigh.
_MARK_ROOM = 8 * 1024
#: Seconds between two checks of the watch whether to stop.
_LOOK = 0.2


class ZooKeeperSink(LayoutSink):
    """Registers in ZooKeeper; see `ZooKeeperOptions`."""

    store = "ZooKeeper"
    largest = LARGEST - _MARK_ROOM

    def __init__(self, options: ZooKeeperOptions, context: Context) -> None:
        prefix = options.prefix or DEFAULT_PREFIX
        layout = load_layout(GROUP, options.layout, prefix, options.layout_options)
        if layout.twins:
            raise ConfigError(f"layout {options.layout}: twin entries are not kept in ZooKeeper")
        self._options = options
        super().__init__(layout, options.unhealthy)
        self.pulse: timedelta | None = options.session / 3
        self._session = Session(options, lambda: self._tree.lost())
        self._tree = Tree(self._session, self._layout.prefix)
        self._listing = NodeListing(self._layout, context.owner)
        self._writer = Writer(self._session, self._layout)
        self.locks: ZooKeeperLocks = ZooKeeperLocks(options)
        self._closed = Event()

    def registrations(self) -> View[Registration]:
        """Return everything under the path."""
        found, hidden = self._tree.read()
        life = self._session.life()

        def wrong(one: Registration) -> str:
            ours = one.mark is not None and one.mark.home in self._homes
            return fault(one, life) if ours else ""

        self._listing.note(found)
        return self._listing.view(wrong, hidden=hidden)

    def apply(self, changes: Collection[Change]) -> Iterator[Outcome]:
        """Make the changes, on the condition that nothing changed meanwhile."""
        yield from self._writer.write(changes, self._tree.folders())

    def renew(self, held: Collection[Registration]) -> Collection[Registration]:
        """Check that our session still holds these; return those that are gone."""
        self._renew_for(held)
        self._session.ask(lambda client: client.sync_async(self._layout.prefix))
        current = self._session.current
        versions = [(one, Version.parse(one.version)) for one in held if one.version]
        doubtful = [(one, version.path) for one, version in versions if version.session != current]
        stats = self._session.gather(exists(path) for _, path in doubtful)
        return [one for (one, _), stat in zip(doubtful, stats, strict=True) if stat is None]

    def watch(self, wake: Callable[[], None], stop: Event) -> None:
        """Wake when something in the last listing changes, or the connection does."""
        wake()
        while not stop.is_set() and not self._closed.is_set():
            if self._tree.changed.wait(_LOOK):
                self._tree.changed.clear()
                if not self._closed.is_set():
                    wake()

    def examine(self) -> Iterable[Finding]:
        """Report on servers, user and rights."""
        return examined(self._session, self._options, self._layout.prefix)

    def close(self) -> None:
        """Close the connections. Nodes stay until the session expires."""
        if self._closed.is_set():
            return
        self._closed.set()
        self.locks.close()
        self._session.close(leave=bool(self._writer.held))

    def _renew_for(self, held: Iterable[Registration]) -> None:
        """Note the homes of all that is to be renewed; new ones are soon listed again."""
        before = self._homes
        super()._renew_for(held)
        if self._homes != before:
            self._tree.changed.set()

    def _weigh(self, instance: Instance) -> int:
        size = super()._weigh(instance)
        check_path(self._layout.key(instance))
        return size
