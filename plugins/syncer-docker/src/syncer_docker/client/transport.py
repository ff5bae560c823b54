"""SDK clients over unix sockets and ssh whose connections are reused and can be ended.

The SDK's own adapters do not suit a program that runs for months and sends thousands of
requests: for unix sockets they keep one connection pool per URL, that is per container, and over
ssh they start one ssh per request. Here one pool serves all URLs, and ssh is connected to an
ordinary socket, which has timeouts and can be closed.
"""

import contextlib
import json
import socket
from collections.abc import Callable
from http.client import HTTPException
from typing import Any, Protocol
from urllib.parse import quote

import docker
import docker.errors
import urllib3
from docker.constants import MINIMUM_DOCKER_API_VERSION
from docker.transport.unixconn import (
    UnixHTTPAdapter,
    UnixHTTPConnection,
    UnixHTTPConnectionPool,
)

from syncer_docker.client.endpoint import socket_in
from syncer_docker.client.ssh import SshLine

#: Connections kept open: one per inspecting thread, one for listings, one for the stream.
POOL = 8
_ANY_URL = "http+docker://localhost"
_OK, _NOT_FOUND = 200, 404


class Line(Protocol):
    """An open connection, and what is known of its failure apart from the system's error."""

    socket: socket.socket

    def failure(self) -> str: ...


Dial = Callable[[float | None], Line]


def make_client(endpoint: str, timeout: float, tls: Any) -> "docker.APIClient":
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
    path = f"/v{client.api_version}/containers/{quote(id, safe='')}/json"
    answer = adapter.fetch(path, timeout)
    if answer.status == _NOT_FOUND:
        raise docker.errors.NotFound(f"no such container: {id}")
    if answer.status != _OK:
        raise Refusal(answer.status, error_text(answer.data))
    return json.loads(answer.data)


def error_text(body: bytes) -> str:
    """Return the text of an error answer: JSON from an engine, anything from a proxy."""
    text = body.decode("utf-8", "replace")
    with contextlib.suppress(ValueError, LookupError, TypeError):
        return str(json.loads(text)["message"])
    return text


def _client(endpoint: str, version: str, timeout: float, tls: Any) -> "docker.APIClient":
    """Return a client for one API version, without connecting."""
    dial = _dial(endpoint)
    client = docker.APIClient(
        # With our own connections this path is not used.
        base_url="unix:///docker.sock" if dial else endpoint,
        version=version,
        timeout=timeout,
        tls=False if dial else tls,
        max_pool_size=POOL,
    )
    if dial:
        client.mount("http+docker://", _Adapter(dial, timeout))
    # A certificate authority in the environment would take precedence over the configured one, and
    # a proxy named there is meant for the internet.
    client.trust_env = False
    return client


def _dial(endpoint: str) -> Dial | None:
    """Return how to connect to a socket or over ssh; `None` to leave it to the SDK."""
    if path := socket_in(endpoint):
        return lambda timeout: _UnixLine(path, timeout)
    if endpoint.startswith("ssh://"):
        return lambda timeout: SshLine(endpoint, timeout)
    return None


class _UnixLine:
    """A connection to a socket of this machine."""

    def __init__(self, path: str, timeout: float | None) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self.socket.settimeout(timeout)
            self.socket.connect(path)
        except OSError:
            self.socket.close()
            raise

    def failure(self) -> str:
        """Return nothing: the system's error says it all."""
        return ""


class _Connection(UnixHTTPConnection):  # type: ignore[misc] # the SDK has no types
    def __init__(self, dial: Dial, timeout: float) -> None:
        super().__init__(_ANY_URL, "", timeout)
        self._dial = dial

    def connect(self) -> None:
        self._line = self._dial(self.timeout)
        self.sock = self._line.socket

    def getresponse(self) -> Any:
        """Return the answer; an error has the words of the program in between, if any."""
        try:
            return super().getresponse()
        except (OSError, HTTPException) as error:
            if not (why := self._line.failure()):
                raise
            text = f"{why} ({error})" if isinstance(error, TimeoutError) else why
        raise OSError(text)


class _Pool(UnixHTTPConnectionPool):  # type: ignore[misc]
    def __init__(self, dial: Dial, timeout: float) -> None:
        super().__init__(_ANY_URL, "", timeout, maxsize=POOL)
        self._dial = dial

    def _new_conn(self) -> _Connection:
        return _Connection(self._dial, self.timeout)


class _Adapter(UnixHTTPAdapter):  # type: ignore[misc]
    """One pool for all URLs."""

    def __init__(self, dial: Dial, timeout: float) -> None:
        super().__init__("http+unix:///docker.sock", timeout, max_pool_size=POOL)
        self._pool = _Pool(dial, timeout)

    def get_connection(self, url: str, proxies: Any = None) -> _Pool:
        return self._pool

    def fetch(self, path: str, timeout: float) -> urllib3.BaseHTTPResponse:
        """Send a GET request without the overhead of `requests`."""
        limits = urllib3.Timeout(connect=timeout, read=timeout)
        answer: urllib3.BaseHTTPResponse = self._pool.urlopen(
            "GET", path, timeout=limits, retries=False, redirect=False
        )
        return answer

    def close(self) -> None:
        super().close()
        self._pool.close()
