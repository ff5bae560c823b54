"""The nodes above entries: created when they are missing, and left when they are empty.

They are persistent nodes: ephemeral ones can have no children. Consumers watch them, and another
program may be about to write there, so they are never removed.
"""

from collections.abc import Collection

from kazoo.exceptions import NodeExistsError

from syncer_zookeeper.failures import translated
from syncer_zookeeper.nodes.paths import parent
from syncer_zookeeper.session import Ask, Session, exists


def make_folders(
    session: Session, wanted: Collection[str], known: Collection[str]
) -> dict[str, Exception]:
    """Create the paths that do not exist; return those that could not be created, and why.

    They are looked up first: creating an existing node may be forbidden by the node above it.
    Raises TemporaryError if there is no answer to that.
    """
    paths = sorted({step for path in wanted if path not in known for step in _way(path)})
    answers = session.gather(exists(path) for path in paths)
    for answer in answers:
        if isinstance(answer, BaseException):
            raise session.error(answer)
    missing = [path for path, stat in zip(paths, answers, strict=True) if stat is None]
    # From the root down, since a path sorts before those below it.
    made = session.gather(_creation(path, session) for path in missing)
    refused: dict[str, Exception] = {}
    for path, answer in zip(missing, made, strict=True):
        if parent(path) in refused:
            refused[path] = refused[parent(path)]
        elif isinstance(answer, BaseException) and not isinstance(answer, NodeExistsError):
            refused[path] = translated(answer, path)
    return refused


def _creation(path: str, session: Session) -> Ask:
    return lambda client: client.create_async(path, b"", session.acl)


def _way(path: str) -> list[str]:
    """Return the path and all paths above it, except the root."""
    found = []
    while path != "/":
        found.append(path)
        path = parent(path)
    return found
