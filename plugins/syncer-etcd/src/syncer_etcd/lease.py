"""The lease that holds all entries of a sink. Ids are hexadecimal, as `etcdctl` shows them."""

import random

from syncer import TemporaryError
from syncer.kits.keyvalue import Holder
from syncer_etcd.client import Client

_LARGEST = 2**63 - 1
#: Seconds that ending an empty lease may take when the sink is closed.
_FAREWELL = 1.0


def new_id() -> str:
    """Return an id for a lease. With one of our own, a request may be repeated."""
    return f"{random.randint(1, _LARGEST):x}"


class Lease(Holder):
    """Grants, finds and renews the lease; `ttl` and `timeout` are in seconds."""

    def __init__(self, client: Client, ttl: float, timeout: float) -> None:
        super().__init__()
        self._client, self._ttl = client, round(ttl)
        # After a pause of a third and two renewals without an answer, the lease still lives.
        self._timeout = min(timeout, ttl / 4)
        #: The id of a lease that was asked for: the answer may have been lost.
        self._asked = ""

    def close(self) -> None:
        """End the lease if it has no entries; otherwise it keeps them for its length."""
        if self._current:
            self._client.revoke_empty(self._current, _FAREWELL)

    def _make(self) -> str:
        self._asked = self._asked or new_id()
        granted = self._client.grant(self._asked, self._ttl)
        made, self._asked = self._asked, ""
        if not granted:
            raise TemporaryError("the lease ran out while it was granted")
        return made

    def _lives(self, id_: str) -> bool:
        return bool(self._client.granted(id_))

    def _fits(self, id_: str) -> bool:
        return self._client.granted(id_) == self._ttl

    def _renew(self, id_: str) -> bool:
        return self._client.keep_alive(id_, self._timeout)
