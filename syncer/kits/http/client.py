"""Pooled connections to one HTTP server. No exception of urllib3 leaves this module."""

import re
import socket
import ssl
import time
from collections.abc import Mapping
from threading import Lock
from typing import Any
from weakref import WeakSet

import urllib3
from urllib3 import connection, exceptions

from syncer.api.errors import TemporaryError, text_of
from syncer.kits.http.response import Response

#: An answer of more bytes than this is taken for a mistake.
LARGEST_ANSWER = 256 * 1024 * 1024
_CHUNK = 1024 * 1024
#: How urllib3 names the connection that an error is about.
_CONNECTION = re.compile(r"^\w+\(host=[^)]*\): ")


class HttpClient:
    """Sends requests to one server, each within a deadline. Safe in threads.

    A request is sent again only once, and only if its connection turned out to be closed before
    the server could read it. Redirects are not followed.

    `name` names the server in errors. `timeout` is in seconds. `connections` are kept open; with
    `block` there are never more, and a request waits for a free one. `unix_socket` is a path; host
    and port are then ignored. `server_name` is the name to expect in the certificate, if not the
    host.
    """

    def __init__(
        self,
        name: str,
        host: str,
        port: int,
        *,
        timeout: float,
        connections: int,
        block: bool = False,
        tls: ssl.SSLContext | None = None,
        server_name: str = "",
        unix_socket: str = "",
    ) -> None:
        self.name, self.timeout = name, timeout
        self._closed = False
        self._sockets: WeakSet[Any] = WeakSet()
        self._lock = Lock()
        pool: dict[str, Any] = {"host": host, "port": port, "maxsize": connections, "block": block}
        kind: type[Any] = connection.HTTPConnection
        if tls is None:
            self._pool = urllib3.HTTPConnectionPool(**pool)
            kind = _unix_connection(unix_socket) if unix_socket else kind
        else:
            self._pool = urllib3.HTTPSConnectionPool(
                **pool,
                ssl_context=tls,
                cert_reqs=tls.verify_mode,
                server_hostname=server_name or None,
                assert_hostname=server_name or None,
            )
            kind = connection.HTTPSConnection
        self._pool.ConnectionCls = self._tracked(kind)

    def send(
        self,
        method: str,
        target: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        timeout: float | None = None,
    ) -> Response:
        """Return the answer, whatever its status. Raises TemporaryError if there is none.

        `target` is the path with its query, quoted. `timeout` is for requests that may last
        longer than others, such as blocking queries.
        """
        seconds = timeout or self.timeout
        end = time.monotonic() + seconds
        try:
            try:
                return self._exchange(method, target, body, headers, end)
            except exceptions.ProtocolError as error:
                if self._closed or not _was_stale(error):
                    raise
                return self._exchange(method, target, body, headers, end)
        except exceptions.HTTPError as error:
            reason = "closed" if self._closed else _reason(error, seconds)
            raise TemporaryError(f"{self.name}: {reason}") from error
        except ValueError as error:  # of http.client, about a header or a path
            raise TemporaryError(f"{self.name}: not a request: {text_of(error)}") from error

    def close(self) -> None:
        """Close all connections and refuse further requests; ends those under way in threads."""
        self._closed = True
        with self._lock:
            opened = list(self._sockets)
        for sock in opened:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # closed already
        self._pool.close()

    def _exchange(
        self,
        method: str,
        target: str,
        body: bytes | None,
        headers: Mapping[str, str] | None,
        end: float,
    ) -> Response:
        if self._closed:
            raise exceptions.ClosedPoolError(self._pool, "closed")
        left = max(end - time.monotonic(), 0.001)
        response = self._pool.urlopen(
            method,
            target,
            body=body,
            headers=headers,
            retries=False,
            redirect=False,
            timeout=urllib3.Timeout(connect=min(left, self.timeout), read=left),
            pool_timeout=left,  # type: ignore[arg-type]
            preload_content=False,
        )
        try:
            content = _read(response, end)
        except BaseException:
            response.close()
            raise
        response.release_conn()
        where = f"{self.name}, {target.partition('?')[0][:100]}"
        return Response(response.status, response.headers, content, where)

    def _tracked(self, kind: type[Any]) -> type[Any]:
        """Return a class of connections that another thread can break off.

        They send headers and body in one piece, which spares both sides a system call.
        """
        sockets, lock = self._sockets, self._lock

        class Tracked(kind):  # type: ignore[misc]
            _body: bytes | None = None

            def connect(self) -> None:
                super().connect()
                # If certificates are not verified, that was asked for: no warning each time.
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
    """Return the whole body. A server that sends drop by drop is given up at the deadline."""
    size = response.length_remaining
    # An empty body too: until it was read, its connection cannot take another request.
    if size is not None and size <= _CHUNK and "Content-Encoding" not in response.headers:
        return bytes(response.read())
    parts, total = [], 0
    # Explicit, since urllib3 does not unpack chunks by default.
    for part in response.stream(_CHUNK, decode_content=True):
        parts.append(part)
        total += len(part)
        if total > LARGEST_ANSWER:
            raise exceptions.HTTPError(f"an answer of more than {LARGEST_ANSWER} bytes")
        if time.monotonic() > end:
            raise exceptions.ReadTimeoutError(None, None, "the answer did not end in time")  # type: ignore[arg-type]
    return b"".join(parts)


def _was_stale(error: exceptions.ProtocolError) -> bool:
    """Whether the server had closed a pooled connection before it could read the request."""
    cause = error.args[1] if len(error.args) > 1 else None
    return isinstance(cause, (ConnectionResetError, ConnectionAbortedError, BrokenPipeError))


def _reason(error: exceptions.HTTPError, seconds: float) -> str:
    # First: urllib3 counts refused connections among the timeouts.
    if isinstance(error, exceptions.NewConnectionError):
        return f"cannot connect ({_innermost(error)})"
    if isinstance(error, (exceptions.TimeoutError, exceptions.EmptyPoolError)):
        return f"no answer within {seconds:g} s"
    if isinstance(error, exceptions.SSLError):
        return f"TLS failed ({_innermost(error)})"
    return f"the connection broke ({_innermost(error)})"


def _innermost(error: BaseException) -> str:
    """Return the innermost reason, without the objects that urllib3 puts before it."""
    text = str(error.args[-1] if error.args else error)
    return _CONNECTION.sub("", text.rsplit(">: ", 1)[-1])[:200]
