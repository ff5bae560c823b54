"""Locks: a node for each, held by one session whose length is that of the locks."""

from datetime import timedelta
from threading import Lock

import attrs
from kazoo.exceptions import NodeExistsError, NoNodeError

from syncer import Locks
from syncer_zookeeper.nodes.folders import make_folders
from syncer_zookeeper.nodes.paths import node_name
from syncer_zookeeper.options import ZooKeeperOptions
from syncer_zookeeper.session import Session, exists

#: Where locks are kept, outside of what any consumer reads.
PLACE = "/syncer-locks"


class ZooKeeperLocks(Locks):
    """The locks of one sink. Safe in threads."""

    def __init__(self, options: ZooKeeperOptions) -> None:
        self._options = options
        self._session: Session | None = None
        self._busy = Lock()

    def take(self, name: str, ttl: timedelta) -> bool:
        """Take or keep a lock; return whether it is held. The first `ttl` counts for all locks."""
        path = f"{PLACE}/{node_name(name)}"
        with self._busy:
            if self._session is None:
                options = attrs.evolve(self._options, session=ttl)
                self._session = Session(options, lambda: None)
            session = self._session
            stat = session.ask(exists(path))
            if stat is not None:
                return bool(stat.ephemeralOwner == session.current)
            return _made(session, path)

    def release(self, name: str) -> None:
        """Release a lock, if it is held."""
        path = f"{PLACE}/{node_name(name)}"
        with self._busy:
            session = self._session
            if session is None:
                return
            stat = session.ask(exists(path))
            if stat is not None and stat.ephemeralOwner == session.current:
                session.ask(lambda client: client.delete_async(path, stat.version))

    def close(self) -> None:
        """Release all locks."""
        if self._session is not None:
            self._session.close(leave=False)


def _made(session: Session, path: str) -> bool:
    """Create the lock's node; return whether it was free."""
    for error in make_folders(session, [PLACE], ()).values():
        raise error
    (answer,) = session.gather([lambda client: client.create_async(path, b"", session.acl, True)])
    if isinstance(answer, NodeExistsError | NoNodeError):
        return False
    if isinstance(answer, BaseException):
        raise session.error(answer)
    return True
