"""Checks for `syncer doctor` before registering in ZooKeeper: servers, user, rights at the path.

ZooKeeper accepts any user and password, and cannot be asked about rights. So the right to write is
tested by a transaction that cannot succeed: the server judges each part of it, and does none.
"""

from collections.abc import Iterator
from typing import Any

import attrs
from kazoo.exceptions import NoAuthError, NoNodeError

from syncer import Finding, Level, PermanentError, SyncerError, one_line
from syncer_zookeeper.nodes.paths import parent
from syncer_zookeeper.options import ZooKeeperOptions, parse_server
from syncer_zookeeper.server import Server
from syncer_zookeeper.session import Ask, Session, exists

#: A node that does not exist; no request that names it succeeds.
_NOBODY = "syncer-doctor-asks"
#: A version that no node reaches: to check for it makes a transaction fail.
_IMPOSSIBLE = 2**31 - 1


def examined(session: Session, options: ZooKeeperOptions, base: str) -> Iterator[Finding]:
    """Report the state of the servers, and the user's rights under `base`; nothing is written."""
    tls, timeout = session.tls, options.timeout.total_seconds()
    servers = [
        Server(host=host, port=port, timeout=timeout, tls=tls.context() if tls else None).look()
        for host, port in map(parse_server, options.servers)
    ]
    try:
        about_rights = list(_rights(session, options, base))
    except SyncerError as error:
        yield from servers
        if not any(one.level is Level.PROBLEM for one in servers):
            yield Finding(Level.PROBLEM, one_line(error), _advice(error))
        return
    # There is a session: problems of single servers do not matter for it.
    for one in servers:
        yield attrs.evolve(one, level=Level.WARNING) if one.level is Level.PROBLEM else one
    yield from about_rights


def _rights(session: Session, options: ZooKeeperOptions, base: str) -> Iterator[Finding]:
    """Report the user's rights at the path, or at the lowest node above it that exists."""
    place = base
    while not _is_there(session, place) and place != "/":
        place = parent(place)
    if place != base:
        yield Finding(Level.OK, f"{base} does not exist yet: it is created with the first entry")
    advice = _how_to_be_let(options, place)
    (children,) = session.gather([lambda client: client.get_children_async(place)])
    reads = not isinstance(children, NoAuthError)
    if not reads:
        text = f"nodes under {place} may not be read: nothing is removed while a list is incomplete"
        yield Finding(Level.WARNING, text, advice)
    writes = not _is_refused(session.gather([_doomed(session, place)])[0])
    if not writes:
        text = f"nodes under {place} may not be created and removed"
        yield Finding(Level.WARNING, text, advice)
    if reads and writes:
        yield Finding(Level.OK, f"nodes under {place} may be read, created and removed")


def _is_there(session: Session, place: str) -> bool:
    """Whether a node exists. Newer servers tell that only to those who may read it."""
    (answer,) = session.gather([exists(place)])
    if isinstance(answer, NoAuthError):
        return True
    if isinstance(answer, NoNodeError):
        return False
    if isinstance(answer, BaseException):
        raise session.error(answer)
    return answer is not None


def _how_to_be_let(options: ZooKeeperOptions, place: str) -> str:
    rights = f"rights to read, create and delete at {place}: see `getAcl {place}` in zkCli.sh"
    if options.credentials:
        return f"check user and password, since ZooKeeper accepts wrong ones; they need {rights}"
    return f"set user and password; they need {rights}"


def _doomed(session: Session, place: str) -> Ask:
    """Return a transaction that would create and remove a node, and fails in its last part."""
    path = f"{place.rstrip('/')}/{_NOBODY}"

    def commit(client: Any) -> Any:
        request = client.transaction()
        request.create(path, b"", session.acl, True)
        request.delete(path)
        request.check("/", _IMPOSSIBLE)
        return request.commit_async()

    return commit


def _is_refused(answer: Any) -> bool:
    """Whether creating or removing was refused for lack of rights, not the check that follows."""
    parts = answer[:2] if isinstance(answer, list) else [answer]
    return any(isinstance(part, NoAuthError) for part in parts)


def _advice(error: SyncerError) -> str:
    if isinstance(error, PermanentError):
        return "check user and password, and whether the servers know this kind of user"
    return "check that the ensemble has a leader, and that `tls` fits the port"
