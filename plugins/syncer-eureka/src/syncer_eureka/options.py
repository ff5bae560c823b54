"""The options of an Eureka sink, and their URIs."""

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any

import attrs

from syncer import Secret, Unhealthy, at_least, option, within
from syncer.kits.uris import each, parse_query
from syncer_eureka.address import Address, Credentials, parse_url, split_urls

SCHEMES = ("eureka", "eurekas")
_SCHEME = re.compile(r"^(eurekas?)://")
_IN_QUERY = (
    *("cache_delay", "lease_duration", "renewal_interval", "timeout", "connections"),
    *("unhealthy", "zone", "datacenter", "ca_file", "client_cert", "client_key"),
    "tls_skip_verify",
)


class DataCenter(str, Enum):
    """The kinds of data centre that Eureka knows."""

    MY_OWN = "MyOwn"
    AMAZON = "Amazon"


def _parse_bare(text: str) -> None:
    if parse_url(text)[1] != Credentials():
        raise ValueError("user and password belong in their own options")


@attrs.frozen(kw_only=True)
class EurekaOptions:
    """The servers, how to reach them, and how instances are registered."""

    urls: tuple[str, ...] = option(
        ("http://127.0.0.1:8761/eureka/",),
        help="Servers, peers of each other: URLs with Eureka's path (/eureka/ or /eureka/v2/)",
        env=("EUREKA_CLIENT_SERVICEURL_DEFAULTZONE",),
        validator=each(_parse_bare),
    )
    user: str = option("", help="User of HTTP basic authentication")
    password: Secret = option(Secret(""), help="Password of HTTP basic authentication")
    ca_file: Path | None = option(None, help="CA certificates to trust", watched=True)
    client_cert: Path | None = option(None, help="Client certificate", watched=True)
    client_key: Path | None = option(
        None, help="Private key of the client certificate", secret=True, watched=True
    )
    tls_skip_verify: bool = option(False, help="Do not verify the servers' certificates")
    timeout: timedelta = option(
        timedelta(seconds=5),
        help="Timeout of each request to one server",
        validator=at_least(0.1),
    )
    connections: int = option(
        4, help="Maximum number of concurrent connections", validator=within(1, 64)
    )
    cache_delay: timedelta = option(
        timedelta(seconds=35),
        help="How long the servers' lists may lag behind (their response cache: 30s)",
    )
    renewal_interval: timedelta = option(
        timedelta(seconds=30),
        help="How often each instance is renewed; the servers count on 30s",
        validator=at_least(1),
    )
    lease_duration: timedelta = option(
        timedelta(seconds=90),
        help="Minimum time instances remain after syncer is gone",
        validator=at_least(2),
    )
    unhealthy: Unhealthy = option(
        Unhealthy.KEEP, help="keep instances that are not up, as DOWN or STARTING, or drop them"
    )
    zone: str = option("", help="Metadata `zone` of instances that name none themselves")
    datacenter: DataCenter = option(DataCenter.MY_OWN, help="Data centre: MyOwn or Amazon")

    @property
    def addresses(self) -> tuple[Address, ...]:
        """The addresses of the servers, without duplicates."""
        return tuple(dict.fromkeys(parse_url(text)[0] for text in self.urls))

    @property
    def shortest_lease(self) -> timedelta:
        """A lease must outlive one late renewal, after two requests without an answer."""
        return self.renewal_interval + 2 * self.timeout

    def __attrs_post_init__(self) -> None:
        if self.lease_duration <= self.shortest_lease:
            seconds = f"{self.shortest_lease.total_seconds():g}s"
            text = f"must be longer than renewal_interval and two timeouts ({seconds})"
            raise ValueError(f"lease_duration {text}")


def from_uri(uri: str) -> Mapping[str, Any]:
    """Return options of `eureka://user:password@h1:8761,h2:8761/eureka`, `eurekas://...`, or URLs.

    A comma list of whole URLs is allowed, and options after a `?`. Raises ValueError with a reason,
    which never contains the user or password.
    """
    text, _, query = uri.strip().partition("?")
    match = _SCHEME.match(text)
    scheme = "https" if match and match[1] == "eurekas" else "http"
    urls = split_urls(_SCHEME.sub("", text), scheme)
    found: dict[str, Any] = _from_urls(urls) if urls else {}
    return found | parse_query(query, _IN_QUERY)


def _from_urls(urls: Iterable[str]) -> dict[str, Any]:
    parsed = [parse_url(url) for url in urls]
    found: dict[str, Any] = {"urls": tuple(str(address) for address, _ in parsed)}
    named = {credentials for _, credentials in parsed if credentials != Credentials()}
    if len(named) > 1:
        raise ValueError("all servers must have the same user and password")
    for credentials in named:
        found |= {"user": credentials.user, "password": credentials.password}
    return found
