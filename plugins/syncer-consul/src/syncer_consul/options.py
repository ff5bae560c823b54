"""The options of Consul's sinks and source, and their URIs."""

from collections.abc import Mapping
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import attrs

from syncer import Secret, Unhealthy, at_least, for_header, option, positive, within
from syncer.kits.uris import each, parse_query, split_user
from syncer_consul.address import parse_address

SCHEMES = ("consul", "consul-tls", "consul-unix")
#: The prefix of entries in the key-value store.
DEFAULT_PREFIX = "services"
KV_SCHEMES = ("consulkv", "consulkv-tls", "consulkv-unix")
#: Options that the query of a URI can set.
_IN_QUERY = ("layout", "session", "unhealthy", "prefix", "datacenter", "timeout")


@attrs.frozen(kw_only=True)
class AgentOptions:
    """One agent, and how to reach it."""

    address: str = option(
        "127.0.0.1:8500",
        help="Address of the agent: host:port, URL or unix:///path",
        env=("CONSUL_HTTP_ADDR",),
        validator=each(parse_address),
    )
    token: Secret = option(
        Secret(""), help="ACL token", env=("CONSUL_HTTP_TOKEN",), validator=for_header
    )
    token_file: Path | None = option(
        None,
        help="File with the ACL token, read again when it changes; takes precedence over the token",
        env=("CONSUL_HTTP_TOKEN_FILE",),
        secret=True,
    )
    auth: Secret = option(
        Secret(""), help="user:password of HTTP basic authentication", env=("CONSUL_HTTP_AUTH",)
    )
    ssl: bool = option(False, help="Use TLS, whatever the address says", env=("CONSUL_HTTP_SSL",))
    ssl_verify: bool = option(
        True, help="Verify the agent's certificate", env=("CONSUL_HTTP_SSL_VERIFY",)
    )
    ca_file: Path | None = option(
        None,
        help="CA certificates to trust",
        env=("CONSUL_CACERT",),
        watched=True,
    )
    ca_path: Path | None = option(
        None, help="Directory of CA certificates", env=("CONSUL_CAPATH",), watched=True
    )
    client_cert: Path | None = option(
        None,
        help="Client certificate",
        env=("CONSUL_CLIENT_CERT",),
        watched=True,
    )
    client_key: Path | None = option(
        None,
        help="Private key of the client certificate",
        env=("CONSUL_CLIENT_KEY",),
        secret=True,
        watched=True,
    )
    tls_server_name: str = option(
        "", help="Name to expect in the agent's certificate", env=("CONSUL_TLS_SERVER_NAME",)
    )
    namespace: str = option("", help="Namespace (Consul Enterprise)", env=("CONSUL_NAMESPACE",))
    partition: str = option(
        "", help="Admin partition (Consul Enterprise)", env=("CONSUL_PARTITION",)
    )
    timeout: timedelta = option(
        timedelta(seconds=10), help="Timeout of each request", validator=positive
    )
    concurrency: int = option(
        16, help="Maximum number of concurrent requests", validator=within(1, 64)
    )


@attrs.frozen(kw_only=True)
class ConsulOptions(AgentOptions):
    """How to reach the agent, and what may be registered there."""

    datacenter: str = option("", help="Expected datacenter: refuse an agent of another one")
    script_checks: bool = option(
        False, help="Let labels define checks that run commands (script, docker)"
    )
    health_ttl: timedelta = option(
        timedelta(minutes=5),
        help="How long the health that syncer reported stays valid",
        validator=at_least(3),
    )


class Consistency(str, Enum):
    """How current answers must be; see Consul's documentation of its HTTP API."""

    DEFAULT = "default"
    CONSISTENT = "consistent"
    STALE = "stale"


@attrs.frozen(kw_only=True)
class CatalogOptions(AgentOptions):
    """How to reach an agent, and which catalog to read."""

    datacenter: str = option("", help="Datacenter to read (default: the agent's own)")
    consistency: Consistency = option(
        Consistency.DEFAULT, help="default, consistent (asks the quorum) or stale (any server)"
    )


@attrs.frozen(kw_only=True)
class KvOptions(AgentOptions):
    """How to reach an agent, and where and how entries are kept in the store."""

    datacenter: str = option("", help="Datacenter whose store is written (default: the agent's)")
    prefix: str = option(DEFAULT_PREFIX, help="Prefix of the entries' keys")
    layout: str = option("registrator", help="Layout of the entries: registrator, json, ...")
    layout_options: dict[str, str] = option(attrs.Factory(dict), help="Options of the layout")
    unhealthy: Unhealthy | None = option(
        None, help="keep or drop instances that are not up (default: keep if the layout tells it)"
    )
    session: timedelta | None = option(
        None,
        help="Length of a session that removes the entries if syncer ends (default: none)",
        validator=within(10, 86_400),
    )


def kv_from_uri(uri: str) -> Mapping[str, Any]:
    """Return options of `consulkv://host:port/prefix`, `consulkv-tls://...`, a URL, or
    `consulkv-unix:///path/to/socket:/prefix`; a query sets other options: `?layout=json`.

    User and password become `auth`. Raises ValueError with a reason.
    """
    scheme, user, rest = split_user(uri)
    rest, _, query = rest.partition("?")
    found: dict[str, Any] = {"auth": user} if user else {}
    found |= parse_query(query, _IN_QUERY)
    if scheme in ("consulkv-unix", "unix"):
        socket, _, prefix = rest.partition(":")
        found["address"] = f"unix://{socket}"
    else:
        host, _, prefix = rest.partition("/")
        if scheme == "consulkv-tls":
            found["ssl"] = True
        if host:
            found["address"] = host if scheme in ("", *KV_SCHEMES) else f"{scheme}://{host}"
    if "address" in found:
        parse_address(found["address"])
    if prefix.strip("/"):
        found["prefix"] = unquote(prefix.strip("/"))
    return found


def from_uri(uri: str) -> Mapping[str, Any]:
    """Return options of `consul://host:port`, `consul-tls://...`, `consul-unix:///path`, or of an
    address.

    User and password become `auth`. Raises ValueError with a reason.
    """
    scheme, user, rest = split_user(uri)
    found: dict[str, Any] = {"auth": user} if user else {}
    if scheme == "consul-tls":
        found["ssl"] = True
    address = f"{scheme}://{rest}" if scheme else rest
    if scheme == "consul-unix":
        address = f"unix://{rest}"
    elif scheme in SCHEMES:
        if not rest:
            return found  # only the scheme: the address is configured elsewhere
        address = rest.rstrip("/")
        if "/" in address or not address:
            raise ValueError(f"{scheme}:// is followed by host:port and nothing else")
    parse_address(address)
    return {"address": address} | found
