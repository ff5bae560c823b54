"""HTTP to one agent, behind the `http_connect` door of python-consul2.

Pooled connections over TCP, TLS or a unix socket. Every request ends within a deadline, none
is repeated but once, when a connection that had lain in the pool turned out to be closed. No
exception of urllib3 leaves this module.
"""

import re
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode
from weakref import WeakSet

import urllib3
from urllib3 import connection, exceptions

from syncer import TemporaryError
from syncer_consul.address import Address

#: Beyond this many bytes an answer is taken for a mistake.
LARGEST_ANSWER = 256 * 1024 * 1024
_CHUNK = 1024 * 1024
#: How urllib3 names the connection that an error is about.
_CONNECTION = re.compile(r"^\w+\(host=[^)]*\): ")


class Response(NamedTuple):
    """An answer, with the fields that callbacks of python-consul2 read."""

    code: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def body(self) -> str:
        """The content as text."""
        return self.content.decode("utf-8", "replace")


Callback = Callable[[Response], Any]


class Transport:
    """Sends requests to one agent. May be used from several threads.

    `headers` is asked for the headers of each request: a token may change. `idle` connections
    are kept; there may be more at work.
    """

    def __init__(
        self,
        address: Address,
        *,
        timeout: float,
        idle: int,
        headers: Callable[[], Mapping[str, str]] = dict,
        tls: ssl.SSLContext | None = None,
        server_name: str = "",
    ) -> None:
        self.address, self.timeout = address, timeout
        self._headers = headers
        self._closed = False
        self._sockets: WeakSet[Any] = WeakSet()
        self._lock = Lock()
        self._pool = self._make_pool(idle, tls, server_name)

    def get(
        self,
        callback: Callback,
        path: str,
        params: Any = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Any:
        """GET; a blocking query brings its own, longer `timeout` in seconds."""
        return callback(self._ask("GET", path, params, None, headers, timeout))

    def put(
        self,
        callback: Callback,
        path: str,
        params: Any = None,
        data: str | bytes = "",
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """PUT."""
        return callback(self._ask("PUT", path, params, data, headers))

    def post(
        self,
        callback: Callback,
        path: str,
        params: Any = None,
        data: str | bytes = "",
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """POST."""
        return callback(self._ask("POST", path, params, data, headers))

    def delete(
        self,
        callback: Callback,
        path: str,
        params: Any = None,
        data: str | bytes = "",
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """DELETE."""
        return callback(self._ask("DELETE", path, params, data, headers))

    def close(self) -> None:
        """Break off what is under way in other threads, and refuse more."""
        self._closed = True
        with self._lock:
            opened = list(self._sockets)
        for sock in opened:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # closed already
        self._pool.close()

    def _ask(
        self,
        method: str,
        path: str,
        params: Any,
        data: str | bytes | None,
        headers: Mapping[str, str] | None,
        timeout: float | None = None,
    ) -> Response:
        target = self.address.prefix + quote(path, safe="/:%")
        if params:
            target += "?" + urlencode(params)
        body = data.encode() if isinstance(data, str) else data
        sent = {**self._headers(), **(headers or {})}
        seconds = timeout or self.timeout
        end = time.monotonic() + seconds
        try:
            try:
                return self._exchange(method, target, body, sent, seconds, end)
            except exceptions.ProtocolError as error:
                if self._closed or not _was_stale(error):
                    raise
                return self._exchange(method, target, body, sent, seconds, end)
        except exceptions.HTTPError as error:
            reason = "closed" if self._closed else _reason(error, seconds)
            raise TemporaryError(f"Consul at {self.address}: {reason}") from error

    def _exchange(
        self,
        method: str,
        target: str,
        body: bytes | None,
        headers: Mapping[str, str],
        seconds: float,
        end: float,
    ) -> Response:
        if self._closed:
            raise exceptions.ClosedPoolError(self._pool, "closed")
        response = self._pool.urlopen(
            method,
            target,
            body=body,
            headers=headers,
            retries=False,
            redirect=False,
            timeout=urllib3.Timeout(connect=min(seconds, self.timeout, 5.0), read=seconds),
            preload_content=False,
        )
        try:
            content = _read(response, end)
        except BaseException:
            response.close()
            raise
        response.release_conn()
        return Response(response.status, response.headers, content)

    def _make_pool(
        self, idle: int, tls: ssl.SSLContext | None, server_name: str
    ) -> urllib3.HTTPConnectionPool:
        kind: type[Any] = connection.HTTPConnection
        if self.address.socket:
            kind = _unix_connection(self.address.socket)
        elif self.address.tls:
            kind = connection.HTTPSConnection
        tracked = self._tracked(kind)
        if not self.address.tls:
            pool = urllib3.HTTPConnectionPool(self.address.host, self.address.port, maxsize=idle)
            pool.ConnectionCls = tracked
            return pool
        secure = urllib3.HTTPSConnectionPool(
            self.address.host,
            self.address.port,
            maxsize=idle,
            ssl_context=tls,
            cert_reqs=None if tls is None else tls.verify_mode,
            server_hostname=server_name or None,
            assert_hostname=server_name or None,
        )
        secure.ConnectionCls = tracked
        return secure

    def _tracked(self, kind: type[Any]) -> type[Any]:
        """Connections that can be broken off from another thread.

        They send headers and body in one piece, which spares both sides a system call.
        """
        sockets, lock = self._sockets, self._lock

        class Tracked(kind):  # type: ignore[misc]
            _body: bytes | None = None

            def connect(self) -> None:
                super().connect()
                # Without verification, it was asked for: no warning at each connection.
                self.is_verified = True
                with lock:
                    sockets.add(self.sock)

            def request(self, method: str, url: str, body: Any = None, **more: Any) -> None:
                self._body = body if isinstance(body, bytes) and body else None
                super().request(method, url, body, **more)

            def send(self, data: Any) -> None:
                if data is self._body:
                    self._body = None  # went with the headers
                else:
                    super().send(data if self._body is None else data + self._body)

        return Tracked


def _unix_connection(path: str) -> type[Any]:
    class UnixConnection(connection.HTTPConnection):
        def connect(self) -> None:
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            timeout = self.timeout
            sock.settimeout(timeout if isinstance(timeout, (int, float)) else None)
            try:
                sock.connect(path)
            except TimeoutError as error:
                sock.close()
                raise exceptions.ConnectTimeoutError(self, "no answer") from error
            except OSError as error:
                sock.close()
                raise exceptions.NewConnectionError(self, str(error)) from error
            self.sock = sock

    return UnixConnection


def _read(response: Any, end: float) -> bytes:
    """The whole body. A server that sends drop by drop is given up at the deadline."""
    size = response.length_remaining
    # An empty one too: until it was read, its connection cannot take another answer.
    if size is not None and size <= _CHUNK:
        return bytes(response.read())
    parts, total = [], 0
    for part in response.stream(_CHUNK):
        parts.append(part)
        total += len(part)
        if total > LARGEST_ANSWER:
            raise exceptions.HTTPError(f"an answer of more than {LARGEST_ANSWER} bytes")
        if time.monotonic() > end:
            raise exceptions.ReadTimeoutError(None, None, "the answer did not end in time")  # type: ignore[arg-type]
    return b"".join(parts)


def _was_stale(error: exceptions.ProtocolError) -> bool:
    """Whether the agent had closed the connection before it could read the request."""
    cause = error.args[1] if len(error.args) > 1 else None
    return isinstance(cause, (ConnectionResetError, ConnectionAbortedError, BrokenPipeError))


def _reason(error: exceptions.HTTPError, seconds: float) -> str:
    # First: urllib3 counts what was refused among the timeouts.
    if isinstance(error, exceptions.NewConnectionError):
        return f"cannot connect ({_last(error)})"
    if isinstance(error, (exceptions.ReadTimeoutError, exceptions.ConnectTimeoutError)):
        return f"no answer within {seconds:g} s"
    if isinstance(error, exceptions.SSLError):
        return f"TLS failed ({_last(error)})"
    return f"the connection broke ({_last(error)})"


def _last(error: BaseException) -> str:
    """The innermost reason, without the objects that urllib3 puts before it."""
    text = str(error.args[-1] if error.args else error)
    return _CONNECTION.sub("", text.rsplit(">: ", 1)[-1])[:200]
