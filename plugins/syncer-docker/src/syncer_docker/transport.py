"""API clients on unix sockets and over ssh: connections are used again, and can be ended.

The SDK's own adapters do not suit a program that runs for months and asks thousands of
questions: for unix sockets it keeps a pool of connections for each URL, so for each container,
and over ssh it starts one ssh for each question. Here one pool serves all URLs, and what ssh
talks to is an ordinary socket, with timeouts and an end.
"""

import contextlib
import json
import socket
import subprocess
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlsplit

import docker
import docker.errors
import urllib3
from docker.constants import MINIMUM_DOCKER_API_VERSION
from docker.transport.unixconn import (
    UnixHTTPAdapter,
    UnixHTTPConnection,
    UnixHTTPConnectionPool,
)

#: Connections kept open: one for each inspecting thread, the list and the stream.
POOL = 8
_ANY_URL = "http+docker://localhost"

#: What answers say of a question that was answered, and of something that is not there.
_OK, _NOT_FOUND = 200, 404

Dial = Callable[[float | None], socket.socket]


def make_client(endpoint: str, timeout: float, tls: Any) -> "docker.APIClient":
    """A client for an endpoint that speaks the newest version which both sides know.

    Raises what the SDK, requests and the system raise.
    """
    asking = _client(endpoint, MINIMUM_DOCKER_API_VERSION, timeout, tls)
    try:
        version = asking.version(api_version=False)["ApiVersion"]
    finally:
        asking.close()
    return _client(endpoint, version, timeout, tls)


class Refusal(Exception):
    """The engine's answer is an error: its status, and what it says."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(said)
        self.status, self.said = status, said


def inspect(client: "docker.APIClient", id: str, timeout: float) -> Any:
    """The full description of a container. Raises `Refusal`, and what the SDK raises.

    Over our own connections by urllib3 alone: what is done around each question above it costs
    more than question and answer, and at start there is one for each container.
    """
    adapter = client.get_adapter(client.base_url)
    if not isinstance(adapter, _Adapter):
        return client.inspect_container(id)
    path = f"/v{client.api_version}/containers/{quote(id, safe='')}/json"
    answer = adapter.ask(path, timeout)
    if answer.status == _NOT_FOUND:
        raise docker.errors.NotFound(f"no such container: {id}")
    if answer.status != _OK:
        raise Refusal(answer.status, _said(answer.data))
    return json.loads(answer.data)


def _said(body: bytes) -> str:
    """What an answer says that is an error: the engine's are JSON, a proxy's are not."""
    text = body.decode("utf-8", "replace")
    with contextlib.suppress(ValueError, LookupError, TypeError):
        return str(json.loads(text)["message"])
    return text


def _client(endpoint: str, version: str, timeout: float, tls: Any) -> "docker.APIClient":
    """A client for one version; it asks nothing by itself."""
    dial = _dial(endpoint)
    client = docker.APIClient(
        # With our own connections the path is never used.
        base_url="unix:///docker.sock" if dial else endpoint,
        version=version,
        timeout=timeout,
        tls=False if dial else tls,
        max_pool_size=POOL,
    )
    if dial:
        client.mount("http+docker://", _Adapter(dial, timeout))
    # An authority in the environment would go before the configured one, and a proxy there is
    # meant for the internet.
    client.trust_env = False
    return client


def _dial(endpoint: str) -> Dial | None:
    """How to connect to sockets and over ssh; None for what is left to the SDK."""
    if endpoint.startswith("unix://"):
        # `unix://run/x` means `/run/x`, as in the SDK.
        path = "/" + endpoint.removeprefix("unix://").lstrip("/")
        return lambda timeout: _unix_socket(path, timeout)
    if endpoint.startswith("ssh://"):
        argv = ssh_argv(endpoint)
        return lambda timeout: _ssh_socket(argv, timeout)
    return None


def _unix_socket(path: str, timeout: float | None) -> socket.socket:
    found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        found.settimeout(timeout)
        found.connect(path)
    except OSError:
        found.close()
        raise
    return found


def ssh_argv(endpoint: str) -> list[str]:
    """The command that connects to the engine behind `ssh://[user@]host[:port]`."""
    parts = urlsplit(endpoint)
    argv = ["ssh", "-T", "-o", "BatchMode=yes"]
    if parts.username:
        argv += ["-l", parts.username]
    if parts.port:
        argv += ["-p", str(parts.port)]
    return [*argv, "--", parts.hostname or "", "docker system dial-stdio"]


def _ssh_socket(argv: list[str], timeout: float | None) -> socket.socket:
    """A socket whose other side is ssh, which ends when this one is closed."""
    ours, its = socket.socketpair()
    try:
        with its:
            process = subprocess.Popen(
                argv, stdin=its.fileno(), stdout=its.fileno(), start_new_session=True
            )
    except OSError:
        ours.close()
        raise
    threading.Thread(target=process.wait, name="ssh", daemon=True).start()
    ours.settimeout(timeout)
    return ours


class _Connection(UnixHTTPConnection):  # type: ignore[misc] # the SDK has no types
    def __init__(self, dial: Dial, timeout: float) -> None:
        super().__init__(_ANY_URL, "", timeout)
        self._dial = dial

    def connect(self) -> None:
        self.sock = self._dial(self.timeout)


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

    def ask(self, path: str, timeout: float) -> urllib3.BaseHTTPResponse:
        """GET, without what `requests` does around it."""
        limits = urllib3.Timeout(connect=timeout, read=timeout)
        answer: urllib3.BaseHTTPResponse = self._pool.urlopen(
            "GET", path, timeout=limits, retries=False, redirect=False
        )
        return answer

    def close(self) -> None:
        super().close()
        self._pool.close()
