"""Requests to a manager of a swarm."""

from collections.abc import Mapping
from typing import Any

import docker.errors

from syncer import TemporaryError
from syncer_docker.client.client import DockerClient
from syncer_docker.events.stream import EventStream
from syncer_docker.fields import Json

_EVENTS = {"type": ["service", "node"]}


class SwarmClient(DockerClient):
    """A manager of a swarm. An engine that is not a manager raises `TemporaryError`."""

    def membership(self) -> Json:
        """Return the engine's own role in a swarm; empty if it has none."""
        with self._api() as api:
            found: Json = api.info().get("Swarm") or {}
            return found

    def swarm_id(self) -> str:
        """Return the id of the swarm, which is the same on all managers."""
        with self._api():
            found = (self.membership().get("Cluster") or {}).get("ID")
            if not found:
                raise TemporaryError(
                    f"the Docker engine at {self.address} is not a swarm manager: name a manager"
                )
            return str(found)

    def tasks(self, service: str = "") -> list[Json]:
        """List tasks that should run, now or after their predecessor; of one service if given."""
        filters: dict[str, Any] = {"desired-state": ["running", "ready"]}
        return self._list("tasks", filters | ({"service": service} if service else {}))

    def services(self, service: str = "") -> list[Json]:
        """List all services, or the one with this id."""
        found = self._list("services", {"id": service} if service else {})
        return [it for it in found if not service or it["ID"] == service]

    def nodes(self) -> list[Json]:
        """List all nodes."""
        return self._list("nodes", {})

    def overlays(self) -> list[Json]:
        """List the swarm's networks, without those of the routing mesh."""
        with self._api() as api:
            found = api.networks(filters={"scope": "swarm"})
            return [it for it in found if not it.get("Ingress")]

    def networks(self) -> dict[str, str]:
        """Return the names of these networks by id."""
        with self._api():
            return {str(it["Id"]): str(it["Name"]) for it in self.overlays()}

    def task(self, id: str) -> Json | None:
        """Return one task; `None` if the swarm does not know it."""
        with self._api() as api:
            try:
                found = api.inspect_task(id)
            except docker.errors.NotFound:
                return None
            if not isinstance(found, Mapping):
                raise self._invalid("invalid task description")
            return found

    def changes(self) -> EventStream:
        """Open the stream of events of services and nodes, from now on."""
        return self.events(filters=_EVENTS)

    def _list(self, what: str, filters: Mapping[str, Any]) -> list[Json]:
        with self._api() as api:
            try:
                found = getattr(api, what)(filters=filters)
            except docker.errors.NotFound:  # tasks of a service that does not exist
                if not filters.get("service"):
                    raise
                return []
            return [*self._checked(found, "ID", what)]
