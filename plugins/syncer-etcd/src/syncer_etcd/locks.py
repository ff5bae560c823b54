"""Locks: a key on a lease of its own, which the holder of the lock renews."""

from datetime import timedelta

from pyetcd import etcdrpc

from syncer import TemporaryError
from syncer.kits.keyvalue import KeyLocks
from syncer_etcd.client import Client, bytes_of, number_of, unchanged
from syncer_etcd.lease import new_id

#: Where locks are kept, outside of what any consumer reads.
PLACE = "/syncer-locks/"
#: The holder of a key that somebody wrote without a lease.
_NOBODY = "nobody"


class EtcdLocks(KeyLocks):
    """The locks of one sink; `timeout` of a renewal is in seconds."""

    def __init__(self, client: Client, timeout: float) -> None:
        super().__init__()
        self._client, self._timeout = client, timeout

    def _make(self, name: str, ttl: timedelta) -> str:
        lease = new_id()
        if not self._client.grant(lease, round(ttl.total_seconds())):
            raise TemporaryError("the lease ran out while it was granted")
        return lease

    def _renew(self, id_: str) -> bool:
        return self._client.keep_alive(id_, self._timeout)

    def _end(self, id_: str) -> None:
        self._client.revoke(id_)

    def _holder(self, name: str) -> str:
        entry = self._client.snapshot([PLACE]).get(PLACE + name)
        return entry.holder or _NOBODY if entry else ""

    def _acquire(self, name: str, id_: str) -> bool:
        key = bytes_of(PLACE + name)
        put = etcdrpc.PutRequest(key=key, lease=number_of(id_))
        success = [etcdrpc.RequestOp(request_put=put)]
        request = etcdrpc.TxnRequest(compare=[unchanged(key, 0)], success=success)
        return bool(self._client.transact(request).succeeded)
