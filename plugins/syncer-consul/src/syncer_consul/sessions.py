"""Consul's sessions: they hold keys, and remove or free them when nobody renews them."""

from collections.abc import Mapping
from typing import Any

from syncer.kits.http import Refused
from syncer_consul.http.library import Consul


class Sessions:
    """Sessions of one datacenter. Safe in threads; times are in seconds.

    Consul ends a session between once and twice its length after the last renewal.
    """

    def __init__(self, consul: Consul) -> None:
        self._session = consul.session

    def make(self, name: str, ttl: str, behavior: str) -> str:
        """Make a session. `behavior` is the fate of its keys: `release` or `delete`."""
        return str(self._session.create_free(name, ttl, behavior).data)

    def info(self, id_: str) -> Mapping[str, Any]:
        """Return what Consul says of a session; nothing if it is dead."""
        return self._session.info(id_).data or {}

    def renew(self, id_: str) -> bool:
        """Whether a session lives, and now does so for its whole length again."""
        try:
            self._session.renew(id_)
        except Refused as error:
            if error.code == 404:
                return False
            raise
        return True

    def destroy(self, id_: str) -> None:
        """End a session; one that has ended is success."""
        self._session.destroy(id_)
