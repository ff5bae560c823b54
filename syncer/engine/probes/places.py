"""The addresses that one run of a probe may connect to, found before it connects.

A name is resolved once, and the connection goes to an address that was checked: a name that means
another address a moment later (DNS rebinding) gains nothing.
"""

import asyncio
import socket
from collections.abc import Callable

import attrs

from syncer.api.checks import Probe
from syncer.api.fields import is_address
from syncer.engine.probes.rules import ProbeRules


@attrs.frozen
class Places:
    """`addresses` are the target's addresses that may be connected to, at least one.

    `own` are all addresses of the instance itself.
    """

    addresses: tuple[str, ...]
    own: frozenset[str]
    _why_not: Callable[[str, int], str]

    def check(self, address: str, port: int) -> None:
        """Raise PermissionError, with the reason, if a connection there is not allowed."""
        if why := self._why_not(address, port):
            raise PermissionError(why)


async def find_places(probe: Probe, rules: ProbeRules) -> Places:
    """Resolve and check. Raises OSError if the name has no address that is allowed."""
    own_name = probe.own or probe.address
    found = await _resolved(probe.address, probe.port)
    own = frozenset(found if own_name == probe.address else await _resolved(own_name, probe.port))

    def why_not(address: str, port: int) -> str:
        return rules.why_not(address, port, probe, own)

    reasons = {address: why_not(address, probe.port) for address in found}
    allowed = tuple(address for address, why in reasons.items() if not why)
    if not allowed:
        raise PermissionError(next(iter(reasons.values())))
    return Places(allowed, own, why_not)


async def _resolved(name: str, port: int) -> tuple[str, ...]:
    """Return the addresses of a host name, in the system's order, or the address itself."""
    if is_address(name):
        return (name,)
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(place[0]) for *_, place in found))
