"""Requests to Eureka servers, which are peers: with each other's entries, after a delay."""

import ssl
from collections.abc import Container, Sequence

from syncer import TemporaryError
from syncer.kits.http import Failover, HttpClient, Response, basic_auth, tls_context
from syncer_eureka.address import Address
from syncer_eureka.options import EurekaOptions


class Server:
    """One server. Safe in threads, which share its few connections."""

    def __init__(
        self, address: Address, options: EurekaOptions, tls: ssl.SSLContext | None
    ) -> None:
        self.address = address
        self._headers = _headers(options)
        self._http = HttpClient(
            f"Eureka at {address}",
            address.host,
            address.port,
            timeout=options.timeout.total_seconds(),
            connections=options.connections,
            block=True,
            tls=tls if address.tls else None,
        )

    @property
    def opened(self) -> int:
        """How many connections have been opened so far."""
        return self._http.opened

    def send(self, method: str, path: str, body: bytes | None = None) -> Response:
        """Send one request; `path` continues the address. Raises TemporaryError."""
        return self._http.send(method, self.address.path + path, body, self._headers)

    def look(self, target: str, accept: str = "application/json") -> Response:
        """GET any path of the server, in any form. Raises TemporaryError."""
        return self._http.send("GET", target, None, {**self._headers, "Accept": accept})

    def close(self) -> None:
        """Close all connections."""
        self._http.close()


class Servers:
    """Sends each request to the last good server, on failure to the next. Safe in threads."""

    def __init__(self, options: EurekaOptions) -> None:
        tls = _tls(options) if any(one.tls for one in options.addresses) else None
        self._failover = Failover([Server(one, options, tls) for one in options.addresses])

    @property
    def all(self) -> Sequence[Server]:
        """All servers, for a caller who asks each."""
        return self._failover.servers

    @property
    def opened(self) -> int:
        """How many connections have been opened so far, to all servers."""
        return sum(server.opened for server in self.all)

    def ask(
        self, method: str, path: str, body: bytes | None = None, *, answers: Container[int]
    ) -> Response:
        """Return the answer of the first server that gives one of these codes.

        Other codes mean that this server cannot do it now. Raises TemporaryError.
        """

        def send(server: Server) -> Response:
            answer = server.send(method, path, body)
            if answer.code not in answers:
                meaning = _meaning(answer.code, method, path)
                raise TemporaryError(f"Eureka at {server.address}: {meaning}")
            return answer

        return self._failover.ask(send)

    def close(self) -> None:
        """Close all connections."""
        for server in self.all:
            server.close()


def _tls(options: EurekaOptions) -> ssl.SSLContext:
    return tls_context(
        ca_file=options.ca_file,
        client_cert=options.client_cert,
        client_key=options.client_key,
        verify=not options.tls_skip_verify,
    )


def _headers(options: EurekaOptions) -> dict[str, str]:
    headers = {
        "Accept": "application/json",
        "Accept-Encoding": "gzip",
        "Content-Type": "application/json",
        "User-Agent": "syncer",
    }
    if options.user or options.password:
        headers["Authorization"] = basic_auth(f"{options.user}:{options.password.reveal()}")
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
