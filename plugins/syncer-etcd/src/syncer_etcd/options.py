"""The options of an etcd sink, and how a URI becomes some of them."""

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

import attrs

from syncer import Secret, Unhealthy, bracketed, option, positive, within

SCHEMES = ("etcd", "etcds", "skydns2")
_PORT = 2379
_HIGHEST_PORT = 65535
_WITH_SCHEME = re.compile(r"^(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]*)://(?P<rest>.*)$", re.DOTALL)
#: What a query may set by its own name; other words go to the layout.
_IN_QUERY = ("prefix", "layout", "ttl", "timeout", "unhealthy", "tls_server_name")
_FILES_IN_QUERY = ("ca_file", "client_cert", "client_key")


@attrs.frozen
class Endpoint:
    """A member of the cluster; `tls` is None where the way in was not said."""

    host: str
    port: int
    tls: bool | None = None

    @property
    def address(self) -> str:
        """`host:port`, IPv6 in brackets."""
        return f"{bracketed(self.host)}:{self.port}"


def parse_endpoint(text: str) -> Endpoint:
    """An endpoint from `host`, `host:port`, `[::1]:port` or a URL of http or https.

    Raises ValueError with a reason.
    """
    tls: bool | None = None
    match = _WITH_SCHEME.match(text.strip())
    rest = text.strip()
    if match:
        if match["scheme"] not in ("http", "https"):
            raise ValueError(f"unknown scheme {match['scheme']!r}: http and https are known")
        tls, rest = match["scheme"] == "https", match["rest"].rstrip("/")
    if "@" in rest:
        raise ValueError("user and password do not belong in an endpoint, but in `user`")
    host, _, port = rest.rpartition(":") if _has_port(rest) else (rest, "", str(_PORT))
    host = host.removeprefix("[").removesuffix("]")
    if not host or re.search(r"[\s/?#\[\],]", host):
        raise ValueError(f"not host:port: {rest!r}")
    if not port.isascii() or not port.isdigit() or not 1 <= int(port) <= _HIGHEST_PORT:
        raise ValueError(f"not a port: {port!r}")
    return Endpoint(host, int(port), tls)


def _has_port(text: str) -> bool:
    """Whether a port follows: `::1` alone has none."""
    return "]:" in text or (text.count(":") == 1 and not text.endswith("]"))


def _endpoints(instance: object, attribute: "attrs.Attribute[Any]", value: Iterable[str]) -> None:
    found = []
    for text in value:
        try:
            found.append(parse_endpoint(text))
        except ValueError as error:
            raise ValueError(f"{attribute.name}: {error}") from None
    if not found:
        raise ValueError(f"{attribute.name} must name at least one member")
    if {True, False} <= {one.tls for one in found}:
        raise ValueError(f"{attribute.name}: all of http or all of https")


