"""Questions to a manager of a swarm."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import docker.errors
import docker.utils

from syncer import TemporaryError
from syncer_docker.client import QUIET, Engine
from syncer_docker.describe import Json
from syncer_docker.events.parse import Lines
from syncer_docker.events.stream import EventStream

_EVENTS = {"type": ["service", "node"]}


class SwarmStream(EventStream):
    """The events of services and nodes: that there was one is all that is used of it."""

    def lines(self) -> Iterator[bytes]:
        """The events as they come. Raises BrokenStream if something else comes."""
        lines = Lines()
        while data := self._read():
            yield from lines.feed(data)


class Manager(Engine):
    """A manager of a swarm. Errors are those of `Engine`; one that is none is temporary."""

    def membership(self) -> Json:
        """What the engine says of its own place in a swarm, if it is in one."""
        with self._asking() as client:
            found: Json = client.info().get("Swarm") or {}
            return found

    def swarm_id(self) -> str:
        """The id of the swarm, which all its managers have."""
        with self._asking():
            swarm = self.membership()
            found = (swarm.get("Cluster") or {}).get("ID")
            if not found:
                raise TemporaryError(
                    f"the Docker engine at {self.endpoint} manages no swarm: name a manager"
                )
            return str(found)

    def tasks(self, service: str = "") -> list[Json]:
        """The tasks that are meant to run, now or once another has ended; of all or one service."""
        filters: dict[str, Any] = {"desired-state": ["running", "ready"]}
        return self._list("tasks", filters | ({"service": service} if service else {}))

    def services(self, service: str = "") -> list[Json]:
        """All services, or the one with this id."""
        found = self._list("services", {"id": service} if service else {})
        return [it for it in found if not service or it["ID"] == service]

    def nodes(self) -> list[Json]:
        """All nodes."""
        return self._list("nodes", {})

    def overlays(self) -> list[Json]:
        """The swarm's networks, without those of the routing mesh."""
        with self._asking() as client:
            found = client.networks(filters={"scope": "swarm"})
            return [it for it in found if not it.get("Ingress")]

    def networks(self) -> dict[str, str]:
        """The names of these networks by id."""
        with self._asking():
            return {str(it["Id"]): str(it["Name"]) for it in self.overlays()}

    def task(self, id: str) -> Json | None:
        """One task, as it is now; None if the swarm does not know it."""
        with self._asking() as client:
            try:
                found = client.inspect_task(id)
            except docker.errors.NotFound:
                return None
            if not isinstance(found, Mapping):
                raise self._odd("the description of a task is none")
            return found

    def changes(self) -> SwarmStream:
        """The stream of events of services and nodes, from now on."""
        with self._asking() as client:
            answer = client.get(
                f"{client.base_url}/v{client.api_version}/events",
                params={"filters": docker.utils.convert_filters(_EVENTS)},
                stream=True,
                timeout=self._timeout,
            )
            if answer.status_code == 200:
                return SwarmStream(answer, quiet=QUIET)
            with contextlib.closing(answer):
                raise self._refused(answer.status_code, answer.text)

    def _list(self, what: str, filters: Mapping[str, Any]) -> list[Json]:
        with self._asking() as client:
            try:
                found = getattr(client, what)(filters=filters)
            except docker.errors.NotFound:  # tasks of a service that is not there
                if not filters.get("service"):
                    raise
                return []
            if not isinstance(found, list) or not all(isinstance(it["ID"], str) for it in found):
                raise self._odd(f"the list of {what} is none")
            return found
