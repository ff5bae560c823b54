"""Which ports of a workload can be registered, each with what its settings ask for."""

from collections.abc import Callable

import attrs

from syncer import Port, Reachable, Workload
from syncer_registrator.labels.keys import Level, Setting
from syncer_registrator.labels.port_settings import Wish
from syncer_registrator.labels.precedence import Layer, Layers
from syncer_registrator.labels.problems import Problems

Wishes = Callable[[Layer], Wish]


@attrs.frozen
class Slot:
    """A port that can be registered, and what is asked for it.

    `registered_as` is the port that a setting wants in the registry in place of the usual one.
    """

    number: int
    protocol: str
    wish: Wish
    registered_as: int | None = None


def known_ports(reachable: Reachable) -> list[Port]:
    """All ports of the workload, each once, by number and with TCP first."""
    found = {(p.number, p.protocol): p for p in (*reachable.all_ports, *reachable.ports)}
    return sorted(found.values(), key=lambda p: (p.number, p.protocol != "tcp", p.protocol))


def usable_ports(
    workload: Workload, reachable: Reachable, layers: Layers, wishes: Wishes
) -> list[Slot]:
    """The ports that can be registered: as configured, or as labels ask for a port.

    Where there are none, the one that `SERVICE_PORT` names.
    """
    as_configured = {(port.number, port.protocol) for port in reachable.ports}
    found = []
    for port in known_ports(reachable):
        wish = wishes(layers.of(port.number, port.protocol))
        usable = (port.number, port.protocol) in as_configured
        if wish.internal is not None and wish.internal is not reachable.internal:
            usable = wish.internal or bool(port.bindings) or workload.network_mode == "host"
        if usable:
            found.append(Slot(port.number, port.protocol, wish))
    return found or _unknown_port(workload, layers, wishes)


def _unknown_port(workload: Workload, layers: Layers, wishes: Wishes) -> list[Slot]:
    """The slot for a service of a workload none of whose ports can be registered.

    A variable counts only if the runtime knows of no port at all: images set `SERVICE_PORT`
    for themselves, and what they do not publish is not meant to be found.
    """
    wish = wishes(layers.everywhere())
    number, setting = wish.register_port, wish.port_setting
    if number is None or setting is None or (setting.from_env and workload.ports):
        return []
    return [Slot(number, "tcp", wishes(layers.of(number, "tcp")), number)]


def with_registered_ports(found: list[Slot], problems: Problems) -> list[Slot]:
    """The slots with the ports that settings want for them in the registry.

    A setting for several ports of the workload cannot be meant for all. A variable that names
    none tells the program where to listen, and us nothing.
    """
    covered: dict[Setting, set[int]] = {}
    for slot in found:
        if slot.wish.port_setting:
            covered.setdefault(slot.wish.port_setting, set()).add(slot.number)
    return [_with_registered_port(slot, covered, problems) for slot in found]


def _with_registered_port(slot: Slot, covered: dict[Setting, set[int]], problems: Problems) -> Slot:
    number, setting = slot.wish.register_port, slot.wish.port_setting
    if slot.registered_as is not None or number is None or setting is None:
        return slot
    if setting.from_env and setting.selector.level is Level.ALL:
        return slot
    if len(covered[setting]) > 1:
        reason = f"one port for {len(covered[setting])} ports of the workload: not used"
        problems.add(setting.origin, reason)
        return slot
    return attrs.evolve(slot, registered_as=number)
