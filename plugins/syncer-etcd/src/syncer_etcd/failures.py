"""Errors of requests, as syncer's own."""

from enum import Enum
from typing import Any

import grpc

from syncer import PermanentError, SyncerError, TemporaryError

_CODE = grpc.StatusCode
_AWAY = frozenset({_CODE.UNAVAILABLE, _CODE.DEADLINE_EXCEEDED, _CODE.INTERNAL, _CODE.UNKNOWN})
_REFUSED = frozenset(
    {
        *(_CODE.INVALID_ARGUMENT, _CODE.FAILED_PRECONDITION, _CODE.PERMISSION_DENIED),
        *(_CODE.UNAUTHENTICATED, _CODE.UNIMPLEMENTED, _CODE.NOT_FOUND, _CODE.ALREADY_EXISTS),
    }
)
#: A token has expired, belongs to another server, or was issued before rights changed.
_TOKEN = ("invalid auth token", "auth store is old", "user name is empty", "auth token is not")
_WORDS = {
    "user name is empty": "etcd requires a user, and none is configured",
    "permission denied": "permission denied: the user may not do this",
    "database space exceeded": "etcd has no space left (an operator must compact and defragment)",
    "request is too large": "the entry is larger than etcd takes in one request",
}


class Kind(Enum):
    """The reaction to a failed request."""

    #: Ask the next member.
    AWAY = "away"
    #: Log in again, and repeat.
    TOKEN = "token"
    #: The lease is gone: take another.
    LEASE = "lease"
    REFUSED = "refused"
    OTHER = "other"


class LeaseGone(TemporaryError):
    """The lease has expired, or was revoked."""


class NotLetIn(PermanentError):
    """User and password are not accepted, nor will they be for any other request."""


class AlreadyThere(PermanentError):
    """A lease with this id exists."""


def kind_of(code: Any, text: str) -> Kind:
    """Return what to do after an error with this code and text."""
    if any(words in text for words in _TOKEN):
        return Kind.TOKEN
    if "requested lease not found" in text:
        return Kind.LEASE
    if code in _AWAY:
        return Kind.AWAY
    return Kind.REFUSED if code in _REFUSED else Kind.OTHER


def translated(code: Any, text: str, where: str) -> SyncerError:
    """Return the error of a failed request to this member."""
    kind = kind_of(code, text)
    plainer = [words for etcds, words in _WORDS.items() if etcds in text]
    said = plainer[0] if plainer else text.removeprefix("etcdserver: ")
    said = said or (code.name.lower() if code else "no reason given")
    if code is _CODE.DEADLINE_EXCEEDED and "etcdserver" not in text:
        said = "no answer within the deadline"
    elif code is _CODE.UNAVAILABLE and "etcdserver" not in text:
        said = f"cannot be reached ({said})"
    meaning: type[SyncerError] = TemporaryError
    if kind is Kind.LEASE:
        meaning = LeaseGone
    elif kind is Kind.TOKEN or "authentication failed" in text:
        meaning = NotLetIn
    elif "lease already exists" in text:
        meaning = AlreadyThere
    elif kind is Kind.REFUSED or "message larger than max" in text:
        meaning = PermanentError
    return meaning(f"etcd at {where}: {said}")
