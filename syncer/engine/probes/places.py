"""The addresses that one run of a probe may connect to, found before it connects.

A name is resolved once, and the connection goes to an address that was checked: a name that means
another address a moment later (DNS rebinding) gains nothing.
"""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Hashable
from contextlib import suppress
from functools import partial
from typing import TypeAlias

import attrs

from syncer.api.checks import Probe
from syncer.api.fields import is_address
from syncer.engine.probes.rules import ProbeRules
from syncer.engine.probes.turns import Turns

#: Finds the addresses of a host name, in the system's order. Raises OSError.
LookUp = Callable[[str], Awaitable[tuple[str, ...]]]
#: An error is a result here: nobody may be left to hear it.
_Answer: TypeAlias = "asyncio.Future[tuple[str, ...] | Exception]"


@attrs.frozen
class Places:
    """`addresses` are the target's addresses that may be connected to, at least one.

    `own` are all addresses of the instance itself; `look_up` is for names in redirects.
    """

    addresses: tuple[str, ...]
    own: frozenset[str]
    look_up: LookUp
    _why_not: Callable[[str, int], str]

    def check(self, address: str, port: int) -> None:
        """Raise PermissionError, with the reason, if a connection there is not allowed."""
        if why := self._why_not(address, port):
            raise PermissionError(why)


async def find_places(probe: Probe, rules: ProbeRules, names: "Names") -> Places:
    """Resolve and check. Raises OSError if the name has no address that is allowed."""
    look_up = partial(names.addresses, whose=whose(probe), timeout=probe.timeout)
    own_name = probe.own or probe.address
    if why := rules.why_never(probe):
        raise PermissionError(why)
    found = await look_up(probe.address)
    own = frozenset(found if own_name == probe.address else await look_up(own_name))

    def why_not(address: str, port: int) -> str:
        return rules.why_not(address, port, probe, own)

    reasons = {address: why_not(address, probe.port) for address in found}
    allowed = tuple(address for address, why in reasons.items() if not why)
    if not allowed:
        raise PermissionError(next(iter(reasons.values())))
    return Places(allowed, own, look_up, why_not)


def whose(probe: Probe) -> Hashable:
    """Return the workload whose turns this probe takes; one of no workload takes its own."""
    return probe.workload or probe


class Names:
    """Looks names up by the system, each in a thread: up to `most`, and `each` for one workload.

    The system may take long and cannot be interrupted. A turn is over when the system has
    answered, not when nobody waits any more: otherwise slow names would need more and more
    threads. These are daemons, so that they do not keep the process from ending.
    """

    def __init__(self, most: int, each: int) -> None:
        self._turns = Turns(most, each)

    async def addresses(self, name: str, *, whose: Hashable, timeout: float) -> tuple[str, ...]:
        """Return the addresses of a name, or the address itself.

        Raises OSError, or TimeoutError if the system takes longer. Waiting for a turn does not
        count: that others look up slow names must not make this one fail.
        """
        if is_address(name):
            return (name,)
        await self._turns.begin(whose)
        answer: _Answer = asyncio.get_running_loop().create_future()
        answer.add_done_callback(lambda _: self._turns.end(whose))
        try:
            threading.Thread(target=_look_up, args=(name, answer), daemon=True).start()
        except RuntimeError as error:  # the system has no more threads
            answer.set_result(OSError(str(error)))
        found = await asyncio.wait_for(asyncio.shield(answer), timeout)
        if isinstance(found, Exception):
            raise found
        return found


def _look_up(name: str, answer: "_Answer") -> None:
    result: tuple[str, ...] | Exception
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
        result = tuple(dict.fromkeys(str(at[0]) for *_, at in found))
    except Exception as error:  # noqa: BLE001 - a name may also be one that cannot be encoded
        result = error
    with suppress(RuntimeError):  # the loop is closed: nobody waits
        answer.get_loop().call_soon_threadsafe(answer.set_result, result)
