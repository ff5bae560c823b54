"""How a container appears in the engine's list, to tell whether its description still holds.

The list shows everything about a container that can change: name, state, health, published ports,
networks. If list and description agree, the description holds and no request is needed. Engines
whose list shows less (Podman's has no health) prove less.
"""

import re
from collections.abc import Iterable

import attrs

from syncer import Binding, Health, Network, State, Workload
from syncer_docker.containers.describe import state_of
from syncer_docker.containers.health import health_of
from syncer_docker.containers.networks import UNKNOWN, networks_of
from syncer_docker.fields import Json, section

#: A container's port, its protocol, and where it is published.
Published = tuple[int, str, Binding]

_HEALTH = re.compile(r"\((?:health: )?(starting|healthy|unhealthy)\)")


@attrs.frozen
class Appearance:
    """The fields of a container that its entry in the list shows."""

    name: str
    state: State
    health: Health | None
    #: Sorted and unique. A tuple: a set of one item takes five times the memory.
    published: tuple[Published, ...]
    networks: tuple[Network, ...]


def listed(entry: Json) -> Appearance | None:
    """Return how an entry of the list shows a container; `None` if the entry is invalid."""
    try:
        state = state_of({"Status": entry.get("State") or "missing"})
        return Appearance(
            name_in(entry), state, _health(entry, state), _published(entry), _networks(entry)
        )
    except Exception:  # noqa: BLE001 - then it is inspected
        return None


def described(workload: Workload) -> Appearance:
    """Return how the list shows a container that is as described."""
    return Appearance(
        workload.name,
        workload.state,
        _shown(workload.health, workload.state),
        _ordered((p.number, p.protocol, b) for p in workload.ports for b in p.bindings),
        _by_name(workload.networks),
    )


def _shown(health: Health | None, state: State) -> Health | None:
    """Return the health that the list shows: only that of running containers."""
    return health if state is State.RUNNING else None


def name_in(entry: Json) -> str:
    """Return the container's own name: links add names below those of other containers."""
    names = entry.get("Names")
    own = [n[1:] for n in names if _is_own(n)] if isinstance(names, list) else []
    return own[0] if own else ""


def _is_own(name: object) -> bool:
    return isinstance(name, str) and name.startswith("/") and "/" not in name[1:]


def _health(entry: Json, state: State) -> Health | None:
    if entry.get("Health"):  # new engines have a field for it
        return _shown(health_of(entry), state)
    found = _HEALTH.search(entry.get("Status") or "")
    return _shown(Health(found[1]), state) if found else None


def _published(entry: Json) -> tuple[Published, ...]:
    return _ordered(
        (it["PrivatePort"], it["Type"], Binding(address=it.get("IP") or "", port=it["PublicPort"]))
        for it in entry.get("Ports") or ()
        if it.get("PublicPort")
    )


def _networks(entry: Json) -> tuple[Network, ...]:
    return _by_name(networks_of(entry, section(entry, "Labels"), UNKNOWN))


def _ordered(ports: Iterable[Published]) -> tuple[Published, ...]:
    return tuple(sorted(set(ports), key=lambda p: (p[0], p[1], p[2].address, p[2].port)))


def _by_name(networks: Iterable[Network]) -> tuple[Network, ...]:
    """Return the networks without what no list shows."""
    plain = (attrs.evolve(it, direct=False) if it.direct else it for it in networks)
    return tuple(sorted(plain, key=lambda network: network.name))
