"""The nodes in ZooKeeper as registrations, and which sessions hold them."""

import attrs

from syncer import Registration
from syncer.kits.keyvalue import Listing
from syncer_zookeeper.nodes.tree import Node
from syncer_zookeeper.session import Life


@attrs.frozen
class Version:
    """A registration's `version`: its path, as of which change, and which session holds it.

    `version` counts the changes of a value. It starts again in a node that is removed and created
    again; `made`, the change that created the node, tells these apart (0: not known). `session`
    is 0 for a node that no session holds.
    """

    path: str
    version: int
    made: int
    session: int

    def __str__(self) -> str:
        return f"{self.version} {self.made} {self.session} {self.path}"

    @classmethod
    def parse(cls, text: str) -> "Version":
        """Return the version that was written so; raises ValueError."""
        version, made, session, path = text.split(" ", 3)
        return cls(path, int(version), int(made), int(session))


class NodeListing(Listing[Node]):
    """A listing of nodes, which have no twins."""

    def _version(self, key: str, entry: Node | None, twin: Node | None) -> str:
        assert entry is not None
        stat = entry.stat
        return str(Version(key, stat.version, stat.czxid, stat.ephemeralOwner))


def fault(found: Registration, life: Life) -> str:
    """Return the fault of the session that holds a node we own; "" if there is none.

    `life` is our session. A node that another session created after ours began is left to it: a
    second syncer registers the same, and the one that began last gets all nodes. An older node is
    held by the session of an earlier process, which nobody renews, and would go with it.
    """
    version = Version.parse(found.version)
    if version.session == life.session or (version.session and version.made > life.began):
        return ""
    return "held by another session" if version.session else "held by no session"
