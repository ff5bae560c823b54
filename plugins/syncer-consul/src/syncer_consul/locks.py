"""Locks: a key of the key-value store, held by a session that whoever has it renews."""

from collections.abc import Mapping
from datetime import timedelta
from threading import Lock
from typing import Any
from urllib.parse import quote

from syncer import Locks
from syncer_consul.http.client import Client
from syncer_consul.sessions import Sessions

#: Where locks stand, outside of what any consumer reads.
PLACE = "syncer-locks/"


class ConsulLocks(Locks):
    """The locks of one sink. Safe in threads."""

    def __init__(self, client: Client, query: Mapping[str, str]) -> None:
        self._client, self._query = client, query
        self._sessions = Sessions(client, query)
        #: The session with which each lock is held or was asked for. It stays when a request
        #: fails: the lock may be ours all the same, and is not to wait for the session's end.
        self._held: dict[str, str] = {}
        self._busy = Lock()

    def take(self, name: str, ttl: timedelta) -> bool:
        """Take or keep a lock for at least `ttl`; return whether it is held."""
        path = f"/v1/kv/{quote(PLACE + name)}"
        with self._busy:
            session = self._held.get(name, "")
            if session and not self._sessions.renew(session):
                del self._held[name]
                session = ""
            holder = self._holder(path)
            if not holder:
                ends = f"{ttl.total_seconds():g}s"
                session = session or self._sessions.make(f"lock {name}", ends, "delete")
                self._held[name] = session
                holder = session if self._acquire(path, session) else ""
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

    def _holder(self, path: str) -> str:
        """The session that has the lock; "" if none has."""
        found: Any = self._client.read(path, self._query).data
        return str(found[0].get("Session") or "") if isinstance(found, list) and found else ""

    def _acquire(self, path: str, session: str) -> bool:
        return self._client.ask(path, None, {**self._query, "acquire": session}).data is True
