"""Addresses of Eureka servers as people write them: URLs with the path of Eureka's API.

The path is never guessed: Spring Cloud's server has `/eureka/`, Netflix's own `/eureka/v2/`.
"""

from collections.abc import Sequence
from urllib.parse import quote, unquote

import attrs

from syncer import bracketed
from syncer.kits.uris import URL_PORTS, has_port, parse_http_url, split_list

#: The port of Spring Cloud's server, the default where only a host is named.
DEFAULT_PORT = 8761


@attrs.frozen(kw_only=True)
class Address:
    """One server: `path` begins and ends with a slash. `str()` is for people, without secrets."""

    tls: bool
    host: str
    port: int
    path: str

    @property
    def place(self) -> str:
        """`host:port/path`: the name of the registry in marks."""
        return f"{bracketed(self.host)}:{self.port}{self.path}".rstrip("/")

    def __str__(self) -> str:
        return f"{'https' if self.tls else 'http'}://{bracketed(self.host)}:{self.port}{self.path}"


@attrs.frozen
class Credentials:
    """User and password of a URL; "" if it has none."""

    user: str = ""
    password: str = attrs.field(default="", repr=False)


def parse_url(text: str) -> tuple[Address, Credentials]:
    """Return the address and the credentials of a URL of http or https.

    Raises ValueError with a reason, which never contains the user or password.
    """
    text = text.strip()
    url = parse_http_url(text)
    usual = URL_PORTS[url.scheme] if "://" in text else DEFAULT_PORT
    path = quote(f"/{url.path.strip('/')}/" if url.path.strip("/") else "/", safe="/%:@")
    address = Address(
        tls=url.scheme == "https",
        host=url.hostname or "",
        port=url.port or usual,
        path=path,
    )
    return address, Credentials(unquote(url.username or ""), unquote(url.password or ""))


def split_urls(text: str, scheme: str = "http") -> Sequence[str]:
    """Return the URLs of a comma list.

    A list without a scheme names hosts, with one path for all: `h1:1,h2:2/eureka`.
    """
    if "://" in text:
        return split_list(text)
    hosts, slash, path = text.partition("/")
    user, at, hosts = hosts.rpartition("@")
    return [f"{scheme}://{user}{at}{_with_port(host)}{slash}{path}" for host in split_list(hosts)]


def _with_port(host: str) -> str:
    return host if has_port(host) else f"{bracketed(host.strip('[]'))}:{DEFAULT_PORT}"
