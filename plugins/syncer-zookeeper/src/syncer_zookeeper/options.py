"""The options of a ZooKeeper sink, and how a URI becomes some of them."""

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

import attrs

from syncer import Secret, Unhealthy, bracketed, option, positive, within

SCHEMES = ("zookeeper", "zk")
#: Where nodes stand, unless it is said.
DEFAULT_PREFIX = "/services"
_PORT, _HIGHEST_PORT = 2181, 65535
_WITH_SCHEME = re.compile(r"^(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]*)://(?P<rest>.*)$", re.DOTALL)
#: What a query may set by its own name; other words go to the layout.
_IN_QUERY = (
    *("prefix", "layout", "session", "timeout", "unhealthy", "acl"),
    *("tls", "tls_verify", "ca_file", "client_cert", "client_key"),
)


class Acl(str, Enum):
    """Who may do what with the nodes that are made."""

    #: Everybody may do everything.
    OPEN = "open"
    #: Everybody may read; the user that wrote a node may do everything.
    READ = "read"
    #: Only the user that wrote a node may do anything, reading included.
    CREATOR = "creator"


def parse_server(text: str) -> tuple[str, int]:
    """Host and port from `host`, `host:port`, `[::1]:port`; raises ValueError with a reason."""
    rest = text.strip()
    if "@" in rest:
        raise ValueError("user and password do not belong among the servers, but in `user`")
    has_port = "]:" in rest or (rest.count(":") == 1 and not rest.endswith("]"))
    host, _, port = rest.rpartition(":") if has_port else (rest, "", str(_PORT))
    host = host.removeprefix("[").removesuffix("]")
    if not host or re.search(r"[\s/?#\[\],]", host):
        raise ValueError(f"not host:port: {rest!r}")
    if not port.isascii() or not port.isdigit() or not 1 <= int(port) <= _HIGHEST_PORT:
        raise ValueError(f"not a port: {port!r}")
    return host, int(port)


def _servers(instance: object, attribute: "attrs.Attribute[Any]", value: Iterable[str]) -> None:
    texts = tuple(value)
    for text in texts:
        try:
            parse_server(text)
        except ValueError as error:
            raise ValueError(f"{attribute.name}: {error}") from None
    if not texts:
        raise ValueError(f"{attribute.name} must name at least one server")


def _prefix(instance: object, attribute: "attrs.Attribute[Any]", value: str) -> None:
    parts = value.strip("/").split("/")
    if parts[0] == "zookeeper":
        raise ValueError(f"{attribute.name}: /zookeeper is ZooKeeper's own")
    if value.strip("/") and not all(part not in ("", ".", "..") for part in parts):
        raise ValueError(f"{attribute.name}: {value!r} has a part that cannot be")


@attrs.frozen(kw_only=True)
class ZooKeeperOptions:
    """An ensemble, how to reach it, and how nodes stand there."""

    servers: tuple[str, ...] = option(
        ("127.0.0.1:2181",),
        help="Servers of the ensemble: host:port",
        validator=_servers,
    )
    prefix: str = option(
        DEFAULT_PREFIX, help="Path under which nodes stand: /services", validator=_prefix
    )
    layout: str = option(
        "registrator", help="Form of the nodes: registrator, curator, spring, json, ..."
    )
    layout_options: dict[str, str] = option(attrs.Factory(dict), help="Options of the layout")
    session: timedelta = option(
        timedelta(seconds=30),
        help="How long nodes outlive a syncer that is gone, within the servers' bounds",
        validator=within(1, 86_400),
    )
    unhealthy: Unhealthy | None = option(
        None,
        help="keep or drop instances that are not up (default: keep where the layout can tell)",
    )
    user: Secret = option(Secret(""), help="User of digest authentication, or user:password")
    password: Secret = option(Secret(""), help="Its password")
    acl: Acl = option(
        Acl.OPEN,
        help="open, read (all may read, the user may write) or creator (the user alone)",
    )
    tls: bool = option(False, help="Use TLS")
    tls_verify: bool = option(True, help="Check the servers' certificates and names")
    ca_file: Path | None = option(None, help="Certificates of the authorities to trust")
    client_cert: Path | None = option(None, help="Certificate to show to the servers")
    client_key: Path | None = option(
        None, help="Its private key, if it is in another file", secret=True
    )
    timeout: timedelta = option(
        timedelta(seconds=5), help="Deadline of each request", validator=positive
    )

    def __attrs_post_init__(self) -> None:
        if self.acl is not Acl.OPEN and not self.credentials:
            raise ValueError(f"acl = {self.acl.value!r} needs user and password")

    @property
    def hosts(self) -> str:
        """The servers, as kazoo takes them."""
        found = (parse_server(text) for text in self.servers)
        return ",".join(f"{bracketed(host)}:{port}" for host, port in found)

    @property
    def place(self) -> str:
        """Which registry this is, for people and for marks."""
        host, port = parse_server(self.servers[0])
        return f"{bracketed(host)}:{port}/{self.prefix.strip('/') or DEFAULT_PREFIX.strip('/')}"

    @property
    def secure(self) -> bool:
        """Whether TLS is used."""
        return self.tls or any((self.ca_file, self.client_cert, self.client_key))

    @property
    def credentials(self) -> str:
        """`user:password`, or "" if there is no user."""
        name, _, password = self.user.reveal().partition(":")
        return f"{name}:{self.password.reveal() or password}" if name else ""


def from_uri(uri: str) -> Mapping[str, Any]:
    """Options from `zookeeper://user:password@h1:2181,h2:2181/base?layout=curator`, or `zk://`.

    The scheme may be left out. Words of the query that no option has belong to the layout. Raises
    ValueError with a reason.
    """
    match = _WITH_SCHEME.match(uri.strip())
    scheme, rest = (match["scheme"], match["rest"]) if match else (SCHEMES[0], uri.strip())
    if scheme not in SCHEMES:
        raise ValueError(f"unknown scheme {scheme!r}: {', '.join(SCHEMES)} are known")
    if "#" in rest:
        raise ValueError("a # must be written %23")
    rest, _, query = rest.partition("?")
    if "@" in rest.partition("/")[2]:
        raise ValueError("before the host, a / must be written %2F; in the path, an @ %40")
    hosts, _, path = rest.partition("/")
    found = _from_hosts(hosts)
    if path.strip("/"):
        found["prefix"] = f"/{unquote(path).strip('/')}"
    extra = _from_query(query, found)
    return found | ({"layout_options": extra} if extra else {})


def _from_hosts(text: str) -> dict[str, Any]:
    """Options from `user:password@h1:2181,h2:2181`."""
    found: dict[str, Any] = {}
    user, at, hosts = text.rpartition("@")
    if at:
        found["user"] = unquote(user)
    if hosts:
        found["servers"] = tuple(part.strip() for part in hosts.split(",") if part.strip())
        for server in found["servers"]:
            parse_server(server)
    return found


def _from_query(query: str, found: dict[str, Any]) -> dict[str, str]:
    """Put what the query says of options into `found`; returns the rest."""
    extra: dict[str, str] = {}
    for name, text in parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)):
        if name in _IN_QUERY:
            found[name] = text
        elif name in ("user", "password"):
            raise ValueError(f"the {name} goes before the host: user:password@host")
        else:
            extra[name] = text
    return extra
