"""Consul's sessions: what holds keys, and removes or frees them when nobody renews it."""

from collections.abc import Mapping
from typing import Any

from syncer import TemporaryError
from syncer_consul.http.client import Client, Refused


class Sessions:
    """Sessions of one datacenter. Safe in threads; times are in seconds.

    Consul ends a session between once and twice its length after the last renewal.
    """

    def __init__(self, client: Client, query: Mapping[str, str]) -> None:
        self._client, self._query = client, query

    def make(self, name: str, ttl: str, behavior: str) -> str:
        """A new session; `behavior` says what becomes of its keys: `release` or `delete`."""
        wanted = {
            "Name": name,
            "TTL": ttl,
            "Behavior": behavior,
            "LockDelay": "0s",  # else nobody could take the keys over for 15 s
            "NodeChecks": [],  # the session is syncer's: the node's health does not end it
        }
        answer = self._client.ask("/v1/session/create", wanted, self._query)
        if not isinstance(answer.data, dict) or not answer.data.get("ID"):
            raise TemporaryError("Consul made no session")
        return str(answer.data["ID"])

    def info(self, id_: str) -> Mapping[str, Any]:
        """What Consul says of a session; nothing if it does not live."""
        found = self._client.read(f"/v1/session/info/{id_}", self._query).data
        return found[0] if isinstance(found, list) and found else {}

    def renew(self, id_: str) -> bool:
        """Whether a session lives, and now does so for its whole length again."""
        try:
            self._client.ask(f"/v1/session/renew/{id_}", None, self._query)
        except Refused as error:
            if error.code == 404:
                return False
            raise
        return True

    def destroy(self, id_: str) -> None:
        """End a session; that it has ended is success."""
        self._client.ask(f"/v1/session/destroy/{id_}", None, self._query)
