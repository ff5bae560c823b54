"""Requests to an etcd cluster, each within a deadline, to the members that answer.

Of `pyetcd` only the generated API is used, not its client. That client logs in once and never
again, though a token lives for minutes. It skips a member that failed for five minutes, and with
all members skipped refuses to ask any. It repeats nothing at the next member, lets errors of grpc
through, and watches without noticing that the token or the connection is dead.
"""

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from functools import partial
from queue import Queue
from threading import Lock
from typing import Any

import grpc
from pyetcd import etcdrpc

from syncer import TemporaryError
from syncer.kits.keyvalue import Entry
from syncer_etcd.failures import AlreadyThere, Kind, LeaseGone, kind_of, translated
from syncer_etcd.members import Member, Members
from syncer_etcd.options import EtcdOptions

Metadata = tuple[tuple[str, str], ...]
#: Entries in one page of a listing.
PAGE = 1000
#: The shortest deadline of one member, in seconds, however many there are.
_LEAST = 0.5
#: Makes a member that has lost its cluster refuse instead of wait.
_HAS_LEADER = ("hasleader", "true")


class Client:
    """All requests of a sink. Safe in threads."""

    def __init__(self, options: EtcdOptions) -> None:
        self._timeout = options.timeout.total_seconds()
        self._members = Members(options)
        self._user, self._password = options.credentials
        self._token, self._login = "", Lock()

    def __repr__(self) -> str:
        return f"Client({self._members.addresses})"

    def snapshot(self, prefixes: Sequence[str]) -> dict[str, Entry]:
        """Return the entries under these prefixes by key, all as of one revision."""
        revision, found = 0, {}
        for prefix in prefixes:
            for page in self._pages(prefix, revision):
                revision = revision or page.header.revision
                for kv in page.kvs:
                    entry = _entry(kv)
                    found[entry.key] = entry
        return found

    def entries(self, keys: Collection[str]) -> dict[str, Entry]:
        """Return those of these keys that exist, all as of one revision; few keys."""
        asked = [etcdrpc.RangeRequest(key=bytes_of(key)) for key in keys]
        operations = [etcdrpc.RequestOp(request_range=one) for one in asked]
        answer = self.transact(etcdrpc.TxnRequest(success=operations))
        found = (kv for one in answer.responses for kv in one.response_range.kvs)
        return {entry.key: entry for entry in map(_entry, found)}

    def _pages(self, prefix: str, revision: int) -> Iterator[Any]:
        first, end = bytes_of(prefix), end_of(prefix)
        while True:
            # In the order of keys: asked to sort, etcd would read all of them for each page.
            request = etcdrpc.RangeRequest(key=first, range_end=end, limit=PAGE, revision=revision)
            page = self._ask(lambda member: member.kv.Range, request)
            yield page
            if not page.more:
                return
            revision = revision or page.header.revision
            first = page.kvs[-1].key + b"\0"

    def transact(self, request: Any) -> Any:
        """Return a transaction's answer. Raises LeaseGone if it puts something on a dead lease."""
        return self._ask(lambda member: member.kv.Txn, request)

    def grant(self, id_: str, ttl: int) -> int:
        """Make a lease of this id; return its length in etcd, in seconds.

        It may be repeated: a lease that an earlier attempt made is found, if its answer was lost.
        """
        request = etcdrpc.LeaseGrantRequest(TTL=ttl, ID=number_of(id_))
        try:
            answer = self._ask(lambda member: member.lease.LeaseGrant, request)
        except AlreadyThere:
            return self.granted(id_)
        return int(answer.TTL)

    def granted(self, id_: str) -> int:
        """Return the length of a living lease when it was granted, in seconds; 0 if it is dead."""
        request = etcdrpc.LeaseTimeToLiveRequest(ID=number_of(id_))
        answer = self._ask(lambda member: member.lease.LeaseTimeToLive, request)
        return int(answer.grantedTTL) if answer.TTL > 0 else 0

    def keep_alive(self, id_: str, timeout: float) -> bool:
        """Renew a lease for its whole length; return whether it lives."""
        request = etcdrpc.LeaseKeepAliveRequest(ID=number_of(id_))
        try:
            answer = self._ask(
                lambda member: partial(_first, member.lease.LeaseKeepAlive), request, timeout
            )
        except LeaseGone:
            return False
        return bool(answer.TTL > 0)

    def revoke(self, id_: str, timeout: float | None = None) -> None:
        """End a lease and remove its entries; one that has ended is success."""
        request = etcdrpc.LeaseRevokeRequest(ID=number_of(id_))
        with suppress(LeaseGone):
            self._ask(lambda member: member.lease.LeaseRevoke, request, timeout)

    def revoke_empty(self, id_: str, timeout: float) -> None:
        """End a lease, if it has no entries."""
        request = etcdrpc.LeaseTimeToLiveRequest(ID=number_of(id_), keys=True)
        answer = self._ask(lambda member: member.lease.LeaseTimeToLive, request, timeout)
        if answer.TTL > 0 and not answer.keys:
            self.revoke(id_, timeout)

    def watch(self, requests: Iterator[Any]) -> tuple[Any, Callable[[Exception], None]]:
        """Return a stream of watch answers, and a function to call with its error."""
        member = self._members.current()

        def broken(error: Exception) -> None:
            code, text = _said(error)
            if kind_of(code, text) is Kind.AWAY:
                self._members.failed(member)
            raise translated(code, text, member.address) from error

        try:
            metadata = self._metadata(member, self._timeout)
            return member.watch.Watch(requests, metadata=metadata), broken
        except (grpc.RpcError, ValueError) as error:
            broken(error)
            raise

    def alarms(self) -> frozenset[str]:
        """Return the names of the alarms that any member has raised."""
        answer = self._ask(lambda member: member.maintenance.Alarm, etcdrpc.AlarmRequest())
        return frozenset(etcdrpc.AlarmType.Name(one.alarm) for one in answer.alarms)

    def forget_token(self) -> None:
        """Log in again before the next request."""
        self._token = ""

    def close(self) -> None:
        """Close all connections, which ends a watch."""
        self._members.close()

    def _ask(
        self, method: Callable[[Member], Any], request: Any, timeout: float | None = None
    ) -> Any:
        """Ask the member that answered last, then each of the others, within one deadline."""
        end = time.monotonic() + (timeout or self._timeout)
        left, renewed = len(self._members), False
        while True:
            member = self._members.current()
            share = max((end - time.monotonic()) / left, _LEAST)
            used = self._token
            try:
                metadata = self._metadata(member, share)
                return method(member)(request, timeout=share, metadata=metadata)
            except (grpc.RpcError, ValueError) as error:
                code, text = _said(error)
                kind = kind_of(code, text)
                if kind is Kind.TOKEN and self._user and not renewed:
                    renewed = True
                    if self._token == used:
                        self.forget_token()
                    continue
                if kind is Kind.AWAY:
                    self._members.failed(member)
                    left -= 1
                    if left and time.monotonic() < end:
                        continue
                    text = "; ".join(filter(None, [text, self._members.problem]))
                raise translated(code, text, member.address) from error

    def _metadata(self, member: Member, timeout: float) -> Metadata:
        if not self._user:
            return (_HAS_LEADER,)
        with self._login:
            token = self._token = self._token or self._authenticate(member, timeout)
        return (_HAS_LEADER, ("token", token)) if token else (_HAS_LEADER,)

    def _authenticate(self, member: Member, timeout: float) -> str:
        request = etcdrpc.AuthenticateRequest(name=self._user, password=self._password)
        try:
            answer = member.auth.Authenticate(request, timeout=timeout, metadata=(_HAS_LEADER,))
        except grpc.RpcError as error:
            if "authentication is not enabled" in _said(error)[1]:
                return ""
            raise
        return str(answer.token)


