"""What stands in ZooKeeper, understood: registrations, and which sessions hold them."""

from collections.abc import Mapping

import attrs

from syncer import Registration, View
from syncer.kits.keyvalue import Layout, by_id, meaning
from syncer_zookeeper.session import Life
from syncer_zookeeper.tree import Node


@attrs.frozen
class Token:
    """A registration's `version`: where it stands, as of which change, and who holds it.

    `version` counts the changes of a value; it begins anew in a node that is removed and made
    again, which `made` tells, the change that made the node (0: not known). `session` is 0 for
    a node that no session holds.
    """

    path: str
    version: int
    made: int
    session: int

    def __str__(self) -> str:
        return f"{self.version} {self.made} {self.session} {self.path}"

    @classmethod
    def parse(cls, text: str) -> "Token":
        """The token that was written so; raises ValueError."""
        version, made, session, path = text.split(" ", 3)
        return cls(path, int(version), int(made), int(session))

    @classmethod
    def of(cls, path: str, node: Node) -> "Token":
        """The token of a node as it was read."""
        return cls(path, node.stat.version, node.stat.czxid, node.stat.ephemeralOwner)


@attrs.frozen
class _Known:
    node: Node
    registration: Registration | None
    unclear: str = ""


class Listing:
    """Reads listings of one layout; what has not changed is not decoded again."""

    def __init__(self, layout: Layout, owner: str) -> None:
        self._layout, self._owner = layout, owner
        self._known: dict[str, _Known] = {}

    def read(
        self, found: Mapping[str, Node], *, hidden: bool, life: Life, scopes: frozenset[str]
    ) -> View[Registration]:
        """The registrations that these nodes mean.

        `life` is the session that should hold ours, that is our owner's of these scopes.
        """
        self._known = {path: self._understood(path, node) for path, node in found.items()}
        registrations = {
            path: self._held(known.registration, life, scopes)
            for path, known in self._known.items()
            if known.registration is not None
        }
        items = by_id(registrations, self._owner)
        unclear = {known.unclear for known in self._known.values() if known.unclear}
        return View(items.values(), complete=not hidden, unclear=unclear - items.keys())

    def _understood(self, path: str, node: Node) -> _Known:
        before = self._known.get(path)
        if before is not None and before.node is node:
            return before
        try:
            found = meaning(self._layout, path, node.value, None)
        except ValueError:
            return _Known(node, None, self._layout.id_in(path))
        if found is not None:
            found = attrs.evolve(found, version=str(Token.of(path, node)))
        return _Known(node, found)

    def _held(self, found: Registration, life: Life, scopes: frozenset[str]) -> Registration:
        """The registration, with what is wrong about the session that holds it, if it is ours.

        What another session made after ours began is left to it: a second syncer keeps the same,
        and the one that began last has it all. What is older is held by a session that nobody
        keeps alive, since an earlier process had it, and would go when its time is over.
        """
        mark = found.mark
        if mark is None or mark.owner != self._owner or mark.scope not in scopes:
            return found
        token = Token.parse(found.version)
        if token.session == life.session or (token.session and token.made > life.began):
            return found
        text = "held by another session" if token.session else "held by no session"
        return attrs.evolve(found, damaged=found.damaged or text)
