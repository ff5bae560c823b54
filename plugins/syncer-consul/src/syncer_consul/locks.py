"""Locks: a key of the key-value store, held by a session that its holder renews."""

from datetime import timedelta
from threading import Lock
from urllib.parse import quote

from syncer import Locks
from syncer_consul.http.library import Consul
from syncer_consul.sessions import Sessions

#: Where locks are kept, outside of what any consumer reads.
PLACE = "syncer-locks/"


class ConsulLocks(Locks):
    """The locks of one sink. Safe in threads."""

    def __init__(self, consul: Consul) -> None:
        self._kv, self._sessions = consul.kv, Sessions(consul)
        #: The session with which each lock is held or was asked for. It stays when a request
        #: fails: the lock may be ours all the same, and must not wait for the session's end.
        self._held: dict[str, str] = {}
        self._busy = Lock()

    def take(self, name: str, ttl: timedelta) -> bool:
        """Take or keep a lock for at least `ttl`; return whether it is held."""
        key = quote(PLACE + name)
        with self._busy:
            session = self._held.get(name, "")
            if session and not self._sessions.renew(session):
                del self._held[name]
                session = ""
            holder = self._holder(key)
            if not holder:
                ends = f"{ttl.total_seconds():g}s"
                session = session or self._sessions.make(f"lock {name}", ends, "delete")
                self._held[name] = session
                acquired = self._kv.put(key, None, acquire=session).data is True
                holder = session if acquired else ""
            if session and holder == session:
                return True
            if session:
                self._sessions.destroy(session)
                del self._held[name]
            return False

    def release(self, name: str) -> None:
        """Release a lock, if it is held."""
        with self._busy:
            if session := self._held.pop(name, ""):
                self._sessions.destroy(session)

    def _holder(self, key: str) -> str:
        """Return the session that holds the lock; "" if none does."""
        found = self._kv.get(key).data
        return str(found.get("Session") or "") if found else ""
