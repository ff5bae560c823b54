"""Locks: a key of the key-value store, held by a session that its holder renews."""

from datetime import timedelta
from urllib.parse import quote

from syncer.kits.keyvalue import KeyLocks
from syncer_consul.http.endpoints import Consul

#: Where locks are kept, outside of what any consumer reads.
PLACE = "syncer-locks/"


class ConsulLocks(KeyLocks):
    """The locks of one sink."""

    def __init__(self, consul: Consul) -> None:
        super().__init__()
        self._kv, self._session = consul.kv, consul.session

    def _make(self, name: str, ttl: timedelta) -> str:
        return self._session.make(f"lock {name}", f"{ttl.total_seconds():g}s", "delete")

    def _renew(self, id_: str) -> bool:
        return self._session.lives_on(id_)

    def _end(self, id_: str) -> None:
        self._session.destroy(id_)

    def _holder(self, name: str) -> str:
        found = self._kv.get(quote(PLACE + name)).data
        return str(found.get("Session") or "") if found else ""

    def _acquire(self, name: str, id_: str) -> bool:
        return self._kv.put(quote(PLACE + name), None, acquire=id_).data is True
