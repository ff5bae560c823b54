"""The networks that a container is in: which of its addresses clients can use.

A container does not tell whether a network's driver publishes ports. The engine is asked, only for
containers that look as if theirs does not.
"""

import threading
from collections.abc import Callable, Mapping
from sys import intern

from syncer import Network, PermanentError
from syncer_docker.fields import Json, as_object, section, text

#: Descriptions of networks by id.
Known = Mapping[str, Json]
UNKNOWN: Known = {}

#: Drivers that never publish ports: clients reach containers at their own addresses.
_DIRECT = frozenset({"macvlan", "ipvlan", "l2bridge", "l2tunnel", "transparent"})
#: Drivers that list exposed ports whether these are published or not, unless they cannot.
_PUBLISHING = frozenset({"bridge", "overlay", "nat"})
#: The routing mesh of a swarm has an address in each task that no client is meant to use.
_INGRESS, _GATEWAY, _SWARM = "ingress", "docker_gwbridge", "com.docker.swarm."


class Networks:
    """Descriptions of networks; thread-safe. Each is asked for once: its driver never changes.

    An engine that refuses (a proxy in front of it may) is not asked again.
    """

    def __init__(self, ask: Callable[[str], Json | None]) -> None:
        self._ask, self._lock = ask, threading.Lock()
        self._known: dict[str, Json] = {}
        self._refused = False

    def of(self, container: Json) -> Known:
        """Return what is known of the networks of an inspected container, if that matters."""
        if not (_publishes_nothing(container) or _has_own_ingress(container)):
            return {}
        ids = sorted({text(it, "NetworkID") for it in _endpoints(container).values()} - {""})
        return {id: found for id in ids if (found := self._find(id)) is not None}

    def _find(self, id: str) -> Json | None:
        with self._lock:
            if id in self._known or self._refused:
                return self._known.get(id)
        try:
            found = self._ask(id)
        except PermanentError:
            with self._lock:
                self._refused = True
            return None
        if found is not None:
            with self._lock:
                self._known[id] = {key: found.get(key) for key in ("Driver", "Internal", "Ingress")}
        return found


def network_mode(container: Json) -> str:
    """Return the mode, with the network's name in place of an id or `default`."""
    mode = text(section(container, "HostConfig"), "NetworkMode")
    if mode == "default":
        return "bridge"
    named = [name for name, it in _endpoints(container).items() if it.get("NetworkID") == mode]
    return intern(named[0] if named else mode)


def networks_of(container: Json, labels: Json, known: Known) -> tuple[Network, ...]:
    """Return the networks of a container, inspected or listed, in no certain order.

    Those of the routing mesh are left out.
    """
    nothing = _publishes_nothing(container)
    return tuple(
        _network(name, it, direct=nothing and _is_direct(it, container, known))
        for name, it in _endpoints(container).items()
        if not _is_mesh(name, it, labels, known)
    )


def in_order(networks: tuple[Network, ...], container: Json, mode: str) -> tuple[Network, ...]:
    """Return the networks, starting with the one that Docker uses by default."""
    priorities = {
        name: int(it.get("GwPriority") or 0) for name, it in _endpoints(container).items()
    }
    return tuple(sorted(networks, key=lambda it: (-priorities[it.name], it.name != mode, it.name)))


def _endpoints(container: Json) -> dict[str, Json]:
    """Return the entries of `NetworkSettings.Networks` by network name."""
    found = section(section(container, "NetworkSettings"), "Networks")
    return {name: as_object(it, name) for name, it in found.items()}


def _network(name: str, fields: Json, *, direct: bool) -> Network:
    v4, v6 = text(fields, "IPAddress"), text(fields, "GlobalIPv6Address")
    return Network(name=intern(name), ipv4=v4, ipv6=v6, direct=direct)


def _publishes_nothing(container: Json) -> bool:
    """Whether an inspected container has an address, and not even an unpublished port listed."""
    if "Config" not in container or section(section(container, "NetworkSettings"), "Ports"):
        return False
    return any(
        text(it, "IPAddress") or text(it, "GlobalIPv6Address")
        for it in _endpoints(container).values()
    )


def _is_direct(endpoint: Json, container: Json, known: Known) -> bool:
    """Whether a network publishes no ports, and clients reach its containers themselves.

    If it is unknown: whether ports should have been published. An internal network publishes none
    either, but cannot be reached.
    """
    network = known.get(text(endpoint, "NetworkID"))
    if network is None:
        return bool(section(section(container, "HostConfig"), "PortBindings"))
    if network.get("Internal"):
        return False
    driver = network.get("Driver")
    exposed = bool(section(section(container, "Config"), "ExposedPorts"))
    return driver in _DIRECT or (exposed and driver not in _PUBLISHING)


def _is_mesh(name: str, endpoint: Json, labels: Json, known: Known) -> bool:
    """Whether this is a swarm's ingress network. Others may be called `ingress` as well."""
    if known.get(text(endpoint, "NetworkID"), {}).get("Ingress"):
        return True
    return name == _GATEWAY or (name == _INGRESS and _is_task(labels))


def _is_task(labels: Json) -> bool:
    return any(label.startswith(_SWARM) for label in labels)


def _has_own_ingress(container: Json) -> bool:
    """Whether this is a task whose ingress network may have a name of its own."""
    labels = section(section(container, "Config"), "Labels")
    return _is_task(labels) and _INGRESS not in _endpoints(container)
