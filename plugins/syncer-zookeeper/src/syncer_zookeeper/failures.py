"""Errors of kazoo, as syncer's own."""

from kazoo import exceptions
from kazoo.handlers.threading import KazooTimeoutError

from syncer import Conflict, PermanentError, SyncerError, TemporaryError

_REFUSED = {
    exceptions.NoAuthError: "the user may not do this (no authorisation)",
    exceptions.InvalidACLError: "the access list is not accepted; is the user right?",
    exceptions.AuthFailedError: "user and password are not accepted",
    exceptions.BadArgumentsError: "the request is not accepted",
    exceptions.NoChildrenForEphemeralsError: "the node above it belongs to a session, and can hold no other",
    exceptions.UnimplementedError: "the server is too old for this request",
}
#: Subclasses first.
_AWAY = {
    exceptions.ConnectionClosedError: "the connection was closed",
    exceptions.SessionExpiredError: "the session is over",
    exceptions.ConnectionLoss: "the connection broke",
    KazooTimeoutError: "no answer within the deadline",
}
_FIRST = {
    exceptions.NodeExistsError: "it is there already",
    exceptions.BadVersionError: "it was changed",
    exceptions.NoNodeError: "it is gone",
}
#: In the answer to a transaction: another operation failed, not this one.
UNTRIED = (exceptions.RolledBackError, exceptions.RuntimeInconsistency)


def is_first(error: object) -> bool:
    """Whether nothing was changed, because somebody else was first."""
    return type(error) in _FIRST


def translated(error: BaseException, where: str) -> SyncerError:
    """Return the error of a failed request; `where` names the server or node."""
    for kind, words in _FIRST.items():
        if isinstance(error, kind):
            return Conflict(f"{where}: somebody else was first: {words}")
    for kind, words in _REFUSED.items():
        if isinstance(error, kind):
            return PermanentError(f"{where}: {words}")
    for kind, words in _AWAY.items():
        if isinstance(error, kind):
            return TemporaryError(f"{where}: {words}")
    return TemporaryError(f"{where}: {str(error) or type(error).__name__}")
