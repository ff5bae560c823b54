"""Where syncer's own probes may connect to. Pure.

Labels choose what is probed, and everybody who may start containers writes labels. So a probe
connects to the instance's own address, and elsewhere only if the operator allows it. If that is
an address of the host, only ports that the workload publishes are its own. The same holds for
redirects. Methods that could change something, and bodies, must be allowed.

Services at some addresses trust every client that reaches them: link-local addresses, the metadata
services of clouds, and the loopback of the host. These must be allowed by a network within theirs:
`0.0.0.0/0` does not include them.
"""

import ipaddress
import re
from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import Any

import attrs

from syncer.api.checks import Probe
from syncer.api.options import option

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network

#: Methods that change nothing.
SAFE = ("GET", "HEAD")
LARGEST_PORT = 65535
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


_PLACE = re.compile(r"\[(?P<six>[^]]+)\]:(?P<port6>\d+)|(?P<four>[^:]+):(?P<port>\d+)")


@attrs.frozen
class _Allowed:
    """An entry of `allow`: a network, all ports of it or one."""

    network: _Network
    port: int | None = None


def _allowed(text: str) -> _Allowed:
    """Read an address, a CIDR, or either with a port: `10.0.0.1:80`, `[2001:db8::1]:80`."""
    place = _PLACE.fullmatch(text)
    port = int(place["port"] or place["port6"]) if place else None
    try:
        network = ipaddress.ip_network((place["four"] or place["six"]) if place else text, False)
    except ValueError:
        network = None
    if network is None or (port is not None and not 0 < port <= LARGEST_PORT):
        raise ValueError(f"{text!r} is not an address or a CIDR, nor one with a port")
    return _Allowed(network, port)


def _places(instance: object, attribute: "attrs.Attribute[Any]", value: tuple[str, ...]) -> None:
    for text in value:
        _allowed(text)


def _upper(methods: Iterable[str]) -> tuple[str, ...]:
    return tuple(method.upper() for method in methods)


@attrs.frozen(kw_only=True)
class ProbeRules:
    """The table `probes`."""

    allow: tuple[str, ...] = option(
        (),
        help="Addresses and CIDRs, also with a port (10.0.0.1:80), that checks may probe in"
        " addition to the workload's own address and published ports",
        validator=_places,
    )
    methods: tuple[str, ...] = option(
        SAFE,
        help="HTTP methods that checks may use; bodies are sent only with others than GET and HEAD",
        converter=_upper,
    )
    show_answers: bool = option(
        False, help="Show what probed servers answer in log and status page, not only the outcome"
    )
    _allowed: tuple[_Allowed, ...] = attrs.field(init=False, eq=False, repr=False)

    @_allowed.default
    def _parse(self) -> tuple[_Allowed, ...]:
        return tuple(map(_allowed, self.allow))

    def why_never(self, probe: Probe) -> str:
        """Return why this probe must not run, wherever it goes; "" if it may.

        What labels choose to send could be an order to a service that trusts this host.
        """
        if probe.kind not in ("http", "https"):
            return ""
        if probe.method not in self.methods:
            return f"probes may not use {probe.method} (see the setting probes.methods)"
        if probe.body and probe.method in SAFE:
            return f"probes send no body with {probe.method} (see the setting probes.methods)"
        return ""

    def why_not(self, address: str, port: int, probe: Probe, own: Collection[str]) -> str:
        """Return why this probe must not connect to this IP address and port, or "" if it may.

        `own` are the addresses of the instance itself.
        """
        for form, guarded in _judged(address):
            mine = address in own and guarded not in _GUARDED
            if guarded in _LOOPBACK:
                mine = mine and probe.loopback and port == probe.port
            free = probe.own_ports is None or port in probe.own_ports
            if (mine and free) or self._allows(form, port, guarded):
                continue
            what = f"{address}, port {port}: the workload does not publish it" if mine else address
            return f"probes may not go to {what} (see the setting probes.allow)"
        return ""

    def _allows(self, address: _Address, port: int, guarded: _Network | None) -> bool:
        return any(
            address in one.network
            and one.port in (None, port)
            and (guarded is None or _inside(one.network, guarded))
            for one in self._allowed
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
