"""Addresses of this machine and of remote engines."""

import ipaddress
import socket
from collections.abc import Mapping

import ifaddr

# Nothing is sent there: the system only chooses a source address.
_ELSEWHERE = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))


def by_interface() -> Mapping[str, tuple[str, ...]]:
    """Return the addresses of each interface of this machine, in the system's order.

    IPv6 link-local addresses are left out: they are useless without the link, and every container
    that starts or ends adds or removes an interface that has no other address.
    """
    found = {}
    for adapter in ifaddr.get_adapters():
        addresses = [str(ip.ip if ip.is_IPv4 else ip.ip[0]) for ip in adapter.ips]
        if useful := tuple(address for address in addresses if not _is_link_local(address)):
            found[adapter.nice_name] = useful
    return found


def _is_link_local(address: str) -> bool:
    known = ipaddress.ip_address(address)
    return known.version == 6 and known.is_link_local


def towards_default_route() -> str:
    """Return the source address of packets along the default route; "" if there is no route."""
    for family, there in _ELSEWHERE:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect((there, 9))
                return str(probe.getsockname()[0])
            except OSError:
                continue
    return ""


def resolve(host: str) -> str:
    """Return the first address of a host, preferably IPv4; "" if it cannot be resolved."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return ""
    found.sort(key=lambda item: item[0] is not socket.AF_INET)
    return str(found[0][4][0]) if found else ""
