"""Addresses of hosts and workloads, CIDRs, and the ports that can be registered. Pure."""

import ipaddress
import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from ipaddress import ip_address

import attrs

from syncer.api.fields import canonical_address, is_address
from syncer.api.kinds import Reachable
from syncer.api.workloads import Host, Network, Port, Workload

FAMILIES = ("ipv4", "ipv6", "any")
#: Addresses that sockets listen on, but that no client can connect to.
WILDCARDS = frozenset(("", "0.0.0.0", "::"))
#: How many ports of a workload in the host's network count as its own.
MOST_KNOWN = 1000

_HOST_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9_.])?")
#: Names of interfaces by custom, also on hosts that have none of that name.
_INTERFACE = re.compile(
    r"(?:lo|br-[0-9a-f]{12}|en[opsx]\d\w*|wl[opsx]\d\w*"
    r"|(?:eth|bond|br|docker|vmbr|virbr|vlan|wlan|wwan|tun|tap|wg|ppp|ib|utun|tailscale|dummy)\d+)"
    r"(?:\.\d+)?"
)

_Cidr = ipaddress.IPv4Network | ipaddress.IPv6Network

# The same few host addresses are parsed for each workload; with a cache a CIDR costs no more
# than a literal address.
_canonical = lru_cache(maxsize=4096)(canonical_address)


class NoAddressError(Exception):
    """There is no usable address. The flags are those of `Choice`."""

    def __init__(self, text: str, *, unknown: bool = False, nowhere: bool = False) -> None:
        super().__init__(text)
        self.unknown, self.nowhere = unknown, nowhere


def family_of(address: str) -> str:
    """Return `ipv4` or `ipv6` for an address in canonical form, "" for anything else."""
    if ":" in address:
        return "ipv6"
    return "ipv4" if address.count(".") == 3 and address.replace(".", "").isdigit() else ""


def misses(address: str, family: str) -> bool:
    """Whether the address is not of the preferred family."""
    return family != "any" and family_of(address) not in ("", family)


def is_loopback(address: str) -> bool:
    """Whether this address (in canonical form) can be reached from its own host only."""
    return address.startswith("127.") or address == "::1"


def is_link_local(address: str) -> bool:
    """Whether the address (in canonical form) is valid on its own link only."""
    return address.startswith(("169.254.", "fe80:"))


@lru_cache(maxsize=1024)
def unusable(address: str) -> str:
    """Return why no client could connect to this address or host name; "" if one could."""
    if is_address(address):
        if address in WILDCARDS or ip_address(address).is_multicast:
            return f"clients cannot connect to {address!r}"
        zone = "has a zone (%), which means something on one machine only"
        return f"{address[:80]!r} {zone}" if "%" in address else ""
    numeric = address.replace(".", "").isdigit()
    if _HOST_NAME.fullmatch(address) and not numeric:
        return ""
    return f"{address[:80]!r} is neither an address nor a host name"


@lru_cache(maxsize=256)
def cidr(text: str) -> _Cidr | None:
    """Parse a CIDR. `None` if the text has no valid form `address/length`."""
    try:
        return ipaddress.ip_network(text, strict=False) if "/" in text else None
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def lies_in(address: str, text: str) -> bool:
    """Whether this is an address in the network that `text` writes as a CIDR."""
    network = cidr(text)
    return network is not None and is_address(address) and ip_address(address) in network


def addresses_of(host: Host) -> list[str]:
    """Return all addresses of the host in canonical form, in the system's order."""
    return [_canonical(a) for addresses in host.addresses.values() for a in addresses]


def advertised(text: str, host: Host, family: str) -> str:
    """Return the address or host name to advertise.

    `text` is an address, a host name that resolves, an interface (its first address of the
    preferred family is taken) or a CIDR (the host's first address in it). Raises `NoAddressError`.
    """
    if cidr(text) is not None:
        known = addresses_of(host)
        inside = [address for address in known if lies_in(address, text)]
        if inside:
            return inside[0]
        has = ", ".join(known) or "none known"
        raise NoAddressError(
            f"cannot advertise {text}: the host has no address in it (it has: {has})",
            unknown=True,
        )
    if family_of(text):
        return text
    if found := [_canonical(a) for a in host.addresses.get(text, ())]:
        return min(found, key=lambda a: (is_link_local(a), misses(a, family)))
    if text in host.names:
        return text
    has = ", ".join(name for name, addresses in host.addresses.items() if addresses)
    raise NoAddressError(
        f"cannot advertise {text}, which is neither an interface with an address (this host has:"
        f" {has or 'none known'}) nor a host name that resolves",
        unknown=True,
    )


