"""The options of a ZooKeeper sink, and its URIs."""

from collections.abc import Mapping
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any

import attrs

from syncer import Secret, Unhealthy, bracketed, option, positive, within
from syncer.kits.uris import each, parse_host, parse_uri

SCHEMES = ("zookeeper", "zk")
#: The path of nodes, unless configured.
DEFAULT_PREFIX = "/services"
_PORT = 2181
#: Options that a query sets by their names; other words go to the layout.
_IN_QUERY = (
    *("prefix", "layout", "session", "timeout", "unhealthy", "acl"),
    *("tls", "tls_verify", "ca_file", "client_cert", "client_key"),
)


class Acl(str, Enum):
    """The rights on nodes that are created."""

    #: Everybody may do everything.
    OPEN = "open"
    #: Everybody may read; the user that wrote a node may do everything.
    READ = "read"
    #: Only the user that wrote a node may do anything, reading included.
    CREATOR = "creator"


def parse_server(text: str) -> tuple[str, int]:
    """Return host and port of a server; raises ValueError with a reason."""
    return parse_host(text, _PORT)


def _prefix(instance: object, attribute: "attrs.Attribute[Any]", value: str) -> None:
    parts = value.strip("/").split("/")
    if parts[0] == "zookeeper":
        raise ValueError(f"{attribute.name}: /zookeeper is ZooKeeper's own")
    if value.strip("/") and not all(part not in ("", ".", "..") for part in parts):
        raise ValueError(f"{attribute.name}: {value!r} has a part that cannot be")


@attrs.frozen(kw_only=True)
class ZooKeeperOptions:
    """An ensemble, how to reach it, and how nodes are written."""

    servers: tuple[str, ...] = option(
        ("127.0.0.1:2181",), help="Servers of the ensemble: host:port", validator=each(parse_server)
    )
    prefix: str = option(DEFAULT_PREFIX, help="Path of the nodes: /services", validator=_prefix)
    layout: str = option(
        "registrator", help="Layout of the nodes: registrator, curator, spring, json, ..."
    )
    layout_options: dict[str, str] = option(attrs.Factory(dict), help="Options of the layout")
    session: timedelta = option(
        timedelta(seconds=30),
        help="How long nodes remain after syncer is gone, within the servers' bounds",
        validator=within(1, 86_400),
    )
    unhealthy: Unhealthy | None = option(
        None, help="keep or drop instances that are not up (default: keep if the layout shows it)"
    )
    user: Secret = option(Secret(""), help="User of digest authentication, or user:password")
    password: Secret = option(Secret(""), help="Its password")
    acl: Acl = option(
        Acl.OPEN, help="open, read (all may read, the user may write) or creator (the user alone)"
    )
    tls: bool = option(False, help="Use TLS")
    tls_verify: bool = option(True, help="Verify the servers' certificates and names")
    ca_file: Path | None = option(None, help="CA certificates to trust", watched=True)
    client_cert: Path | None = option(None, help="Client certificate", watched=True)
    client_key: Path | None = option(
        None,
        help="Private key of the client certificate, if in another file",
        secret=True,
        watched=True,
    )
    timeout: timedelta = option(
        timedelta(seconds=5), help="Timeout of each request", validator=positive
    )

    def __attrs_post_init__(self) -> None:
        if self.acl is not Acl.OPEN and not self.credentials:
            raise ValueError(f"acl = {self.acl.value!r} needs user and password")

    @property
    def hosts(self) -> str:
        """The servers in kazoo's form."""
        found = (parse_server(text) for text in self.servers)
        return ",".join(f"{bracketed(host)}:{port}" for host, port in found)

    @property
    def place(self) -> str:
        """The name of the registry, for people and for marks."""
        host, port = parse_server(self.servers[0])
        return f"{bracketed(host)}:{port}/{self.prefix.strip('/') or DEFAULT_PREFIX.strip('/')}"

    @property
    def secure(self) -> bool:
        """Whether TLS is used."""
        return self.tls or any((self.ca_file, self.client_cert, self.client_key))

    @property
    def credentials(self) -> str:
        """`user:password`, or "" if there is no user."""
        name, password = self.user.login(self.password)
        return f"{name}:{password}" if name else ""


def from_uri(uri: str) -> Mapping[str, Any]:
    """Return options of `zookeeper://user:password@h1:2181,h2:2181/base?layout=curator`, or `zk://`.

    The scheme may be missing. Words of the query that are not options belong to the layout.
    Raises ValueError with a reason.
    """
    parts = parse_uri(uri, SCHEMES, SCHEMES[0])
    found, extra = parts.options(_IN_QUERY, "servers", parse_server)
    if parts.path.strip("/"):
        found.setdefault("prefix", f"/{parts.path.strip('/')}")
    return found | ({"layout_options": extra} if extra else {})
