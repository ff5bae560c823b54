"""Eureka's REST operations, and the meaning of its status codes in each."""

import json
from collections.abc import Container, Mapping
from typing import Any
from urllib.parse import quote, urlencode

import attrs

from syncer import PermanentError, TemporaryError
from syncer.kits.http import Failover, Response, TlsFiles
from syncer_eureka.meaning import meaning
from syncer_eureka.options import EurekaOptions
from syncer_eureka.server import Server


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
    """The operations. Every method raises TemporaryError when no server answers.

    The servers are peers, which have each other's entries after a delay: each request goes to the
    last good one, on failure to the next. Safe in threads.
    """

    def __init__(self, options: EurekaOptions) -> None:
        tls = None
        if any(address.tls for address in options.addresses):
            tls = TlsFiles(
                ca_file=options.ca_file,
                client_cert=options.client_cert,
                client_key=options.client_key,
                verify=not options.tls_skip_verify,
            )
        self._failover = Failover([Server(one, options, tls) for one in options.addresses])
        self.servers = self._failover.servers

    def apps(self) -> Any:
        """Read everything, from the servers' cache, which may lag behind. 403 is an error."""
        return self._ask("GET", "apps", answers=(200,)).json()

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
        answer = self._ask("POST", path, content, answers=(200, 204, 400))
        if answer.code == 400:
            raise PermanentError(f"Eureka refused {body.get('instanceId')}: {answer.reason()}")

    def heartbeat(self, place: Place, status: str, dirty: int) -> bool:
        """Renew a lease; return false if the server wants the instance registered again."""
        query = urlencode({"status": status, "lastDirtyTimestamp": dirty})
        return self._ask("PUT", f"{place.path}?{query}", answers=(200, 404)).code == 200

    def cancel(self, place: Place) -> None:
        """Remove an instance; one that is not there is success."""
        self._ask("DELETE", place.path, answers=(200, 204, 404))

    def close(self) -> None:
        """Close all connections."""
        for server in self.servers:
            server.http.close()

    def _ask(
        self, method: str, path: str, body: bytes | None = None, *, answers: Container[int]
    ) -> Response:
        """Return the answer of the first server that gives one of these codes.

        Other codes mean that this server cannot do it now.
        """

        def send(server: Server) -> Response:
            answer = server.send(method, path, body)
            if answer.code not in answers:
                asked = f"{method} {path.partition('?')[0]}"
                said = meaning(method, server, answer)
                raise TemporaryError(f"Eureka at {server.address}: {asked} was answered by {said}")
            return answer

        return self._failover.ask(send)

    def _one(self, path: str) -> Any:
        answer = self._ask("GET", path, answers=(200, 400, 404))
        if answer.code == 400:
            raise PermanentError(f"Eureka cannot be asked for {path}: {answer.reason()}")
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
