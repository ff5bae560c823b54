"""Eureka's REST operations, and the meaning of its status codes in each."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

import attrs

from syncer import PermanentError
from syncer_eureka.servers import Servers


@attrs.frozen
class Place:
    """The key of an instance in Eureka, which writes applications in upper case."""

    app: str
    instance_id: str

    @property
    def path(self) -> str:
        """The path below the server's URL. Raises PermanentError if no path can name it."""
        return f"apps/{_part(self.app)}/{_part(self.instance_id)}"

    def __str__(self) -> str:
        return f"{self.app}/{self.instance_id}"


class Api:
    """The operations. Every method raises TemporaryError when no server answers."""

    def __init__(self, servers: Servers) -> None:
        self._servers = servers

    def apps(self) -> Any:
        """Read everything, from the servers' cache, which may lag behind. 403 is an error."""
        return self._servers.ask("GET", "apps", answers=(200,)).json()

    def instance(self, place: Place) -> Any:
        """Read one instance, past the cache; `None` if there is none."""
        return self._one(place.path)

    def find(self, instance_id: str) -> Any:
        """Read the instance of this id in any application, past the cache; `None` if none."""
        return self._one(f"instances/{_part(instance_id)}")

    def register(self, app: str, body: Mapping[str, Any]) -> None:
        """Write an instance. Eureka may ignore it and still report success: read it back."""
        try:
            content = json.dumps({"instance": body}, allow_nan=False).encode()
        except ValueError as error:
            raise PermanentError(f"{body.get('instanceId')}: cannot be written: {error}") from error
        path = f"apps/{_part(app)}"
        answer = self._servers.ask("POST", path, content, answers=(200, 204, 400))
        if answer.code == 400:
            raise PermanentError(f"Eureka refused {body.get('instanceId')}: {answer.reason()}")

    def heartbeat(self, place: Place, status: str, dirty: int) -> bool:
        """Renew a lease; return false if the server wants the instance registered again."""
        query = urlencode({"status": status, "lastDirtyTimestamp": dirty})
        return self._servers.ask("PUT", f"{place.path}?{query}", answers=(200, 404)).code == 200

    def cancel(self, place: Place) -> None:
        """Remove an instance; one that is not there is success."""
        self._servers.ask("DELETE", place.path, answers=(200, 204, 404))

    def close(self) -> None:
        """Close all connections."""
        self._servers.close()

    def _one(self, path: str) -> Any:
        answer = self._servers.ask("GET", path, answers=(200, 400, 404))
        if answer.code == 400:
            raise PermanentError(f"Eureka cannot be asked for {path}")
        if answer.code == 404:
            return None
        found = answer.json()
        return found.get("instance") if isinstance(found, dict) else None


def _part(text: str) -> str:
    """Return text as a part of a path. Servers refuse a slash or backslash in one."""
    if "/" in text or "\\" in text or text in (".", ".."):
        raise PermanentError(f"Eureka cannot be asked for {text!r}: no path can name it")
    try:
        return quote(text, safe=":@")
    except UnicodeEncodeError:
        raise PermanentError(f"Eureka cannot be asked for {text!r}") from None
