"""SDK clients whose connections are reused, can be ended, and end each answer in time.

The SDK's own adapters do not suit a program that runs for months and sends thousands of
requests: for unix sockets they keep one connection pool per URL, that is per container, over ssh
they start one ssh per request, and a slow answer may last for ever. Here one pool serves all
URLs, and ssh is connected to an ordinary socket, which has timeouts and can be closed.
"""

import contextlib
import json
import socket
import time
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any
from urllib.parse import quote, urlsplit

import docker
import docker.errors
import urllib3
from docker.constants import MINIMUM_DOCKER_API_VERSION
from docker.transport.unixconn import UnixHTTPAdapter
from urllib3 import exceptions

from syncer.kits.http import Deadline, Response, TlsFiles, dial_unix, open_pool
from syncer_docker.client.endpoint import socket_in
from syncer_docker.client.ssh import SshLine

#: Connections kept open: one per inspecting thread, one for listings, one for the stream.
POOL = 8
_OK, _NOT_FOUND = 200, 404


def make_client(endpoint: str, timeout: float, tls: TlsFiles | None) -> "docker.APIClient":
    """Return a client that uses the newest API version known to both sides.

    Raises errors of the SDK, of `requests` and of the system.
    """
    with contextlib.closing(_client(endpoint, MINIMUM_DOCKER_API_VERSION, timeout, tls)) as oldest:
        version = oldest.version(api_version=False)["ApiVersion"]
    return _client(endpoint, version, timeout, tls)


class Refusal(Exception):
    """An error answer of the engine: its status and text."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text


def inspect(client: "docker.APIClient", id: str, timeout: float) -> Any:
    """Return the full description of a container. Raises `Refusal` and the SDK's errors.

    Over our own connections urllib3 is used directly: the layers above it cost more than the
    request itself, and at start there is one request per container.
    """
    adapter = client.get_adapter(client.base_url)
    if not isinstance(adapter, _Adapter):
        return client.inspect_container(id)
    before = urlsplit(client.base_url).path.rstrip("/")
    path = f"{before}/v{client.api_version}/containers/{quote(id, safe='')}/json"
    answer = adapter.fetch(path, timeout)
    if answer.status == _NOT_FOUND:
        raise docker.errors.NotFound(f"no such container: {id}")
    if answer.status != _OK:
        _refuse_redirect(answer.status, answer.headers, path)
        raise Refusal(answer.status, error_text(answer.data))
    return json.loads(answer.data)


def error_text(body: bytes) -> str:
    """Return the text of an error answer: JSON from an engine, anything from a proxy."""
    text = body.decode("utf-8", "replace")
    with contextlib.suppress(ValueError, LookupError, TypeError):
        return str(json.loads(text)["message"])
    return text


def _refuse_redirect(status: int, headers: Mapping[str, str], path: str) -> None:
    """Raise `Refusal` for an answer that sends to another server: that one was not configured."""
    if moved := Response(status, headers, b"", "", path).redirect():
        raise Refusal(status, moved)


def _client(endpoint: str, version: str, timeout: float, tls: TlsFiles | None) -> Any:
    """Return a client for one API version, without connecting."""
    path, ssh = socket_in(endpoint), endpoint.startswith("ssh://")
    own = bool(path) or ssh
    client = docker.APIClient(
        # With our own sockets this path is not used.
        base_url="unix:///docker.sock" if own else endpoint,
        version=version,
        timeout=timeout,
        tls=tls is not None and not own,
        max_pool_size=POOL,
    )
    server = urlsplit(client.base_url)
    if server.scheme.startswith("http") and server.hostname != "localnpipe":
        pool = open_pool(
            server.hostname or "",
            server.port,
            connections=POOL,
            tls=None if own else tls,
            dial=dial_unix(path) if path else None,
        )
        if ssh:
            pool.ConnectionCls = _over_ssh(pool.ConnectionCls, endpoint)
        client.mount(f"{server.scheme}://", _Adapter(pool, timeout))
    # A certificate authority in the environment would take precedence over the configured one, and
    # a proxy named there is meant for the internet.
    client.trust_env = False
    return client


def _over_ssh(kind: type[Any], endpoint: str) -> type[Any]:
    """Return connections of this kind through ssh, whose errors have its words."""

    class OverSsh(kind):  # type: ignore[misc]
        def _new_conn(self) -> socket.socket:
            try:
                self._line = SshLine(endpoint, self.timeout)
            except OSError as error:
                raise exceptions.NewConnectionError(self, str(error)) from error
            return self._line.socket

        def getresponse(self) -> Any:
            try:
                return super().getresponse()
            except (OSError, HTTPException) as error:
                if not (why := self._line.failure()):
                    raise
                text = f"{why} ({error})" if isinstance(error, TimeoutError) else why
            raise OSError(text)

    return OverSsh


class _Adapter(UnixHTTPAdapter):  # type: ignore[misc] # the SDK has no types
    """One pool for all URLs, whose answers have a deadline. Redirects are refused."""

    def __init__(self, pool: Any, timeout: float) -> None:
        super().__init__("http+unix:///docker.sock", timeout, max_pool_size=POOL)
        self._pool = pool

    def get_connection(self, url: str, proxies: Any = None) -> Any:
        return self._pool

    def cert_verify(self, *unused: Any) -> None:
        """Leave certificates to the pool."""

    def send(self, request: Any, **options: Any) -> Any:
        until = Deadline(time.monotonic() + self.timeout, self.timeout)
        answer = super().send(request, **{**options, "timeout": until})
        if answer.status_code != _OK:
            _refuse_redirect(answer.status_code, answer.headers, request.path_url)
        return answer

    def fetch(self, path: str, timeout: float) -> urllib3.BaseHTTPResponse:
        """Send a GET request without the overhead of `requests`."""
        until = Deadline(time.monotonic() + timeout, timeout)
        answer: urllib3.BaseHTTPResponse = self._pool.urlopen(
            "GET", path, timeout=until, retries=False, redirect=False
        )
        return answer

    def close(self) -> None:
        super().close()
        self._pool.close()
