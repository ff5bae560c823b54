"""Several Eureka servers, peers of each other: one is used until it fails, then the next.

Peers copy from each other with a delay, so that changing between them shows old states: the last
good one is kept.
"""

import base64
from collections.abc import Container, Sequence
from threading import Lock

from syncer import TemporaryError
from syncer_eureka.http import Answer, Server, tls_context
from syncer_eureka.options import EurekaOptions

#: Servers that one call asks at most: each may take the whole deadline.
TRIES = 3


class Servers:
    """Sends each request to the last good server, on failure to the next. Safe for threads."""

    def __init__(self, options: EurekaOptions) -> None:
        tls = tls_context(options) if any(one.tls for one in options.addresses) else None
        self._servers = [
            Server(
                address,
                timeout=options.timeout.total_seconds(),
                connections=options.connections,
                headers=_headers(options),
                tls=tls if address.tls else None,
            )
            for address in options.addresses
        ]
        self._good = 0
        self._lock = Lock()

    @property
    def each(self) -> Sequence[Server]:
        """All of them, for who asks each."""
        return tuple(self._servers)

    @property
    def opened(self) -> int:
        """How many connections were opened so far, to all servers."""
        return sum(server.opened for server in self._servers)

    def ask(
        self, method: str, path: str, body: bytes | None = None, *, answers: Container[int]
    ) -> Answer:
        """The answer of the first server that gives one of these codes.

        Other codes mean that this server cannot do it now. Raises TemporaryError.
        """
        first = self._good
        said: list[str] = []
        for step in range(min(TRIES, len(self._servers))):
            place = (first + step) % len(self._servers)
            server = self._servers[place]
            try:
                answer = server.send(method, path, body)
            except TemporaryError as error:
                said.append(str(error))
                self._failed(place)
                continue
            if answer.code in answers:
                return answer
            said.append(f"Eureka at {server.address}: {_meaning(answer.code, method, path)}")
            self._failed(place)
        raise TemporaryError("; ".join(said))

    def close(self) -> None:
        """Let go of all connections."""
        for server in self._servers:
            server.close()

    def _failed(self, place: int) -> None:
        """From now on all ask the next one first, unless somebody moved on already."""
        with self._lock:
            if self._good == place:
                self._good = (place + 1) % len(self._servers)


def _headers(options: EurekaOptions) -> dict[str, str]:
    headers = {
        "Accept": "application/json",
        "Accept-Encoding": "gzip",
        "Content-Type": "application/json",
        "User-Agent": "syncer",
    }
    if options.user or options.password:
        text = f"{options.user}:{options.password.reveal()}"
        headers["Authorization"] = f"Basic {base64.b64encode(text.encode()).decode()}"
    return headers


def _meaning(code: int, method: str, path: str) -> str:
    what = f"{method} {path.partition('?')[0]} was answered by {code}"
    if code == 401:
        return f"{what}: user and password are missing or wrong"
    if code == 403:
        return f"{what}: it may not be read now (a server that has just started, or rights)"
    if code == 404:
        return f"{what}: is the path of the URL right (/eureka/ or /eureka/v2/)?"
    return what