def _first(method: Any, request: Any, **how: Any) -> Any:
    """Return the first answer of a stream, which stays open until then.

    A proxy such as `etcd grpc-proxy` drops the request of one that its client has ended.
    """
    requests: Queue[Any] = Queue()
    requests.put(request)
    call = method(iter(requests.get, None), **how)
    try:
        if (answer := next(call, None)) is None:
            raise TemporaryError("etcd ended the stream without an answer")
        return answer
    finally:
        requests.put(None)
        call.cancel()


def _said(error: Exception) -> tuple[Any, str]:
    """Return code and text of a failed request. For a closed channel grpc raises ValueError."""
    if isinstance(error, ValueError):
        if "closed channel" not in str(error):
            raise error
        raise TemporaryError("the connection to etcd was closed") from error
    said: Any = error
    return said.code(), said.details() or ""


def _entry(kv: Any) -> Entry:
    lease = f"{kv.lease:x}" if kv.lease else ""
    return Entry(text_of(kv.key), kv.value, kv.mod_revision, lease)


def number_of(lease: str) -> int:
    """Return the number of a lease; 0 for none."""
    return int(lease or "0", 16)


def unchanged(key: bytes, revision: int) -> Any:
    """Return the condition that a key has this revision: 0 if it does not exist."""
    compare = etcdrpc.Compare
    return compare(key=key, target=compare.MOD, result=compare.EQUAL, mod_revision=revision)


def bytes_of(key: str) -> bytes:
    """Return a key in etcd's form."""
    return key.encode("utf-8", "surrogateescape")


def text_of(key: bytes) -> str:
    """Return a key as text; what is not UTF-8 survives the way back."""
    return key.decode("utf-8", "surrogateescape")


def end_of(prefix: str) -> bytes:
    """Return the end of the range of all keys with the prefix, which ends with a slash."""
    raw = bytes_of(prefix)
    return raw[:-1] + bytes([raw[-1] + 1])
