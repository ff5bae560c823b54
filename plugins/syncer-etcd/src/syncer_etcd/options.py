"""The options of an etcd sink, and its URIs."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs

from syncer import Secret, Unhealthy, bracketed, option, positive, within
from syncer.kits.keyvalue import Layout, load_layout
from syncer.kits.uris import URL_PORTS, each, parse_host, parse_uri

GROUP = "syncer_etcd.layouts"
SCHEMES = ("etcd", "etcds", "skydns2")
_PORT = 2379
#: Options that a query sets by their names; other words go to the layout.
_IN_QUERY = (
    *("prefix", "layout", "ttl", "timeout", "unhealthy", "tls_server_name"),
    *("ca_file", "client_cert", "client_key"),
)


@attrs.frozen
class Endpoint:
    """A member of the cluster; `tls` is `None` if the endpoint does not say."""

    host: str
    port: int
    tls: bool | None = None

    @property
    def address(self) -> str:
        """`host:port`, IPv6 in brackets."""
        return f"{bracketed(self.host)}:{self.port}"


def parse_endpoint(text: str) -> Endpoint:
    """Return the endpoint of `host`, `host:port`, `[::1]:port` or a URL; raises ValueError."""
    scheme, separator, rest = text.strip().rpartition("://")
    if separator and scheme not in URL_PORTS:
        raise ValueError(f"unknown scheme {scheme!r}: use http or https")
    tls = scheme == "https" if separator else None
    return Endpoint(*parse_host(rest.rstrip("/") if separator else rest, _PORT), tls)


def _endpoints(instance: object, attribute: "attrs.Attribute[Any]", value: Iterable[str]) -> None:
    each(parse_endpoint)(instance, attribute, value)
    if {True, False} <= {parse_endpoint(text).tls for text in value}:
        raise ValueError(f"{attribute.name}: use http for all or https for all")


@attrs.frozen(kw_only=True)
class EtcdOptions:
    """A cluster, how to reach it, and how entries are written."""

    endpoints: tuple[str, ...] = option(
        ("127.0.0.1:2379",),
        help="Members of the cluster: host:port, or URLs of http or https",
        env=("ETCDCTL_ENDPOINTS",),
        validator=_endpoints,
    )
    prefix: str = option("", help="Prefix of the keys (default: where the layout's consumers look)")
    layout: str = option(
        "registrator",
        help="Layout of the entries: registrator, json, skydns, grpc, traefik, kratos, micro, ...",
    )
    layout_options: dict[str, str] = option(
        attrs.Factory(dict), help="Options of the layout, such as the domain of skydns"
    )
    ttl: timedelta = option(
        timedelta(minutes=5),
        help="How long entries remain after syncer is gone (at least 5s)",
        validator=within(5, 30 * 86_400),
    )
    unhealthy: Unhealthy | None = option(
        None, help="keep or drop instances that are not up (default: keep if the layout shows it)"
    )
    user: Secret = option(Secret(""), help="User, or user:password", env=("ETCDCTL_USER",))
    password: Secret = option(Secret(""), help="Password", env=("ETCDCTL_PASSWORD",))
    tls: bool = option(False, help="Use TLS, whatever the endpoints say")
    ca_file: Path | None = option(
        None,
        help="CA certificates to trust",
        env=("ETCDCTL_CACERT",),
        watched=True,
    )
    client_cert: Path | None = option(
        None,
        help="Client certificate",
        env=("ETCDCTL_CERT",),
        watched=True,
    )
    client_key: Path | None = option(
        None,
        help="Private key of the client certificate",
        env=("ETCDCTL_KEY",),
        secret=True,
        watched=True,
    )
    tls_server_name: str = option("", help="Name to expect in the certificates of the members")
    timeout: timedelta = option(
        timedelta(seconds=5), help="Timeout of each request", validator=positive
    )

    @property
    def members(self) -> tuple[Endpoint, ...]:
        """The parsed endpoints."""
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
        """User and password; "" if there are none."""
        return self.user.login(self.password)


def from_uri(uri: str) -> Mapping[str, Any]:
    """Return options of `etcd://user:password@h1:2379,h2:2379/services?layout=json`.

    The scheme may be missing; `etcds://` uses TLS. The path of `skydns2://host/cluster.local` is
    the domain. Words of the query that are not options belong to the layout. Raises ValueError
    with a reason.
    """
    parts = parse_uri(uri, (*SCHEMES, *URL_PORTS), SCHEMES[0])
    found, extra = parts.options(_IN_QUERY, "endpoints", parse_endpoint)
    if parts.scheme in ("etcds", "https"):
        found["tls"] = True
    place = parts.path.strip("/")
    if parts.scheme == "skydns2":
        found.setdefault("layout", "skydns")
        if place:
            extra.setdefault("domain", place)
    elif place:
        found.setdefault("prefix", f"/{parts.path.rstrip('/')}")
    return found | ({"layout_options": extra} if extra else {})


def layout_of(options: EtcdOptions) -> Layout:
    """Return the layout that the options choose; raises ConfigError."""
    return load_layout(GROUP, options.layout, options.prefix, options.layout_options)


def registry_of(options: EtcdOptions) -> str:
    """Return a lasting name of the registry: `127.0.0.1:2379/services?layout=json`.

    Of the members it has only the first by name, so that neither their order nor a change of
    members makes another registry. The usual layout, `registrator`, is not named.
    """
    cluster = min(member.address.lower() for member in options.members)
    place = layout_of(options).base.strip("/")
    usual = attrs.fields(EtcdOptions).layout.default
    layout = "" if options.layout == usual else f"?layout={options.layout}"
    return f"{cluster}/{place}{layout}"
