"""Locks: a key on a lease of its own, which whoever has it keeps alive."""

import random
from datetime import timedelta
from threading import Lock

from pyetcd import etcdrpc

from syncer import Locks, TemporaryError
from syncer_etcd.client import Client, bytes_of

#: Where locks stand, outside of what any consumer reads.
PLACE = "/syncer-locks/"
_LARGEST = 2**63 - 1


class EtcdLocks(Locks):
    """The locks of one sink. Safe in threads."""

    def __init__(self, client: Client, timeout: float) -> None:
        self._client, self._timeout = client, timeout
        #: The lease with which each lock is held or was asked for. It stays when a request fails:
        #: the lock may be ours all the same, and is not to wait for the lease's end.
        self._held: dict[str, int] = {}
        self._busy = Lock()

    def take(self, name: str, ttl: timedelta) -> bool:
        """Take or keep a lock for at least `ttl`; return whether it is held."""
        with self._busy:
            lease = self._held.get(name, 0)
            if lease and not self._client.keep_alive(lease, self._timeout):
                del self._held[name]
                lease = 0
            holder = self._holder(name)
            if holder is None:
                lease = lease or self._grant(ttl)
                self._held[name] = lease
                holder = lease if self._create(name, lease) else 0
            if lease and holder == lease:
                return True
            if lease:
                self._client.revoke(lease)
                del self._held[name]
            return False

    def release(self, name: str) -> None:
        """Release a lock, if it is held."""
        with self._busy:
            if lease := self._held.pop(name, 0):
                self._client.revoke(lease)

    def _holder(self, name: str) -> int | None:
        """The lease that the lock's key hangs on; None if nobody has the lock."""
        (found,), _ = self._client.snapshot([PLACE])
        entry = found.get(PLACE + name)
        return entry.lease if entry else None

    def _grant(self, ttl: timedelta) -> int:
        lease = random.randint(1, _LARGEST)
        if not self._client.grant(lease, round(ttl.total_seconds())):
            raise TemporaryError("the lease ran out while it was granted")
        return lease

    def _create(self, name: str, lease: int) -> bool:
        """Write the lock's key if there is none; whether that was so."""
        key, compare = bytes_of(PLACE + name), etcdrpc.Compare
        absent = compare(key=key, target=compare.CREATE, result=compare.EQUAL, create_revision=0)
        put = etcdrpc.RequestOp(request_put=etcdrpc.PutRequest(key=key, lease=lease))
        request = etcdrpc.TxnRequest(compare=[absent], success=[put])
        return bool(self._client.transact(request).succeeded)
