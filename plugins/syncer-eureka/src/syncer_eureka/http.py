"""HTTP to one Eureka server: pooled connections, and a deadline for each request.

No exception of urllib3 leaves this module.
"""

import ssl
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import urllib3
from urllib3 import connection, exceptions

from syncer import ConfigError, TemporaryError
from syncer_eureka.address import Address
from syncer_eureka.options import EurekaOptions

#: Beyond this many bytes an answer is taken for a mistake.
LARGEST_ANSWER = 256 * 1024 * 1024
_CHUNK = 1024 * 1024


class Answer(NamedTuple):
    """What a server said; `date` is its own time, as it writes it."""

    code: int
    content: bytes
    date: str = ""


class _Quiet(connection.HTTPSConnection):
    """Without verification, it was asked for: no warning at each connection."""

    def connect(self) -> None:
        super().connect()
        self.is_verified = True


class Server:
    """One server. May be used from several threads, which share its few connections."""

    def __init__(
        self,
        address: Address,
        *,
        timeout: float,
        connections: int,
        headers: Mapping[str, str],
        tls: ssl.SSLContext | None,
    ) -> None:
        self.address, self._timeout, self._headers = address, timeout, headers
        common: dict[str, Any] = {"maxsize": connections, "block": True}
        self._pool: urllib3.HTTPConnectionPool
        if tls is None:
            self._pool = urllib3.HTTPConnectionPool(address.host, address.port, **common)
        else:
            self._pool = urllib3.HTTPSConnectionPool(
                address.host,
                address.port,
                ssl_context=tls,
                cert_reqs=tls.verify_mode,
                assert_hostname=None if tls.check_hostname else False,
                **common,
            )
            self._pool.ConnectionCls = _Quiet

    @property
    def opened(self) -> int:
        """How many connections were opened so far."""
        return self._pool.num_connections

    def send(self, method: str, path: str, body: bytes | None = None) -> Answer:
        """Send one request; `path` continues the address. Raises TemporaryError."""
        return self._send(method, self.address.path + path, body, self._headers)

    def look(self, target: str, accept: str = "application/json") -> Answer:
        """GET of any path of the server, in a form of our choice. Raises TemporaryError."""
        return self._send("GET", target, None, {**self._headers, "Accept": accept})

    def close(self) -> None:
        """Let go of the connections."""
        self._pool.close()

    def _send(
        self, method: str, target: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        end = time.monotonic() + self._timeout
        try:
            try:
                return self._exchange(method, target, body, headers, end)
            except exceptions.ProtocolError as error:
                if not _was_stale(error):
                    raise
                return self._exchange(method, target, body, headers, end)
        except exceptions.HTTPError as error:
            text = f"Eureka at {self.address}: {_reason(error, self._timeout)}"
            raise TemporaryError(text) from error

    def _exchange(
        self,
        method: str,
        target: str,
        body: bytes | None,
        headers: Mapping[str, str],
        end: float,
    ) -> Answer:
        left = max(end - time.monotonic(), 0.001)
        response = self._pool.urlopen(
            method,
            target,
            body=body,
            headers=headers,
            retries=False,
            redirect=False,
            timeout=urllib3.Timeout(connect=left, read=left),
            pool_timeout=left,  # type: ignore[arg-type]
            preload_content=False,
        )
        try:
            content = _read(response, end)
        except BaseException:
            response.close()
            raise
        response.release_conn()
        return Answer(response.status, content, str(response.headers.get("Date", "")))


def tls_context(options: EurekaOptions) -> ssl.SSLContext:
    """TLS as configured. Raises ConfigError naming the option whose file cannot be used."""
    context = ssl.create_default_context()
    if options.ca_file:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            context.load_verify_locations(cafile=options.ca_file)
        except OSError as error:
            raise ConfigError(f"ca_file {options.ca_file}: {_why(error)}") from error
    if options.tls_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if options.client_cert:
        try:
            context.load_cert_chain(options.client_cert, options.client_key, password=_no_password)
        except (OSError, ValueError) as error:
            text = f"client_cert {options.client_cert}, client_key {options.client_key or '(none)'}"
            raise ConfigError(f"{text}: {_why(error)}") from error
    elif options.client_key:
        raise ConfigError("client_key is given without client_cert")
    return context


def _no_password() -> str:
    """Instead of OpenSSL's question on the terminal, which would hang a daemon."""
    raise ValueError("the key is encrypted")


def _read(response: Any, end: float) -> bytes:
    """The whole body. A server that sends drop by drop is given up at the deadline."""
    parts, total = [], 0
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
    # First: urllib3 counts what was refused among the timeouts.
    if isinstance(error, exceptions.NewConnectionError):
        return f"cannot connect ({_last(error)})"
    if isinstance(error, (exceptions.TimeoutError, exceptions.EmptyPoolError)):
        return f"no answer within {seconds:g} s"
    if isinstance(error, exceptions.ClosedPoolError):
        return "closed"
    if isinstance(error, exceptions.SSLError):
        return f"TLS failed ({_last(error)})"
    return f"the connection broke ({_last(error)})"


def _last(error: BaseException) -> str:
    """The innermost reason, without the addresses of objects that urllib3 puts before it."""
    text = str(error.args[-1] if error.args else error)
    return text.rsplit(">: ", 1)[-1][:200]


def _why(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
