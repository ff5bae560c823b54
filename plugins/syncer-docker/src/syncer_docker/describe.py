"""From the engine's description of a container to a `Workload`; pure.

What is missing or null counts as empty, since engines of different age leave out different
things. What is there and makes no sense raises `ValueError`: such a container is unclear, and
what is registered for it stays. Names that are the same in many containers are kept once.
"""

from collections.abc import Iterator, Mapping
from sys import intern
from typing import Any

from syncer import Binding, Health, Network, Port, State, Workload

Json = Mapping[str, Any]

_STATES = {
    "created": State.CREATED,
    "running": State.RUNNING,
    "paused": State.PAUSED,
    "restarting": State.RESTARTING,
    "exited": State.EXITED,
    "removing": State.DEAD,
    "dead": State.DEAD,
    # Podman's own words.
    "configured": State.CREATED,
    "initialized": State.CREATED,
    "stopping": State.STOPPING,
    "stopped": State.EXITED,
}


_LAST_PORT = 65535


def describe(container: Json, source: str, scope: str) -> Workload:
    """The workload that an inspected container is.

    Raises ValueError for a description that makes no sense.
    """
    config, host = _object(container, "Config"), _object(container, "HostConfig")
    settings = _object(container, "NetworkSettings")
    mode = _network_mode(_text(host, "NetworkMode"), settings)
    shared = mode.startswith("container:")
    return Workload(
        source=source,
        scope=scope,
        id=_text(container, "Id"),
        name=_text(container, "Name").removeprefix("/"),
        state=state_of(_object(container, "State")),
        health=health_of(_object(container, "State")),
        image=intern(_text(config, "Image")),
        hostname=_text(config, "Hostname"),
        labels=_labels(config),
        env=_env(config),
        ports=_ports(config, settings),
        networks=_networks(settings, mode),
        network_mode="" if shared else intern(mode),
        namespace=mode.partition(":")[2] if shared else "",
    )


def state_of(state: Json) -> State:
    """The state, by the word for it, and by the flags where that is not the whole truth."""
    word = _text(state, "Status")
    if word and word not in _STATES:
        raise ValueError(f"unknown state: {word!r}")
    found = _STATES[word] if word else _state_by_flags(state)
    # Between two tries of a restart policy a container may be called running.
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


def health_of(holder: Json) -> Health | None:
    """The health in `holder["Health"]`; None if the container has no health check."""
    word = _text(_object(holder, "Health"), "Status")
    return Health(word) if word not in ("", "none") else None


def binding(address: str, port: int) -> Binding:
    """A binding; `0.0.0.0` and `::` stay apart, since the engine may give them two ports."""
    return Binding(address=address, port=port)


def network(name: str, endpoint: Any) -> Network:
    """The container's place in one network, from an entry of `NetworkSettings.Networks`."""
    fields = _mapping(endpoint, name)
    return Network(
        name=intern(name), ipv4=_text(fields, "IPAddress"), ipv6=_text(fields, "GlobalIPv6Address")
    )


def networks_in(settings: Json) -> dict[str, Json]:
    """The entries of `NetworkSettings.Networks`, by name of the network."""
    return {name: _mapping(it, name) for name, it in _object(settings, "Networks").items()}


def _network_mode(mode: str, settings: Json) -> str:
    """The mode with a network's name in it, where the engine also takes an id or `default`."""
    if mode == "default":
        return "bridge"
    named = [name for name, it in networks_in(settings).items() if it.get("NetworkID") == mode]
    return named[0] if named else mode


def _networks(settings: Json, mode: str) -> tuple[Network, ...]:
    """The networks, the one that Docker itself uses by default first."""

    def rank(item: tuple[str, Json]) -> tuple[int, bool, str]:
        name, endpoint = item
        return -int(endpoint.get("GwPriority") or 0), name != mode, name

    return tuple(network(*item) for item in sorted(networks_in(settings).items(), key=rank))


def _ports(config: Json, settings: Json) -> tuple[Port, ...]:
    """All exposed and published ports, in the order of their numbers."""
    published = _object(settings, "Ports")
    found: dict[tuple[int, str], list[Binding]] = {}
    for key in _object(config, "ExposedPorts"):
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
    """Number and protocol from `80/tcp`, `80` or `8000-8010/udp`."""
    numbers, _, protocol = key.partition("/")
    low, _, high = numbers.partition("-")
    last = int(high or low)
    if last > _LAST_PORT:
        raise ValueError(f"no port: {key[:40]!r}")
    for number in range(int(low), last + 1):
        yield number, protocol or "tcp"


def _bindings(bindings: Any) -> Iterator[Binding]:
    for item in _list(bindings, "bindings"):
        fields = _mapping(item, "binding")
        number = int(_text(fields, "HostPort") or 0)
        if number:  # not given yet otherwise
            yield binding(_text(fields, "HostIp"), number)


def _ordered(bindings: list[Binding]) -> tuple[Binding, ...]:
    """Each once, IPv4 before IPv6, then by port: the engine's own order changes by itself."""
    return tuple(sorted(set(bindings), key=lambda b: (":" in b.address, b.port, b.address)))


def _labels(config: Json) -> dict[str, str]:
    return {intern(str(key)): str(value) for key, value in _object(config, "Labels").items()}


def _env(config: Json) -> dict[str, str]:
    lines = (str(line).partition("=") for line in _list(config.get("Env"), "Env"))
    return {intern(name): value for name, _, value in lines}


def _object(fields: Json, key: str) -> Json:
    return _mapping(fields.get(key), key)


def _mapping(value: Any, what: str) -> Json:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ValueError(f"{what} is not an object")
    return value


def _list(value: Any, what: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise ValueError(f"{what} is not a list")
    return value


def _text(fields: Json, key: str) -> str:
    value = fields.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"{key} is not text")
    return value
