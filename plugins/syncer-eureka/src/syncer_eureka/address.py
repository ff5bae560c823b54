"""Addresses of Eureka servers as people write them: URLs with the path of Eureka's API.

The path is never guessed: Spring Cloud's server has `/eureka/`, Netflix's own `/eureka/v2/`.
"""

from collections.abc import Sequence
from urllib.parse import SplitResult, quote, unquote, urlsplit

import attrs

from syncer import bracketed

#: The port of Spring Cloud's server, the default where only a host is named.
DEFAULT_PORT = 8761
_URL_PORTS = {"http": 80, "https": 443}


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
    named = "://" in text
    try:
        url = urlsplit(text if named else f"http://{text}")
        port = url.port
    except ValueError:
        raise ValueError("not an address: expected http://host:port/path") from None
    _refuse_oddities(url)
    usual = _URL_PORTS[url.scheme] if named else DEFAULT_PORT
    path = quote(f"/{url.path.strip('/')}/" if url.path.strip("/") else "/", safe="/%:@")
    address = Address(
        tls=url.scheme == "https",
        host=url.hostname or "",
        port=usual if port is None else port,
        path=path,
    )
    return address, Credentials(unquote(url.username or ""), unquote(url.password or ""))


def split_urls(text: str, scheme: str = "http") -> Sequence[str]:
    """Return the URLs of a comma list.

    A list without a scheme names hosts, with one path for all: `h1:1,h2:2/eureka`.
    """
    if "://" in text:
        return [part for part in map(str.strip, text.split(",")) if part]
    hosts, slash, path = text.partition("/")
    user, at, hosts = hosts.rpartition("@")
    named = [part for part in map(str.strip, hosts.split(",")) if part]
    return [f"{scheme}://{user}{at}{_with_port(host)}{slash}{path}" for host in named]


def _with_port(host: str) -> str:
    has_port = "]:" in host or (host.count(":") == 1 and not host.endswith("]"))
    return host if has_port else f"{bracketed(host.strip('[]'))}:{DEFAULT_PORT}"


def _refuse_oddities(url: SplitResult) -> None:
    if url.scheme not in _URL_PORTS:
        raise ValueError(f"unknown scheme {url.scheme!r}: http and https are known")
    if not url.hostname:
        raise ValueError("the address names no host")
    if url.query or url.fragment:
        raise ValueError("an address has no ? and no #")
    if url.port == 0:
        raise ValueError("port 0 is not an address")
