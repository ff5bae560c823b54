"""registrator's registry URIs, as `--sink` of syncer takes them."""

from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

import attrs

from syncer import ConfigError

#: The schemes that can be had, with the kind of sink that each of them means.
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
_REFUSED: Mapping[str, str] = {
    "etcd-legacy": "etcd's API v2 is gone since etcd 3.6, and off since 3.4: use etcd://,"
    " which writes the same keys by API v3",
}


@attrs.frozen
class Registry:
    """A registry: the kind of sink, and what `--sink` takes."""

    kind: str
    sink: str


def registry_of(uri: str) -> Registry:
    """The registry that a URI means. Raises ConfigError."""
    scheme, separator, rest = uri.partition("://")
    if not separator:
        raise ConfigError(f"bad adapter uri: {uri}: must be like consul://localhost:8500")
    if scheme in _REFUSED:
        raise ConfigError(f"{scheme}://: {_REFUSED[scheme]}")
    if scheme not in KINDS:
        raise ConfigError(f"unrecognized adapter: {uri}: there are {', '.join(KINDS)}")
    if scheme == "coredns":
        return Registry("etcd", _coredns(uri))
    if KINDS[scheme] == "eureka" and not rest.strip("/"):
        return Registry("eureka", f"{scheme}://eureka:8761")
    return Registry(KINDS[scheme], uri)


def _coredns(uri: str) -> str:
    """`coredns://host/skydns?zone=example.org` of a fork, as an etcd sink in SkyDNS' layout."""
    parts = urlsplit(uri)
    zone = parse_qs(parts.query).get("zone", [""])[0].strip(".")
    if not zone:
        raise ConfigError("coredns://: the zone is missing: coredns://host:2379/skydns?zone=NAME")
    return f"etcd://{parts.netloc}{parts.path}?layout=skydns&domain={zone}"
