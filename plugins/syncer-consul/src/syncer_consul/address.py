"""Addresses of agents, as people write them in CONSUL_HTTP_ADDR and in URIs."""

from urllib.parse import SplitResult, quote, urlsplit

import attrs

from syncer import bracketed

DEFAULT_PORT = 8500
DEFAULT_TLS_PORT = 8501
#: A URL with a scheme means the default port of the scheme, as for Consul's own programs.
_URL_PORTS = {"http": 80, "https": 443}


@attrs.frozen(kw_only=True)
class Address:
    """An agent's address: a host and port, or the path of a unix socket.

    `prefix` is the path under which a proxy publishes the agent. `str()` is for people.
    """

    tls: bool = False
    host: str = "localhost"
    port: int = DEFAULT_PORT
    socket: str = ""
    prefix: str = ""

    def __str__(self) -> str:
        if self.socket:
            return f"unix://{self.socket}"
        scheme = "https" if self.tls else "http"
        return f"{scheme}://{bracketed(self.host)}:{self.port}{self.prefix}"


def parse_address(text: str, *, tls: bool = False) -> Address:
    """Parse `host`, `host:port`, `http(s)://...` or `unix:///path`.

    `tls` takes precedence over the scheme. Raises ValueError with a reason, which never contains
    a user or password.
    """
    text = text.strip()
    if text.startswith(("unix:", "/")):
        return Address(socket=_socket_path(text))
    named = "://" in text
    try:
        url = urlsplit(text if named else f"//{_with_brackets(text)}", scheme="http")
        port = url.port
    except ValueError:
        raise ValueError("not an address: expected host:port, a URL or unix:///path") from None
    _refuse_oddities(url)
    if url.scheme == "https":
        tls = True
    usual = DEFAULT_TLS_PORT if tls else DEFAULT_PORT
    if named:
        usual = _URL_PORTS["https" if tls else "http"]
    return Address(
        tls=tls,
        host=url.hostname or "",
        port=usual if port is None else port,
        prefix=quote(url.path.rstrip("/"), safe="/%"),
    )


def _with_brackets(text: str) -> str:
    """Put a bare IPv6 address into brackets: `::1` has no port."""
    host, _, _ = text.partition("/")
    return f"[{host}]" if host.count(":") > 1 and not host.startswith("[") else text


def _socket_path(text: str) -> str:
    path = text.removeprefix("unix:").removeprefix("//")
    if not path.startswith("/"):
        raise ValueError("a unix socket needs an absolute path: unix:///path/to/socket")
    return path


def _refuse_oddities(url: SplitResult) -> None:
    if url.scheme not in _URL_PORTS:
        raise ValueError(f"unknown scheme {url.scheme!r}: http, https and unix are known")
    if url.username is not None or url.password is not None:
        raise ValueError("user and password do not belong in the address, but in `auth`")
    if not url.hostname:
        raise ValueError("the address names no host")
    if url.query or url.fragment:
        raise ValueError("an address has no ? and no #")
    if url.port == 0:
        raise ValueError("port 0 is not an address")
