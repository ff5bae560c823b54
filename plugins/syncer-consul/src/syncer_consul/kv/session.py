"""The session that holds a sink's keys, and whose end removes them."""

from syncer.kits.keyvalue import Holder
from syncer_consul.http.endpoints import Consul

_DELETE = "delete"


class Session(Holder):
    """Makes, finds and renews the session; `ttl` is in seconds."""

    def __init__(self, consul: Consul, name: str, ttl: float) -> None:
        super().__init__()
        self._session, self._name, self._ttl = consul.session, name, f"{ttl:g}s"

    def _make(self) -> str:
        return self._session.make(self._name, self._ttl, _DELETE)

    def _lives(self, id_: str) -> bool:
        return bool(self._session.info(id_).data)

    def _fits(self, id_: str) -> bool:
        info = self._session.info(id_).data or {}
        return (info.get("TTL"), info.get("Behavior")) == (self._ttl, _DELETE)

    def _renew(self, id_: str) -> bool:
        return self._session.lives_on(id_)
