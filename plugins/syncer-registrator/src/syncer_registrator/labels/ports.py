"""The ports of a workload that can be registered, each with its settings."""

from collections.abc import Callable

import attrs

from syncer import Reachable, Workload
from syncer.kits.labels import Problems
from syncer_registrator.labels.keys import Level, Setting
from syncer_registrator.labels.port_settings import PortSettings
from syncer_registrator.labels.precedence import PortKeys, Precedence

ReadSettings = Callable[[PortKeys], PortSettings]


@attrs.frozen
class UsablePort:
    """A port that can be registered, with its settings.

    `registered_as` is the port that a setting gives it in the registry, if any.
    """

    number: int
    protocol: str
    settings: PortSettings
    registered_as: int | None = None


def usable_ports(
    workload: Workload, reachable: Reachable, precedence: Precedence, read: ReadSettings
) -> list[UsablePort]:
    """Return the ports that can be registered, as configured or as labels ask for a port.

    If there are none: the port that `SERVICE_PORT` gives.
    """
    as_configured = {(port.number, port.protocol) for port in reachable.ports}
    found = []
    known = {(p.number, p.protocol): p for p in (*reachable.all_ports, *reachable.ports)}
    # By number and with TCP first.
    for port in sorted(known.values(), key=lambda p: (p.number, p.protocol != "tcp", p.protocol)):
        settings = read(precedence.keys_of(port.number, port.protocol))
        usable = (port.number, port.protocol) in as_configured
        if settings.internal is not None and settings.internal is not reachable.internal:
            published = bool(port.bindings) or workload.network_mode == "host"
            usable = settings.internal or published
        if usable:
            found.append(UsablePort(port.number, port.protocol, settings))
    return found or _unknown_port(workload, precedence, read)


def _unknown_port(
    workload: Workload, precedence: Precedence, read: ReadSettings
) -> list[UsablePort]:
    """Return the port that `SERVICE_PORT` gives to a workload without usable ports.

    A variable counts only if the workload has no port at all: images set `SERVICE_PORT` for
    themselves, and unpublished ports are not meant to be found.
    """
    settings = read(precedence.keys_of())
    number, setting = settings.register_port, settings.port_setting
    if number is None or setting is None or (setting.from_env and workload.ports):
        return []
    return [UsablePort(number, "tcp", read(precedence.keys_of(number, "tcp")), number)]


def with_registered_ports(ports: list[UsablePort], problems: Problems) -> list[UsablePort]:
    """Return the ports with the numbers that settings give them in the registry.

    A setting for several ports is not used, since they cannot share one number. Nor is a variable
    for all ports: it tells the program where to listen.
    """
    covered: dict[Setting, set[int]] = {}
    for port in ports:
        if port.settings.port_setting:
            covered.setdefault(port.settings.port_setting, set()).add(port.number)
    return [_with_registered_port(port, covered, problems) for port in ports]


def _with_registered_port(
    port: UsablePort, covered: dict[Setting, set[int]], problems: Problems
) -> UsablePort:
    number, setting = port.settings.register_port, port.settings.port_setting
    if port.registered_as is not None or number is None or setting is None:
        return port
    if setting.from_env and setting.selector.level is Level.ALL:
        return port
    if len(covered[setting]) > 1:
        reason = f"not used: the workload has {len(covered[setting])} ports, set one for each"
        problems.add(setting.origin, reason)
        return port
    return attrs.evolve(port, registered_as=number)
