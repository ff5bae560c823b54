"""Requests to one Eureka server."""

from syncer.kits.http import HttpClient, Response, TlsFiles, basic_auth
from syncer_eureka.address import Address
from syncer_eureka.options import EurekaOptions


class Server:
    """One server. Safe in threads, which share its few connections."""

    def __init__(self, address: Address, options: EurekaOptions, tls: TlsFiles | None) -> None:
        self.address = address
        self._headers = {
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "Content-Type": "application/json",
            "User-Agent": "syncer",
        }
        if options.user or options.password:
            login = f"{options.user}:{options.password.reveal()}"
            self._headers["Authorization"] = basic_auth(login)
        self.http = HttpClient(
            f"Eureka at {address}",
            address.host,
            address.port,
            timeout=options.timeout.total_seconds(),
            connections=options.connections,
            block=True,
            tls=tls if address.tls else None,
        )

    def send(self, method: str, path: str, body: bytes | None = None) -> Response:
        """Send one request; `path` continues the address. Raises TemporaryError."""
        return self.http.send(method, self.address.path + path, body, self._headers)

    def look(self, target: str, accept: str = "application/json") -> Response:
        """GET any path of the server, in any form. Raises TemporaryError."""
        return self.http.send("GET", target, None, {**self._headers, "Accept": accept})
