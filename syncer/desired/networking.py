"""What an address is, and which of a host's or a workload's addresses a few words mean. Pure.

And which ports of a workload can be reached.
"""

import ipaddress
import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache

import attrs

from syncer.api.fields import canonical_address
from syncer.api.kinds import Reachable
from syncer.api.model import Host, Network, Port, Workload

FAMILIES = ("ipv4", "ipv6", "any")
#: Addresses that a socket listens on, and nobody connects to.
WILDCARDS = frozenset(("", "0.0.0.0", "::"))

_HOST_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9_.])?")
#: Words that mean an interface even on a host that has none of that name.
_INTERFACE = re.compile(
    r"(?:lo|br-[0-9a-f]{12}|en[opsx]\d\w*|wl[opsx]\d\w*"
    r"|(?:eth|bond|br|docker|vmbr|virbr|vlan|wlan|wwan|tun|tap|wg|ppp|ib|utun|tailscale|dummy)\d+)"
    r"(?:\.\d+)?"
)

_Cidr = ipaddress.IPv4Network | ipaddress.IPv6Network

# The same few addresses of a host are read for each workload: remembering what they mean makes
# a CIDR cost no more than a literal address.
_canonical = lru_cache(maxsize=4096)(canonical_address)


class NoAddressError(Exception):
    """There is no usable address. `unknown`: it may well be there again in a moment."""

    def __init__(self, text: str, *, unknown: bool = False) -> None:
        super().__init__(text)
        self.unknown = unknown


def family_of(address: str) -> str:
    """`ipv4` or `ipv6` for an address in canonical form, "" for a host name or nothing."""
    if ":" in address:
        return "ipv6"
    return "ipv4" if address.count(".") == 3 and address.replace(".", "").isdigit() else ""


def misses(address: str, family: str) -> bool:
    """Whether the address is of another family than the one preferred."""
    return family != "any" and family_of(address) not in ("", family)


def is_loopback(address: str) -> bool:
    """Whether only the host itself reaches this address (in canonical form)."""
    return address.startswith("127.") or address == "::1"


def is_link_local(address: str) -> bool:
    """Whether the address (in canonical form) means nothing beyond its own link."""
    return address.startswith(("169.254.", "fe80:"))


@lru_cache(maxsize=1024)
def unusable(address: str) -> str:
    """Why nobody could connect to this address; "" if it is an address or a host name."""
    if address in WILDCARDS:
        return f"{address!r} is not an address to connect to"
    try:
        ipaddress.ip_address(address)
    except ValueError:
        numeric = address.replace(".", "").isdigit()
        if numeric or not _HOST_NAME.fullmatch(address):
            return f"{address[:80]!r} is neither an address nor a host name"
    return ""


@lru_cache(maxsize=256)
def cidr(text: str) -> _Cidr | None:
    """The network that the text writes as address/length; None if it does not."""
    if "/" not in text:
        return None
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def lies_in(address: str, text: str) -> bool:
    """Whether the address lies in the network written as a CIDR; a host name lies in none."""
    network = cidr(text)
    try:
        return network is not None and ipaddress.ip_address(address) in network
    except ValueError:
        return False


def addresses_of(host: Host) -> list[str]:
    """All addresses of the host in canonical form, in the system's order."""
    return [_canonical(a) for addresses in host.addresses.values() for a in addresses]


def advertised(text: str, host: Host, family: str) -> str:
    """The address or host name that `text` means on this host.

    An address and a host name mean themselves, an interface its first address of the preferred
    family, a CIDR the host's first address in it. Raises `NoAddressError`.
    """
    if cidr(text) is not None:
        known = addresses_of(host)
        inside = [address for address in known if lies_in(address, text)]
        if inside:
            return inside[0]
        has = ", ".join(known) or "none known"
        raise NoAddressError(
            f"no address of the host lies in {text}, which is to be advertised (it has: {has})",
            unknown=True,
        )
    if family_of(text):
        return text
    if text in host.addresses:
        found = [_canonical(a) for a in host.addresses[text]]
        if found:
            return min(found, key=lambda a: (is_link_local(a), misses(a, family)))
        raise NoAddressError(f"the host's interface {text} has no address now", unknown=True)
    if _INTERFACE.fullmatch(text):
        has = ", ".join(host.addresses) or "none known"
        raise NoAddressError(
            f"the host has no interface {text} (it has: {has}): advertise another, or an address",
            unknown=True,
        )
    return text


def default_address(host: Host, family: str) -> str:
    """The host's address of this family on the interface of its default route, or ""."""
    default = host.default_address
    if family == "any" or family_of(default) == family:
        return default
    for addresses in host.addresses.values():
        found = [_canonical(a) for a in addresses]
        if default in found:
            return next((a for a in found if family_of(a) == family and not is_link_local(a)), "")
    return ""


def address_on(network: Network, family: str) -> str:
    """The address in this network, of the preferred family if it has both."""
    if family == "ipv6":
        return network.ipv6 or network.ipv4
    return network.ipv4 or network.ipv6


def address_among(patterns: Iterable[str], networks: Sequence[Network], family: str) -> str:
    """The address in the first network that fits the first pattern that any network fits.

    A pattern is a name, a glob over names, or a CIDR, which then also decides the family.
    Returns "" if no network fits.
    """
    for pattern in patterns:
        by_address = cidr(pattern) is not None
        for network in networks:
            if by_address:
                for address in (network.ipv4, network.ipv6):
                    if lies_in(address, pattern):
                        return address
            elif network.name == pattern or fnmatchcase(network.name, pattern):
                return address_on(network, family)
    return ""


def reachable(workload: Workload, peer: Workload | None, *, internal: bool) -> Reachable:
    """The ports of a workload that can be registered: those published, or all in internal mode.

    `peer` is the workload whose network namespace this one shares, if it does: its bindings
    count. In the host's network all ports can be registered, without a network none.
    """
    place = peer if workload.namespace else workload
    if place is None or place.namespace or place.network_mode == "none":
        return Reachable(internal=internal)
    ports = workload.ports if place is workload else _bound_by(place, workload.ports)
    if internal or place.network_mode == "host":
        return Reachable(internal=internal, ports=ports, all_ports=ports)
    published = tuple([port for port in ports if port.bindings])
    return Reachable(ports=published, all_ports=ports)


def _bound_by(place: Workload, ports: Sequence[Port]) -> tuple[Port, ...]:
    """The ports with the bindings that the owner of the network has for them."""
    bindings = {(port.number, port.protocol): port.bindings for port in place.ports}
    return tuple(
        attrs.evolve(port, bindings=bindings.get((port.number, port.protocol), ()))
        for port in ports
    )
