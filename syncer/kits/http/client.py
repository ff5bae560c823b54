"""Requests to one HTTP server. No exception of urllib3 leaves this module."""

import contextlib
import re
import socket
import ssl
import time
from collections.abc import Mapping
from typing import Any

from urllib3 import exceptions

from syncer.api.errors import TemporaryError, text_of
from syncer.kits.http.connections import Places, dial_unix, open_pool
from syncer.kits.http.deadline import LARGEST_ANSWER, Deadline
from syncer.kits.http.response import Response
from syncer.kits.tls import TlsFiles

_CHUNK = 1024 * 1024
#: Errors of a connection that the other side closed.
_CLOSED = (
    *(ConnectionResetError, ConnectionAbortedError, BrokenPipeError),
    *(ssl.SSLEOFError, ssl.SSLZeroReturnError),
)
#: How urllib3 names the connection that an error is about.
_CONNECTION = re.compile(r"^\w+\(host=[^)]*\): ")


class HttpClient:
    """Sends requests to one server, each within a deadline. Safe in threads.

    A request is sent again only once, and only if its connection turned out to be closed before
    the server could read it, or if the server accepts no more connections: then it goes over one
    that is open. Redirects are not followed.

    `name` names the server in errors. `timeout` is in seconds, for a request and its whole answer.
    `connections` are kept open; with `block` there are never more, and a request waits for a free
    one. `unix_socket` is a path; host and port are then ignored. `server_name` is the name to
    expect in the certificate, if not the host. `hint` follows the error of a server that closes
    connections without an answer.
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
        tls: TlsFiles | None = None,
        server_name: str = "",
        unix_socket: str = "",
        hint: str = "",
    ) -> None:
        self.name, self.timeout = name, timeout
        self._closed, self._tls, self._hint = False, tls, hint
        self._pool = open_pool(
            host,
            port,
            connections=connections,
            block=block,
            tls=tls,
            server_name=server_name,
            dial=dial_unix(unix_socket) if unix_socket else None,
        )
        assert isinstance(self._pool.pool, Places)
        self._places = self._pool.pool

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
                answer = self._exchange(method, target, body, headers, end)
            except (exceptions.ProtocolError, exceptions.NewConnectionError) as error:
                if self._closed:
                    raise
                # Also where it is sent again anyhow: then it waits for an open connection.
                others = self._was_refused(error) and self._places.refused()
                if not (others or _was_stale(error)):
                    raise
                return self._exchange(method, target, body, headers, end)
            if _is_one_too_many(answer) and self._places.refused():
                return self._exchange(method, target, body, headers, end)
            return answer
        except exceptions.HTTPError as error:
            if isinstance(error, exceptions.NewConnectionError) and not self._closed:
                raise TemporaryError(f"cannot reach {self.name}: {self._refusal(error)}") from error
            reason = "closed" if self._closed else self._reason(error, seconds)
            raise TemporaryError(f"{self.name}: {reason}") from error
        except ValueError as error:  # of http.client, about a header or a path
            raise TemporaryError(f"{self.name}: not a request: {text_of(error)}") from error

    def close(self) -> None:
        """Close all connections and refuse further requests; ends those under way in threads."""
        self._closed = True
        for sock in self._places.opened():
            with contextlib.suppress(OSError):  # closed already
                sock.shutdown(socket.SHUT_RDWR)
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
        until = Deadline(end, self.timeout)
        self._places.last.opened = False
        response = self._pool.urlopen(
            method,
            target,
            body=body,
            headers=headers,
            retries=False,
            redirect=False,
            timeout=until,
            pool_timeout=until.total,  # type: ignore[arg-type]
            preload_content=False,
        )
        try:
            content = _read(response)
        except BaseException:
            response.close()
            raise
        response.release_conn()
        where = f"{self.name}, {target.partition('?')[0][:100]}"
        return Response(response.status, response.headers, content, where, target)

    def _was_refused(self, error: exceptions.HTTPError) -> bool:
        """Whether the server closed a connection that was new; where nobody listens it cannot."""
        return self._places.last.opened and (
            isinstance(error.__cause__, _CLOSED) or _was_stale(error)
        )

    def _refusal(self, error: exceptions.NewConnectionError) -> str:
        """Return why there is no connection, in the system's words: `connection refused`."""
        cause = error.__cause__
        why = getattr(cause, "strerror", None) or _innermost(error)
        hint = self._hint if isinstance(cause, _CLOSED) else ""
        return f"{why[:1].lower()}{why[1:]}{hint}"

    def _reason(self, error: exceptions.HTTPError, seconds: float) -> str:
        late = (exceptions.TimeoutError, exceptions.EmptyPoolError)
        if isinstance(error, late) or isinstance(_cause(error), TimeoutError):
            return f"no answer within {seconds:g} s"
        if isinstance(error, exceptions.SSLError):
            problem = self._tls.problem if self._tls else ""
            return f"TLS failed ({_innermost(error)})" + (f"; {problem}" if problem else "")
        hint = self._hint if _was_stale(error) else ""
        return f"the connection broke ({_innermost(error)}){hint}"


def _read(response: Any) -> bytes:
    """Return the whole body, unpacked."""
    parts, total = [], 0
    # Explicit, since urllib3 does not unpack chunks by default.
    for part in response.stream(_CHUNK, decode_content=True):
        parts.append(part)
        total += len(part)
        if total > LARGEST_ANSWER:
            raise exceptions.HTTPError(f"an answer of more than {LARGEST_ANSWER} bytes")
    return b"".join(parts)


def _cause(error: exceptions.HTTPError) -> object:
    return error.args[1] if len(error.args) > 1 else None


def _was_stale(error: exceptions.HTTPError) -> bool:
    """Whether the server had closed a pooled connection before it could read the request."""
    return isinstance(_cause(error), _CLOSED)


def _is_one_too_many(answer: Response) -> bool:
    """Whether a limit refused this connection, not this request: it is closed."""
    return answer.code == 429 and str(answer.headers.get("Connection")).lower() == "close"


def _innermost(error: BaseException) -> str:
    """Return the innermost reason, without the objects that urllib3 puts before it."""
    text = str(error.args[-1] if error.args else error)
    return _CONNECTION.sub("", text.rsplit(">: ", 1)[-1])[:200]
