"""Turn the engine's description of a container into a `Workload`; pure.

An invalid description raises `ValueError`: the container is unclear then, and its entries are kept.
Strings that are the same in many containers are interned.
"""

from collections.abc import Iterator
from sys import intern
from typing import Any

from syncer import Binding, Port, State, Workload
from syncer_docker.containers.health import health_in, output_in
from syncer_docker.containers.networks import (
    UNKNOWN,
    Known,
    in_order,
    network_mode,
    networks_of,
)
from syncer_docker.fields import Json, as_list, as_object, environment, moment, section, text

_STATES = {
    "created": State.CREATED,
    "running": State.RUNNING,
    "paused": State.PAUSED,
    "restarting": State.RESTARTING,
    "exited": State.EXITED,
    "removing": State.DEAD,
    "dead": State.DEAD,
    # Podman's names.
    "configured": State.CREATED,
    "initialized": State.CREATED,
    "stopping": State.STOPPING,
    "stopped": State.EXITED,
}
_LAST_PORT = 65535


def describe(container: Json, source: str, scope: str, known: Known = UNKNOWN) -> Workload:
    """Return the workload for an inspected container. Raises `ValueError` if it is invalid.

    `known` are those of its networks that the engine was asked about.
    """
    config, settings = section(container, "Config"), section(container, "NetworkSettings")
    mode = network_mode(container)
    networks = networks_of(container, section(config, "Labels"), known)
    shared = mode.startswith("container:")
    return Workload(
        source=source,
        scope=scope,
        id=text(container, "Id"),
        name=text(container, "Name").removeprefix("/"),
        state=state_of(section(container, "State")),
        health=health_in(container),
        health_output=output_in(container),
        started=moment(text(section(container, "State"), "StartedAt")),
        image=intern(text(config, "Image")),
        hostname=text(config, "Hostname"),
        labels={intern(str(key)): str(it) for key, it in section(config, "Labels").items()},
        env=environment(config),
        ports=_ports(config, settings),
        networks=in_order(networks, container, mode),
        network_mode="" if shared else mode,
        namespace=mode.partition(":")[2] if shared else "",
    )


def state_of(state: Json) -> State:
    """Return the state from the status word, corrected by the flags."""
    word = text(state, "Status")
    if word and word not in _STATES:
        raise ValueError(f"unknown state: {word!r}")
    found = _STATES[word] if word else _state_by_flags(state)
    # Between two attempts of its restart policy a container may be reported as running.
    alive = found in (State.RUNNING, State.PAUSED)
    if alive and (state.get("Restarting") is True or state.get("Pid", 1) == 0):
        return State.RESTARTING
    return found


def _state_by_flags(state: Json) -> State:
    if not state:
        raise ValueError("no state")
    flags = (("Dead", State.DEAD), ("Restarting", State.RESTARTING), ("Paused", State.PAUSED))
    for flag, meaning in flags:
        if state.get(flag) is True:
            return meaning
    return State.RUNNING if state.get("Running") is True else State.EXITED


def _ports(config: Json, settings: Json) -> tuple[Port, ...]:
    """Return all exposed and published ports, ordered by number."""
    published = section(settings, "Ports")
    found: dict[tuple[int, str], list[Binding]] = {}
    for key in section(config, "ExposedPorts"):
        for port in _port_keys(key):
            found.setdefault(port, [])
    for key, bindings in published.items():
        for port in _port_keys(key):
            found.setdefault(port, []).extend(_bindings(bindings))
    return tuple(
        Port(number=number, protocol=protocol, bindings=_ordered(bindings))
        for (number, protocol), bindings in sorted(found.items())
    )


def _port_keys(key: str) -> Iterator[tuple[int, str]]:
    """Yield number and protocol from `80/tcp`, `80` or `8000-8010/udp`."""
    numbers, _, protocol = key.partition("/")
    low, _, high = numbers.partition("-")
    last = int(high or low)
    if last > _LAST_PORT:
        raise ValueError(f"not a port: {key[:40]!r}")
    for number in range(int(low), last + 1):
        yield number, protocol or "tcp"


def _bindings(bindings: Any) -> Iterator[Binding]:
    for item in as_list(bindings, "bindings"):
        fields = as_object(item, "binding")
        number = int(text(fields, "HostPort") or 0)
        if number:  # 0 while none is assigned
            # `0.0.0.0` and `::` stay separate: the engine may give them two ports.
            yield Binding(address=text(fields, "HostIp"), port=number)


def _ordered(bindings: list[Binding]) -> tuple[Binding, ...]:
    """Return each once, IPv4 first, then by port: the engine's order is not stable."""
    return tuple(sorted(set(bindings), key=lambda b: (":" in b.address, b.port, b.address)))
