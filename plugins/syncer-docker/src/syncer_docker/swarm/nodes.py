"""The nodes of a swarm: which are selected, and the addresses of their published ports."""

import ipaddress
from collections.abc import Iterable, Mapping

import attrs

from syncer_docker.fields import Json, section
from syncer_docker.swarm.options import SwarmOptions


@attrs.frozen
class Nodes:
    """The nodes by id, and the options that select among them."""

    by_id: Mapping[str, Json]
    options: SwarmOptions

    @classmethod
    def of(cls, nodes: Iterable[Json], options: SwarmOptions) -> "Nodes":
        """Return the nodes of a listing."""
        return cls({str(node["ID"]): node for node in nodes}, options)

    def ids(self) -> list[str]:
        """Return all ids, sorted."""
        return sorted(self.by_id)

    def is_selected(self, id: str) -> bool:
        """Return whether the tasks of this node are registered."""
        return self._fits(id, self.options.node_availability)

    def has_ingress(self, id: str) -> bool:
        """Return whether the ports of the routing mesh are registered for this node."""
        return self._fits(id, self.options.node_availability or ("active", "pause"))

    def address(self, id: str) -> str:
        """Return the address of a node's ports. Raises `ValueError` if it is unknown."""
        node = self.by_id[id]
        labels = section(node, "Spec").get("Labels") or {}
        given = str(labels.get(self.options.node_address_label, "")).strip()
        manager = str(section(node, "ManagerStatus").get("Addr") or "").rpartition(":")[0]
        status = str(section(node, "Status").get("Addr") or "")
        # Some managers report 0.0.0.0 here; their peers use the other field.
        for found in (given, status, manager.removeprefix("[").removesuffix("]")):
            if found and not _unspecified(found):
                return found
        raise ValueError(f"the address of node {id} is unknown")

    def _fits(self, id: str, availability: tuple[str, ...]) -> bool:
        node = self.by_id.get(id)
        if node is None:
            return False
        spec, options = section(node, "Spec"), self.options
        return (
            _among(spec.get("Role"), options.node_roles)
            and _among(spec.get("Availability"), availability)
            and _among(section(node, "Status").get("State"), options.node_states)
            and all(_has(spec.get("Labels") or {}, wanted) for wanted in options.node_labels)
        )


def _among(word: object, wanted: tuple[str, ...]) -> bool:
    return not wanted or word in wanted


def _has(labels: Mapping[str, str], wanted: str) -> bool:
    name, equals, value = wanted.partition("=")
    return labels.get(name) == value if equals else name in labels


def _unspecified(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_unspecified
    except ValueError:
        return False
