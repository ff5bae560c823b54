"""Pools of connections that end in time, and of which the open ones are used first."""

import queue
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from threading import Lock, local
from typing import Any
from weakref import WeakSet

import urllib3
from urllib3 import connection, exceptions

from syncer.kits.http.deadline import left, timed
from syncer.kits.tls import TlsFiles

#: How long, in seconds, no other connection is opened to a server that has refused one.
FULL = 5.0

#: Opens a socket within so many seconds.
Dial = Callable[[float], socket.socket]


class Places(queue.LifoQueue[Any]):
    """The places of a pool: those with an open connection are taken first.

    A server that refuses one more connection goes on answering on those that it has accepted. For
    some seconds none is opened then, and who asks waits for one that is open.
    """

    def __init__(self, maxsize: int = 0) -> None:
        super().__init__(maxsize)
        self._sockets: WeakSet[Any] = WeakSet()
        self._lock = Lock()
        self._full_until = float("-inf")
        #: Whether the last request of this thread had to open a connection.
        self.last = local()

    def opened(self) -> list[Any]:
        """Return the sockets that are open."""
        with self._lock:
            return [sock for sock in self._sockets if sock.fileno() >= 0]

    def add(self, sock: Any) -> None:
        """Note a socket that has been opened."""
        with self._lock:
            self._sockets.add(sock)

    def refused(self) -> bool:
        """Note that the server refuses more; return whether there are any to go on with."""
        if self.opened():
            self._full_until = time.monotonic() + FULL
            return True
        return False

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """Return a place; one with an open connection is waited for without `block` too."""
        if timeout is not None and self._full():  # a pool that is closed does not wait
            end = time.monotonic() + timeout
            with suppress(queue.Empty):
                return super().get(True, min(timeout, left(self._full_until)))
            timeout = left(end)
        return super().get(block, timeout)

    def _full(self) -> bool:
        return time.monotonic() < self._full_until and bool(self.opened())

    def _qsize(self) -> int:
        return sum(map(_is_open, self.queue)) if self._full() else len(self.queue)

    def _put(self, item: Any) -> None:
        self.queue.insert(len(self.queue) if _is_open(item) else 0, item)


def _is_open(place: Any) -> bool:
    return place is not None and place.sock is not None


class HttpPool(urllib3.HTTPConnectionPool):
    """A pool that takes open connections first."""

    QueueCls = Places


class HttpsPool(urllib3.HTTPSConnectionPool):
    """A pool that takes open connections first."""

    QueueCls = Places


def open_pool(
    host: str,
    port: int | None,
    *,
    connections: int,
    block: bool = False,
    tls: TlsFiles | None = None,
    server_name: str = "",
    dial: Dial | None = None,
) -> HttpPool | HttpsPool:
    """Return a pool whose requests keep their `Deadline`. Parameters as those of `HttpClient`.

    `dial` opens sockets instead of host and port.
    """
    more: dict[str, Any] = {"host": host, "port": port, "maxsize": connections, "block": block}
    if tls is None:
        pool: HttpPool | HttpsPool = HttpPool(**more)
        kind: type[Any] = connection.HTTPConnection
    else:
        pool = HttpsPool(
            **more,
            cert_reqs=ssl.CERT_REQUIRED if tls.verify else ssl.CERT_NONE,
            server_hostname=server_name or None,
            assert_hostname=server_name or None,
        )
        kind = connection.HTTPSConnection
    assert isinstance(pool.pool, Places)
    pool.ConnectionCls = _tracked(_dialled(timed(kind), dial), pool.pool, tls)
    return pool


def dial_unix(path: str) -> Dial:
    """Return how to open the unix socket at this path."""

    return partial(_connected, (socket.AF_UNIX, socket.SOCK_STREAM, 0), path, ())


def _connected(kind: tuple[int, int, int], address: Any, options: Any, timeout: float) -> Any:
    sock = socket.socket(*kind)
    try:
        for one in options:
            sock.setsockopt(*one)
        sock.settimeout(timeout)
        sock.connect(address)
    except OSError:
        sock.close()
        raise
    return sock


def _tracked(kind: type[Any], places: Places, tls: TlsFiles | None) -> type[Any]:
    """Return connections of this kind that another thread can break off, each in one of `places`.

    They send headers and body in one piece, which spares both sides a system call. With `tls`
    each shows and trusts what the files hold when it is opened.
    """

    class Tracked(kind):  # type: ignore[misc]
        _body: bytes | None = None

        def connect(self) -> None:
            places.last.opened = True
            if tls is not None:
                self.ssl_context = tls.context()
            try:
                super().connect()
            except (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError) as error:
                # Accepted and closed at once, so that nothing was sent yet.
                raise exceptions.NewConnectionError(self, f"closed at once: {error}") from error
            # If certificates are not verified, that was asked for: no warning each time.
            self.is_verified = True
            places.add(self.sock)

        def request(self, method: str, url: str, body: Any = None, **more: Any) -> None:
            self._body = body if isinstance(body, bytes) and body else None
            super().request(method, url, body, **more)

        def send(self, data: Any) -> None:
            if data is self._body:
                self._body = None  # went with the headers
            else:
                super().send(data if self._body is None else data + self._body)

    return Tracked


def _dialled(kind: type[Any], dial: Dial | None) -> type[Any]:
    """Return connections of this kind that are opened in time, whatever addresses a name has."""

    class Dialled(kind):  # type: ignore[misc]
        def _new_conn(self) -> socket.socket:
            end = time.monotonic() + self.timeout
            try:
                dials = [dial] if dial else self._dials()
                sock = _first(dials, end)
            except TimeoutError as error:
                raise exceptions.ConnectTimeoutError(self, "no answer") from error
            except socket.gaierror as error:
                raise exceptions.NameResolutionError(self.host, self, error) from error
            except OSError as error:
                text = str(error) if dial else f"Failed to establish a new connection: {error}"
                raise exceptions.NewConnectionError(self, text) from error
            sock.settimeout(left(end))  # for what is left of connecting: TLS
            return sock

        def _dials(self) -> list[Dial]:
            found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
            options = self.socket_options or ()
            return [partial(_connected, place[:3], place[4], options) for place in found]

    return Dialled


def _first(dials: list[Dial], end: float) -> socket.socket:
    """Return the first socket that can be opened. All have the same time together."""
    last: OSError = TimeoutError("timed out")
    for dial in dials:
        if time.monotonic() >= end:
            raise TimeoutError("timed out")
        try:
            return dial(left(end))
        except OSError as error:
            last = error
    raise last
