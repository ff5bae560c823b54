"""The addresses of the machine that syncer runs on, and of a remote engine."""

import ipaddress
import socket
from collections.abc import Mapping

import ifaddr

# Nothing is sent there: the system only chooses the address it would send from.
_ELSEWHERE = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))


def by_interface() -> Mapping[str, tuple[str, ...]]:
    """The addresses of each interface of this machine, in the system's order.

    Not those of IPv6 that hold on one link only: nobody can use one without knowing the link, and
    each container that comes or goes brings or takes an interface which has no other.
    """
    found = {}
    for adapter in ifaddr.get_adapters():
        addresses = [str(ip.ip if ip.is_IPv4 else ip.ip[0]) for ip in adapter.ips]
        if useful := tuple(address for address in addresses if not _on_one_link(address)):
            found[adapter.nice_name] = useful
    return found


def _on_one_link(address: str) -> bool:
    known = ipaddress.ip_address(address)
    return known.version == 6 and known.is_link_local


def towards_default_route() -> str:
    """The address that a packet along the default route would carry; "" if there is none."""
    for family, there in _ELSEWHERE:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect((there, 9))
                return str(probe.getsockname()[0])
            except OSError:
                continue
    return ""


def resolve(host: str) -> str:
    """The first address of a host, IPv4 if it has one; "" if it cannot be found."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return ""
    found.sort(key=lambda item: item[0] is not socket.AF_INET)
    return str(found[0][4][0]) if found else ""
