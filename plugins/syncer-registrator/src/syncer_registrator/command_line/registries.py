"""registrator's registry URIs, translated for syncer's `--sink`."""

from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

import attrs

from syncer import ConfigError, shown_address

#: The supported schemes, each with its kind of sink.
KINDS: Mapping[str, str] = {
    "consul": "consul",
    "consul-tls": "consul",
    "consul-unix": "consul",
    "consulkv": "consulkv",
    "consulkv-tls": "consulkv",
    "consulkv-unix": "consulkv",
    "etcd": "etcd",
    "etcds": "etcd",
    "skydns2": "etcd",
    "coredns": "etcd",
    "zookeeper": "zookeeper",
    "eureka": "eureka",
    "eurekas": "eureka",
}


@attrs.frozen
class Registry:
    """A registry: the kind of sink, and the value of `--sink`."""

    kind: str
    sink: str


def registry_of(uri: str) -> Registry:
    """Return the registry of a URI. Raises `ConfigError`."""
    scheme, separator, rest = uri.partition("://")
    if not separator:
        raise ConfigError(
            f"bad adapter uri: {shown_address(uri)}: must look like consul://localhost:8500"
        )
    if scheme == "etcd-legacy":
        raise ConfigError(
            "etcd-legacy://: etcd's API v2 was removed in etcd 3.6, and is off since 3.4;"
            " use etcd://, which writes the same keys by API v3"
        )
    if scheme not in KINDS:
        raise ConfigError(
            f"unrecognized adapter: {shown_address(uri)}: known are {', '.join(KINDS)}"
        )
    if scheme == "coredns":
        return Registry("etcd", _coredns(uri))
    if KINDS[scheme] == "eureka" and not rest.strip("/"):
        return Registry("eureka", f"{scheme}://eureka:8761")
    return Registry(KINDS[scheme], uri)


def _coredns(uri: str) -> str:
    """Translate a fork's `coredns://host/skydns?zone=example.org` to etcd in SkyDNS' layout."""
    parts = urlsplit(uri)
    zone = parse_qs(parts.query).get("zone", [""])[0].strip(".")
    if not zone:
        raise ConfigError("coredns://: the zone is missing: coredns://host:2379/skydns?zone=NAME")
    return f"etcd://{parts.netloc}{parts.path}?layout=skydns&domain={zone}"
