"""The session that holds a sink's keys, and whose end removes them.

One for each sink and owner, found again after a restart by the keys that it holds.
"""

from collections.abc import Collection, Mapping
from threading import Lock
from typing import Any

from syncer import TemporaryError
from syncer_consul.client import Client, Refused

_DELETE = "delete"


class Session:
    """Makes, finds and renews the session. Safe in threads. `ttl` is in seconds."""

    def __init__(self, client: Client, name: str, ttl: float, query: Mapping[str, str]) -> None:
        self._client, self._name, self._query = client, name, query
        self._ttl = f"{ttl:g}s"
        self._lock = Lock()
        self.current = ""

    def obtain(self, candidates: Mapping[str, int]) -> str:
        """The session to hold keys with: the one there is, one that is found, or a new one.

        `candidates` says how many keys of ours each session holds.
        """
        with self._lock:
            return self.current or self._found(candidates) or self._make()

    def find(self, candidates: Mapping[str, int]) -> None:
        """Take on the session of an earlier process, if there is none yet."""
        with self._lock:
            if not self.current:
                self._found(candidates)

    def renew(self, sessions: Collection[str]) -> Collection[str]:
        """Keep these and the own one alive; returns those that are dead."""
        dead = [id_ for id_ in {*sessions, self.current} - {""} if not self._renew(id_)]
        for id_ in dead:
            self.lost(id_)
        return dead

    def lost(self, id_: str) -> None:
        """The session is dead: the next write gets another."""
        with self._lock:
            if self.current == id_:
                self.current = ""

    def _renew(self, id_: str) -> bool:
        try:
            self._client.ask(f"/v1/session/renew/{id_}", None, self._query)
        except Refused as error:
            if error.code == 404:
                return False
            raise
        return True

    def _found(self, candidates: Mapping[str, int]) -> str:
        """The session with most keys, if it lives and is as it should be."""
        living = {id_: count for id_, count in candidates.items() if id_}
        if living:
            best = min(living, key=lambda id_: (-living[id_], id_))
            if self._fits(self._client.read(f"/v1/session/info/{best}", self._query).data):
                self.current = best
        return self.current

    def _fits(self, found: Any) -> bool:
        info = found[0] if isinstance(found, list) and found else {}
        return (info.get("TTL"), info.get("Behavior")) == (self._ttl, _DELETE)

    def _make(self) -> str:
        wanted = {
            "Name": self._name,
            "TTL": self._ttl,
            "Behavior": _DELETE,
            "LockDelay": "0s",  # else nobody could take the keys over for 15 s
            "NodeChecks": [],  # the session is syncer's, not the node's
        }
        answer = self._client.ask("/v1/session/create", wanted, self._query)
        if not isinstance(answer.data, dict) or not answer.data.get("ID"):
            raise TemporaryError("Consul made no session")
        self.current = str(answer.data["ID"])
        return self.current
