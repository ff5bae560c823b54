"""The nodes under a path, read in full once, then only those that changed.

ZooKeeper has no request for many nodes: each is read by itself, many at the same time. With each
answer comes a promise (a watch) to report the next change of that node. So a second listing reads
only what has changed, and the watches wake the sink. Everything is read again when the connection
was lost, since promises are lost with it, and now and then all the same.
"""

from collections.abc import Callable, Iterable
from threading import Event, Lock
from typing import Any

import attrs
from kazoo.exceptions import NoAuthError, NoNodeError

from syncer_zookeeper.session import Ask, Session, exists

#: One listing in so many reads everything, whatever was promised.
WHOLE = 50


@attrs.frozen(eq=False)
class Node:
    """A node with its value. Compared by identity: an unchanged node is the same object."""

    value: bytes
    stat: Any


@attrs.define
class _Known:
    """A known node; `names` are its children's, `None` if they were not read."""

    node: Node
    names: tuple[str, ...] | None = None


class Tree:
    """The nodes under one path. `read` is for one thread; kazoo's thread sets `changed`."""

    def __init__(self, session: Session, base: str) -> None:
        self._session, self._base = session, base
        self._known: dict[str, _Known] = {}
        self._stale: set[str] = set()
        self._all_stale, self._lock = False, Lock()
        self._readings = 0
        #: Set when something may have changed; the waiting thread clears it.
        self.changed = Event()

    def folders(self) -> set[str]:
        """Return the nodes of the last listing that can have children."""
        return {path for path, known in self._known.items() if known.names is not None}

    def read(self) -> tuple[dict[str, Node], bool]:
        """Return the entries under the path by their own, and whether ACLs hide some.

        Without nodes that only have children. Raises TemporaryError if there is no answer.
        """
        self._session.ask(lambda client: client.sync_async(self._base))
        self._session.life()
        self._forget()
        found: dict[str, Node] = {}
        hidden, level = False, [self._base]
        seen: dict[str, _Known] = {}
        while level:
            hidden |= self._load(level)
            known = {path: self._known[path] for path in level if path in self._known}
            seen |= known
            found |= {path: one.node for path, one in known.items() if _is_entry(one)}
            level = [f"{path}/{name}" for path, one in known.items() for name in one.names or ()]
        self._known = seen
        found.pop(self._base, None)
        return found, hidden

    def lost(self) -> None:
        """Note that a connection or session was lost, or is new: everything may have changed."""
        with self._lock:
            self._all_stale = True
        self.changed.set()

    def _forget(self) -> None:
        """Forget changed nodes before they are read: later changes are noted again."""
        self._readings += 1
        with self._lock:
            stale, self._stale = self._stale, set()
            everything, self._all_stale = self._all_stale, False
        if everything or self._readings % WHOLE == 0:
            self._known.clear()
        for path in stale:
            self._known.pop(path, None)

    def _load(self, paths: Iterable[str]) -> bool:
        """Read those of these nodes that are not known; return whether some may not be read."""
        wanted = [path for path in paths if path not in self._known]
        hidden = False
        for path, answer in self._asked(wanted, _get):
            if answer is None:
                hidden = True
            else:
                self._known[path] = _Known(Node(answer[0] or b"", answer[1]))
        # Ephemeral nodes have no children.
        lasting = [
            path
            for path in paths
            if (one := self._known.get(path))
            and one.names is None
            and not one.node.stat.ephemeralOwner
        ]
        for path, answer in self._asked(lasting, _children):
            if answer is None:
                hidden = True
            else:
                self._known[path].names = tuple(answer)
        return hidden

    def _asked(self, paths: list[str], ask: Callable[[str, Any], Ask]) -> Iterable[tuple[str, Any]]:
        """Yield the answers for these nodes: `None` if ACLs forbid it, nothing if it is gone."""
        answers = self._session.gather(ask(path, self._told) for path in paths)
        for path, answer in zip(paths, answers, strict=True):
            if isinstance(answer, NoNodeError):
                # If the base is missing: ask to be told when it appears.
                if path == self._base and self._session.ask(exists(path, self._told)):
                    self.changed.set()
            elif isinstance(answer, NoAuthError):
                yield path, None
            elif isinstance(answer, BaseException):
                raise self._session.error(answer)
            else:
                yield path, answer

    def _told(self, event: Any) -> None:
        if not event.path:
            self.lost()
            return
        with self._lock:
            self._stale.add(event.path)
        self.changed.set()


def _is_entry(known: _Known) -> bool:
    """Whether it is more than a node above others, now or formerly."""
    return not known.names and bool(known.node.value or known.node.stat.ephemeralOwner)


def _get(path: str, told: Callable[[Any], None]) -> Ask:
    return lambda client: client.get_async(path, told)


def _children(path: str, told: Callable[[Any], None]) -> Ask:
    return lambda client: client.get_children_async(path, told)
