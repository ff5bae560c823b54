"""Errors of kazoo, as syncer's own."""

from kazoo import exceptions as kazoo
from kazoo.handlers.threading import KazooTimeoutError

from syncer import Conflict, PermanentError, SyncerError, TemporaryError

_REFUSED = {
    kazoo.NoAuthError: "permission denied: the user may not do this",
    kazoo.InvalidACLError: "the access list is not accepted; is the user right?",
    kazoo.AuthFailedError: "user and password are not accepted",
    kazoo.BadArgumentsError: "the request is not accepted",
    kazoo.NoChildrenForEphemeralsError: ("the parent node is ephemeral and cannot have children"),
    kazoo.UnimplementedError: "the server is too old for this request",
    kazoo.SessionClosedRequireSaslError: (
        "the servers require a login: set user and password (digest); SASL is not supported"
    ),
    kazoo.QuotaExceededError: "the quota of a path is used up: see `listquota` in zkCli.sh",
}
#: Subclasses first.
_AWAY = {
    kazoo.ConnectionClosedError: "the connection was closed",
    kazoo.SessionExpiredError: "the session is over",
    kazoo.ConnectionLoss: "the connection broke",
    KazooTimeoutError: "no answer within the deadline",
}
_FIRST = {
    kazoo.NodeExistsError: "somebody else was first: it is there already",
    kazoo.BadVersionError: "somebody else was first: it was changed",
    kazoo.NoNodeError: "somebody else was first: it is gone",
}
#: In the answer to a transaction: another operation failed, not this one.
UNTRIED = (kazoo.RolledBackError, kazoo.RuntimeInconsistency)


def is_first(error: object) -> bool:
    """Whether nothing was changed, because somebody else was first."""
    return type(error) in _FIRST


def translated(error: BaseException, where: str) -> SyncerError:
    """Return the error of a failed request; `where` names the server or node."""
    meanings = ((_FIRST, Conflict), (_REFUSED, PermanentError), (_AWAY, TemporaryError))
    for failures, kind in meanings:
        for failure, words in failures.items():
            if isinstance(error, failure):
                return kind(f"{where}: {words}")
    return TemporaryError(f"{where}: {str(error) or type(error).__name__}")