def is_interface(word: str, host: Host) -> bool:
    """Whether this is an interface of the host, or called like one."""
    return word in host.addresses or _INTERFACE.fullmatch(word) is not None


def default_address(host: Host, family: str) -> str:
    """Return the host's address of this family on its default route's interface, or ""."""
    default = host.default_address
    if family == "any" or family_of(default) == family:
        return default
    for addresses in host.addresses.values():
        found = [_canonical(a) for a in addresses]
        if default in found:
            return next((a for a in found if family_of(a) == family and not is_link_local(a)), "")
    return ""


def address_on(network: Network, family: str) -> str:
    """Return the address in this network, of the preferred family if there are two."""
    if family == "ipv6":
        return network.ipv6 or network.ipv4
    return network.ipv4 or network.ipv6


def address_among(patterns: Iterable[str], networks: Sequence[Network], family: str) -> str:
    """Return the address in the network that matches the earliest pattern; "" if none matches.

    A pattern is a name, a glob over names, or a CIDR, which then also decides the family.
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


@attrs.frozen
class Subject:
    """A workload to translate, and its surroundings.

    `peer` is the workload whose network namespace it shares: `None` if it shares none, or if the
    source does not know that workload.
    """

    workload: Workload
    host: Host
    peer: Workload | None = None
    _ports: dict[str, frozenset[int]] = attrs.field(init=False, factory=dict, eq=False)

    @property
    def network_owner(self) -> Workload | None:
        """The workload whose networks and bindings count; `None` if it is unknown."""
        return self.peer if self.workload.namespace else self.workload

    @property
    def on_host(self) -> bool:
        """Whether it is in the host's network."""
        owner = self.network_owner
        return owner is not None and owner.network_mode == "host"

    @property
    def cut_off(self) -> str:
        """Why nobody reaches the workload in the network that it shares; "" if it is in that one.

        Who was started before the network's owner is in the network that the owner had before.
        """
        peer, started = self.network_owner, self.workload.started
        if peer is None or peer is self.workload or started is None or peer.started is None:
            return ""
        if started >= peer.started:
            return ""
        return (
            f"it started before {peer.name}, whose network it shares, and is still in the network "
            f"that {peer.name} had then, where nobody reaches it: restart it"
        )


def has_own_ports(owner: Workload) -> bool:
    """Whether ports are reached under their own numbers, if at all: nothing can be published."""
    if owner.network_mode in ("host", "none"):
        return True
    return any(network.direct for network in owner.networks)


def reachable(subject: Subject, *, internal: bool) -> Reachable:
    """Return the ports of a workload that can be registered, if it gets an address.

    All ports in internal mode, and where nothing can be published; else those that are published,
    by the workload itself or by the owner of the network that it shares.
    """
    workload, owner = subject.workload, subject.network_owner
    if owner is None or owner.namespace:
        return Reachable(internal=internal)
    ports = workload.ports if owner is workload else _bound_by(owner, workload.ports)
    if internal or has_own_ports(owner):
        internal = internal or owner.network_mode != "host"
        return Reachable(internal=internal, ports=ports, all_ports=ports)
    published = tuple([port for port in ports if port.bindings])
    return Reachable(ports=published, all_ports=ports)


def own_ports(subject: Subject, address: str) -> frozenset[int]:
    """Return the ports that are the workload's at this address of its host.

    The others there are those of other programs. Its own are those that it publishes, there or on
    all addresses; in the host's network those that it is known to have, if these are not so many
    that they tell nothing.
    """
    if address not in subject._ports:
        subject._ports[address] = _own_ports(subject, address)
    return subject._ports[address]


def _own_ports(subject: Subject, address: str) -> frozenset[int]:
    workload, owner = subject.workload, subject.network_owner or subject.workload
    if subject.on_host:
        known = frozenset(port.number for port in (*workload.ports, *owner.ports))
        return known if len(known) <= MOST_KNOWN else frozenset()
    # Behind the NAT of a cloud the host does not have the registered address.
    anywhere = address not in addresses_of(subject.host)
    return frozenset(
        binding.port
        for port in owner.ports
        for binding in port.bindings
        if anywhere or binding.address in (address, *WILDCARDS)
    )


def _bound_by(owner: Workload, ports: Sequence[Port]) -> tuple[Port, ...]:
    """Return the ports with the bindings that the owner of the network has for them."""
    bindings = {(port.number, port.protocol): port.bindings for port in owner.ports}
    return tuple(
        attrs.evolve(port, bindings=bindings.get((port.number, port.protocol), ()))
        for port in ports
    )
