"""Where syncer's own probes may connect to. Pure.

Labels choose what is probed, and everybody who may start containers writes labels. So a probe
connects to the instance's own address, and elsewhere only if the operator allows it. The same holds
for redirects. Services at some addresses trust every client that reaches them: link-local
addresses, the metadata services of clouds, and the loopback of the host. These must be allowed by a
network within theirs: `0.0.0.0/0` does not include them.
"""

import ipaddress
from collections.abc import Collection
from functools import lru_cache
from typing import Any

import attrs

from syncer.api.checks import Probe
from syncer.api.options import option

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network

#: Addresses of the host itself, which no other machine can reach.
_LOOPBACK = tuple(map(ipaddress.ip_network, ("127.0.0.0/8", "0.0.0.0/8", "::1/128", "::/128")))
#: Link-local addresses, and the metadata services of AWS, Azure, Alibaba and Oracle.
_GUARDED = tuple(
    map(
        ipaddress.ip_network,
        (
            *("169.254.0.0/16", "fe80::/10", "fd00:ec2::/32"),
            *("168.63.129.16/32", "100.100.100.200/32", "192.0.0.192/32"),
        ),
    )
)
#: IPv6 networks whose last 32 bits are the IPv4 address that is reached through them.
_TRANSLATED = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48")))


def _network(text: str) -> _Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"{text!r} is not an address or a CIDR") from None


def _networks(instance: object, attribute: "attrs.Attribute[Any]", value: tuple[str, ...]) -> None:
    for text in value:
        _network(text)


@attrs.frozen(kw_only=True)
class ProbeRules:
    """The table `probes`."""

    allow: tuple[str, ...] = option(
        (),
        help="Addresses and CIDRs that checks may probe in addition to the instance's own address",
        validator=_networks,
    )
    _allowed: tuple[_Network, ...] = attrs.field(init=False, eq=False, repr=False)

    @_allowed.default
    def _parse(self) -> tuple[_Network, ...]:
        return tuple(map(_network, self.allow))

    def why_not(self, address: str, port: int, probe: Probe, own: Collection[str]) -> str:
        """Return why this probe must not connect to this IP address and port, or "" if it may.

        `own` are the addresses of the instance itself.
        """
        for form, guarded in _judged(address):
            mine = address in own and guarded not in _GUARDED
            if guarded in _LOOPBACK:
                mine = mine and probe.loopback and port == probe.port
            if not mine and not self._allows(form, guarded):
                return f"probes may not go to {address} (see the setting probes.allow)"
        return ""

    def _allows(self, address: _Address, guarded: _Network | None) -> bool:
        return any(
            address in network and (guarded is None or _inside(network, guarded))
            for network in self._allowed
        )


def _inside(network: _Network, outer: _Network) -> bool:
    same = network.version == outer.version
    return same and network.subnet_of(outer)  # type: ignore[arg-type]


@lru_cache(maxsize=4096)
def _judged(text: str) -> tuple[tuple[_Address, _Network | None], ...]:
    """Return each form of the address, with the guarded network that contains it."""
    networks = (*_GUARDED, *_LOOPBACK)
    return tuple((form, next((n for n in networks if form in n), None)) for form in _forms(text))


def _forms(text: str) -> tuple[_Address, ...]:
    """Return the address, and the IPv4 address embedded in an IPv6 one."""
    address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv4Address):
        return (address,)
    if address.ipv4_mapped:
        return (address.ipv4_mapped,)
    inner = address.sixtofour
    if any(address in network for network in _TRANSLATED):
        inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return (address, inner) if inner else (address,)