@attrs.frozen(kw_only=True)
class EtcdOptions:
    """A cluster, how to reach it, and how entries stand there."""

    endpoints: tuple[str, ...] = option(
        ("127.0.0.1:2379",),
        help="Members of the cluster: host:port, or URLs of http or https",
        env=("ETCDCTL_ENDPOINTS",),
        validator=_endpoints,
    )
    prefix: str = option(
        "", help="Where entries stand (default: where the layout's consumers look)"
    )
    layout: str = option(
        "registrator",
        help="Form of the entries: registrator, json, skydns, grpc, traefik, kratos, micro, ...",
    )
    layout_options: dict[str, str] = option(
        attrs.Factory(dict), help="Options of the layout, such as the domain of skydns"
    )
    ttl: timedelta = option(
        timedelta(minutes=5),
        help="How long entries outlive a syncer that is gone (at least 5s)",
        validator=within(5, 30 * 86_400),
    )
    unhealthy: Unhealthy | None = option(
        None,
        help="keep or drop instances that are not up (default: keep where the layout can tell)",
    )
    user: Secret = option(Secret(""), help="User, or user:password", env=("ETCDCTL_USER",))
    password: Secret = option(Secret(""), help="Password", env=("ETCDCTL_PASSWORD",))
    tls: bool = option(False, help="Use TLS, whatever the endpoints say")
    ca_file: Path | None = option(
        None, help="Certificates of the authorities to trust", env=("ETCDCTL_CACERT",)
    )
    client_cert: Path | None = option(
        None, help="Certificate to show to etcd", env=("ETCDCTL_CERT",)
    )
    client_key: Path | None = option(
        None, help="Its private key", env=("ETCDCTL_KEY",), secret=True
    )
    tls_server_name: str = option("", help="Name to expect in the certificates of the members")
    timeout: timedelta = option(
        timedelta(seconds=5), help="Deadline of each request", validator=positive
    )

    @property
    def members(self) -> tuple[Endpoint, ...]:
        """The endpoints, understood."""
        return tuple(parse_endpoint(text) for text in self.endpoints)

    @property
    def secure(self) -> bool:
        """Whether TLS is used."""
        named = (self.ca_file, self.client_cert, self.client_key)
        asked = self.tls or any(member.tls for member in self.members)
        plain = any(member.tls is False for member in self.members)
        return asked or (any(named) and not plain)

    @property
    def credentials(self) -> tuple[str, str]:
        """User and password; twice "" if there are none."""
        name, _, password = self.user.reveal().partition(":")
        return name, self.password.reveal() or password


def from_uri(uri: str) -> Mapping[str, Any]:
    """Options from `etcd://user:password@h1:2379,h2:2379/services?layout=json`, or without scheme.

    `etcds://` uses TLS. The path of `skydns2://host/cluster.local` is the domain. Words of the
    query that no option has belong to the layout. Raises ValueError with a reason.
    """
    match = _WITH_SCHEME.match(uri.strip())
    scheme, rest = (match["scheme"], match["rest"]) if match else ("etcd", uri.strip())
    scheme = {"http": "etcd", "https": "etcds"}.get(scheme, scheme)
    if scheme not in SCHEMES:
        raise ValueError(f"unknown scheme {scheme!r}: {', '.join(SCHEMES)} are known")
    if "#" in rest:
        raise ValueError("a # must be written %23")
    rest, _, query = rest.partition("?")
    if "@" in rest.partition("/")[2]:
        raise ValueError("before the host, a / must be written %2F; in the path, an @ %40")
    hosts, _, path = rest.partition("/")
    found: dict[str, Any] = {"tls": True} if scheme == "etcds" else {}
    found |= _from_hosts(hosts)
    extra = _from_query(query, found)
    place = unquote(path).strip("/")
    if scheme == "skydns2":
        found.setdefault("layout", "skydns")
        if place:
            extra.setdefault("domain", place)
    elif place:
        found.setdefault("prefix", f"/{unquote(path).rstrip('/')}")
    return found | ({"layout_options": extra} if extra else {})


def _from_hosts(text: str) -> dict[str, Any]:
    """Options from `user:password@h1:2379,h2:2379`."""
    found: dict[str, Any] = {}
    user, at, hosts = text.rpartition("@")
    if at:
        found["user"] = unquote(user)
    if hosts:
        found["endpoints"] = tuple(part.strip() for part in hosts.split(",") if part.strip())
        for endpoint in found["endpoints"]:
            parse_endpoint(endpoint)
    return found


def _from_query(query: str, found: dict[str, Any]) -> dict[str, str]:
    """Put what the query says of options into `found`; returns the rest."""
    extra: dict[str, str] = {}
    for name, text in parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)):
        if name in (*_IN_QUERY, *_FILES_IN_QUERY):
            found[name] = text
        elif name in ("user", "password"):
            raise ValueError(f"the {name} goes before the host: user:password@host")
        else:
            extra[name] = text
    return extra
