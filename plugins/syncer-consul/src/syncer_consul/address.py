"""Addresses of agents, as people write them in CONSUL_HTTP_ADDR and in URIs."""

from urllib.parse import quote

import attrs

from syncer import bracketed
from syncer.kits.uris import URL_PORTS, parse_http_url

DEFAULT_PORT = 8500
DEFAULT_TLS_PORT = 8501


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
    """Return the address of `host`, `host:port`, `http(s)://...` or `unix:///path`.

    A URL that names its scheme means that scheme's port, as for Consul's own programs. `tls` asks
    for TLS whatever the scheme is. Raises ValueError with a reason, which never
    contains a user or password.
    """
    text = text.strip()
    if text.startswith(("unix:", "/")):
        path = text.removeprefix("unix:").removeprefix("//")
        if not path.startswith("/"):
            raise ValueError("a unix socket needs an absolute path: unix:///path/to/socket")
        return Address(socket=path)
    named = "://" in text
    url = parse_http_url(text if named else _with_brackets(text))
    if url.username is not None or url.password is not None:
        raise ValueError("set user and password in `auth`, not in the address")
    tls = tls or url.scheme == "https"
    usual = DEFAULT_TLS_PORT if tls else DEFAULT_PORT
    if named:
        usual = URL_PORTS["https" if tls else "http"]
    return Address(
        tls=tls,
        host=url.hostname or "",
        port=url.port or usual,
        prefix=quote(url.path.rstrip("/"), safe="/%"),
    )


def _with_brackets(text: str) -> str:
    """Put a bare IPv6 address into brackets: `::1` has no port."""
    host, _, _ = text.partition("/")
    return f"[{host}]" if host.count(":") > 1 and not host.startswith("[") else text
