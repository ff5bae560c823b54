"""Errors of kazoo, as syncer's own."""

from kazoo.exceptions import (
    AuthFailedError,
    BadArgumentsError,
    BadVersionError,
    ConnectionClosedError,
    ConnectionLoss,
    InvalidACLError,
    NoAuthError,
    NoChildrenForEphemeralsError,
    NodeExistsError,
    NoNodeError,
    RolledBackError,
    RuntimeInconsistency,
    SessionExpiredError,
    UnimplementedError,
)
from kazoo.handlers.threading import KazooTimeoutError

from syncer import Conflict, PermanentError, SyncerError, TemporaryError

_REFUSED = {
    NoAuthError: "the user may not do this (no authorisation)",
    InvalidACLError: "the access list is not accepted; is the user right?",
    AuthFailedError: "user and password are not accepted",
    BadArgumentsError: "the request is not accepted",
    NoChildrenForEphemeralsError: "the node above it belongs to a session, and can hold no other",
    UnimplementedError: "the server is too old for this request",
}
#: Subclasses first.
_AWAY = {
    ConnectionClosedError: "the connection was closed",
    SessionExpiredError: "the session is over",
    ConnectionLoss: "the connection broke",
    KazooTimeoutError: "no answer within the deadline",
}
_FIRST = {
    NodeExistsError: "it is there already",
    BadVersionError: "it was changed",
    NoNodeError: "it is gone",
}
#: In the answer to a transaction: another operation failed, not this one.
UNTRIED = (RolledBackError, RuntimeInconsistency)


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
