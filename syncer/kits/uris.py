"""Addresses as people write them: `scheme://user:password@host:port,host2:port/path?option=value`.

Public for plugin authors. Everything raises ValueError with a reason that shows no user and no
password.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import attrs

from syncer.api.fields import Validator
from syncer.api.text import did_you_mean, shown_address

_SCHEME = re.compile(r"(?:([a-zA-Z][a-zA-Z0-9+.-]*)://)?(.*)", re.DOTALL)
_HIGHEST_PORT = 65535
#: The ports of URLs that name their scheme.
URL_PORTS = {"http": 80, "https": 443}
#: Told without what was given: it may be a password.
_NO_HOST = "not an address, which has no = in it: give options by --set, after a ?, or in the file"


@attrs.frozen
class Uri:
    """The parts of a URI; user and path are not quoted any more, the path has no slash ahead."""

    scheme: str
    user: str = attrs.field(repr=False)
    hosts: tuple[str, ...]
    path: str
    query: Mapping[str, str] = attrs.field(repr=False)

    def options(
        self, known: Collection[str], hosts: str, parse: Callable[[str], object]
    ) -> tuple[dict[str, Any], dict[str, str]]:
        """Return the options that the URI sets, and the rest of its query, which a layout may know.

        `hosts` is the option for them; `parse` raises ValueError for one that is not a host.
        """
        for name in {"user", "password"} & self.query.keys():
            raise ValueError(f"the {name} goes before the host: user:password@host")
        found: dict[str, Any] = {k: v for k, v in self.query.items() if k in known}
        if self.user:
            found["user"] = self.user
        if self.hosts:
            found[hosts] = self.hosts
            for host in self.hosts:
                parse(host)
        return found, {k: v for k, v in self.query.items() if k not in known}


def split_user(text: str) -> tuple[str, str, str]:
    """Return scheme, user and the rest of a URI; "" for what it has not."""
    scheme, rest = _SCHEME.fullmatch(text.strip()).groups("")  # type: ignore[union-attr] # always
    hosts = re.split("[/?#]", rest, maxsplit=1)[0]
    user, at, _ = hosts.rpartition("@")
    return scheme, unquote(user), rest[len(user) + len(at) :]


def parse_uri(text: str, schemes: Collection[str], usual: str) -> Uri:
    """Return the parts of a URI; `usual` is the scheme of one that names none."""
    scheme, user, rest = split_user(text)
    scheme = scheme or usual
    if scheme not in schemes:
        raise ValueError(f"unknown scheme {scheme!r}: {', '.join(schemes)} are known")
    if "#" in rest:
        raise ValueError("a # must be written %23")
    rest, _, query = rest.partition("?")
    hosts, _, path = rest.partition("/")
    if "@" in path:
        raise ValueError("before the host, a / must be written %2F; in the path, an @ %40")
    return Uri(scheme, user, split_list(hosts), unquote(path), parse_query(query))


def parse_query(query: str, known: Collection[str] | None = None) -> dict[str, str]:
    """Return the options of a query; all others than those that are `known` are refused."""
    try:
        found = dict(parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)))
    except ValueError:
        raise ValueError("after the ? there must be option=value&option=value") from None
    for name in found:
        if known is not None and name not in known:
            hint = did_you_mean(name, known)
            raise ValueError(f"unknown option after the ?{hint}: known are {', '.join(known)}")
    return found


def split_list(text: str) -> tuple[str, ...]:
    """Return the parts of a comma list that are not empty."""
    return tuple(part for part in map(str.strip, text.split(",")) if part)


def parse_host(text: str, port: int) -> tuple[str, int]:
    """Return host and port of `host`, `host:port` or `[::1]:port`; `port` is the usual one."""
    text = text.strip()
    if "@" in text:
        raise ValueError("set user and password in `user`, not in the servers")
    if "=" in text:
        raise ValueError(_NO_HOST)
    host, _, number = text.rpartition(":") if has_port(text) else (text, "", str(port))
    host = host.removeprefix("[").removesuffix("]")
    if not host or re.search(r"[\s/?#\[\],]", host):
        raise ValueError(f"not host:port: {shown_address(text)!r}")
    if not number.isascii() or not number.isdigit() or not 1 <= int(number) <= _HIGHEST_PORT:
        raise ValueError(f"port must be 1-65535, not {number!r}")
    return host, int(number)


def has_port(host: str) -> bool:
    """Whether a host names its port: `::1` alone does not."""
    return "]:" in host or (host.count(":") == 1 and not host.endswith("]"))


def parse_http_url(text: str) -> SplitResult:
    """Return the parts of a URL of http or https; without a scheme, `http` is meant."""
    try:
        url = urlsplit(text if "://" in text else f"http://{text}")
        port = url.port
    except ValueError:
        raise ValueError("not an address: expected host:port or a URL") from None
    if url.scheme not in URL_PORTS:
        raise ValueError(f"unknown scheme {url.scheme!r}: use http or https")
    if not url.hostname:
        raise ValueError("the address has no host")
    if "=" in url.hostname:
        raise ValueError(_NO_HOST)
    if url.query or url.fragment:
        raise ValueError("an address must not contain ? or #")
    if port == 0:
        raise ValueError("port must be 1-65535, not 0")
    return url


def each(parse: Callable[[str], object]) -> Validator:
    """A validator: there is at least one text, and `parse` accepts all."""

    def check(instance: object, attribute: "attrs.Attribute[Any]", value: Iterable[str]) -> None:
        texts = (value,) if isinstance(value, str) else tuple(value)
        if not texts:
            raise ValueError(f"{attribute.name} must name at least one server")
        for text in texts:
            try:
                parse(text)
            except ValueError as error:
                raise ValueError(f"{attribute.name}: {error}") from None

    return check
