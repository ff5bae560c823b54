"""What kazoo raises, in syncer's words."""

from kazoo.exceptions import (
    AuthFailedError,
    BadArgumentsError,
    BadVersionError,
    InvalidACLError,
    NoAuthError,
    NodeExistsError,
    NoNodeError,
    RolledBackError,
    RuntimeInconsistency,
    UnimplementedError,
    ZookeeperError,
)
from kazoo.handlers.threading import KazooTimeoutError

from syncer import Conflict, PermanentError, SyncerError, TemporaryError

_REFUSED = {
    NoAuthError: "the user may not do this (no authorisation)",
    InvalidACLError: "the access list is not accepted; is the user right?",
    AuthFailedError: "user and password are not accepted",
    BadArgumentsError: "the request is not accepted",
    UnimplementedError: "the server is too old for this request",
}
_FIRST = {
    NodeExistsError: "it is there already",
    BadVersionError: "it was changed",
    NoNodeError: "it is gone",
}
#: In the answer to a transaction: this operation did not fail, another did.
UNTRIED = (RolledBackError, RuntimeInconsistency)


def is_first(error: object) -> bool:
    """Whether somebody else was first, so that nothing was changed."""
    return type(error) in _FIRST


def translated(error: BaseException, where: str) -> SyncerError:
    """The error that a failed request stands for; `where` says at which server or node."""
    for kind, words in _FIRST.items():
        if isinstance(error, kind):
            return Conflict(f"{where}: somebody else was first: {words}")
    for kind, words in _REFUSED.items():
        if isinstance(error, kind):
            return PermanentError(f"{where}: {words}")
    if isinstance(error, KazooTimeoutError):
        return TemporaryError(f"{where}: no answer within the deadline")
    name = type(error).__name__
    said = str(error) if isinstance(error, ZookeeperError) else ""
    return TemporaryError(f"{where}: {said or name}")
