"""Where Eureka servers answer, as people write it: URLs with the path that Eureka stands under.

The path is part of the URL and never guessed: `/eureka/` of Spring Cloud's server, `/eureka/v2/`
of Netflix's own.
"""

from collections.abc import Sequence
from urllib.parse import SplitResult, quote, unquote, urlsplit

import attrs

from syncer import bracketed

#: The port of Spring Cloud's server, where only a host was named.
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
        """`host:port/path`, the way it names a registry."""
        return f"{bracketed(self.host)}:{self.port}{self.path}".rstrip("/")

    def __str__(self) -> str:
        return f"{'https' if self.tls else 'http'}://{bracketed(self.host)}:{self.port}{self.path}"


@attrs.frozen
class Credentials:
    """What stood before the host; twice "" if nothing did."""

    user: str = ""
    password: str = attrs.field(default="", repr=False)


def parse_url(text: str) -> tuple[Address, Credentials]:
    """An address from a URL of http or https, with what stands before its host.

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
    """The URLs of a comma list.

    Without a scheme of its own a list is hosts with one path behind them all: `h1:1,h2:2/eureka`.
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
