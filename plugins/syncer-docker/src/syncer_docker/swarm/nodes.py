"""The nodes of a swarm: which are wanted, and where their published ports are reached."""

import ipaddress
from collections.abc import Iterable, Mapping

import attrs

from syncer_docker.describe import Json
from syncer_docker.swarm.options import SwarmOptions


@attrs.frozen
class Nodes:
    """The nodes by id, and the options that choose among them."""

    by_id: Mapping[str, Json]
    options: SwarmOptions

    @classmethod
    def of(cls, nodes: Iterable[Json], options: SwarmOptions) -> "Nodes":
        """The nodes of a listing."""
        return cls({str(node["ID"]): node for node in nodes}, options)

    def ids(self) -> list[str]:
        """All nodes, in an order that never changes."""
        return sorted(self.by_id)

    def wanted(self, id: str) -> bool:
        """Whether what runs on this node is registered."""
        return self._fits(id, self.options.node_availability)

    def listens(self, id: str) -> bool:
        """Whether this node is one at which the ports of the routing mesh are registered."""
        return self._fits(id, self.options.node_availability or ("active", "pause"))

    def address(self, id: str) -> str:
        """Where the ports of a node are reached. Raises ValueError if that is not known."""
        node = self.by_id[id]
        labels = _section(node, "Spec").get("Labels") or {}
        given = str(labels.get(self.options.node_address_label, "")).strip()
        manager = str(_section(node, "ManagerStatus").get("Addr") or "")
        seen = str(_section(node, "Status").get("Addr") or "")
        # Some managers call themselves 0.0.0.0; by the other field their peers reach them.
        for found in (given, seen, _host(manager)):
            if found and not _unspecified(found):
                return found
        raise ValueError(f"the address of node {id} is not known")

    def _fits(self, id: str, availability: tuple[str, ...]) -> bool:
        node = self.by_id.get(id)
        if node is None:
            return False
        spec, options = _section(node, "Spec"), self.options
        return (
            _among(spec.get("Role"), options.node_roles)
            and _among(spec.get("Availability"), availability)
            and _among(_section(node, "Status").get("State"), options.node_states)
            and all(_has(spec.get("Labels") or {}, wanted) for wanted in options.node_labels)
        )


def _section(node: Json, key: str) -> Json:
    return node.get(key) or {}


def _among(word: object, wanted: tuple[str, ...]) -> bool:
    return not wanted or word in wanted


def _has(labels: Mapping[str, str], wanted: str) -> bool:
    name, equals, value = wanted.partition("=")
    return labels.get(name) == value if equals else name in labels


def _host(address: str) -> str:
    return address.rpartition(":")[0].removeprefix("[").removesuffix("]")


def _unspecified(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_unspecified
    except ValueError:
        return False
