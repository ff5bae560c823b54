"""The source `swarm`: services and tasks, read from a manager."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterable

from syncer import Finding, Source, SyncerError, TemporaryError, View, Workload
from syncer_docker.events.follow import Follower, Wake
from syncer_docker.events.stream import EventStream
from syncer_docker.fields import Json
from syncer_docker.swarm.client import SwarmClient
from syncer_docker.swarm.describe import RUNNING, Describer, Snapshot
from syncer_docker.swarm.examine import examine_swarm
from syncer_docker.swarm.nodes import Nodes
from syncer_docker.swarm.options import Mode, SwarmOptions

#: How often `stop` is checked, in seconds.
TICK = 0.2


class SwarmSource(Source):
    """Lists tasks, services and nodes; wakes for events, and when tasks start or end.

    A task that is being stopped is no longer among the manager's tasks that should run. Tasks that
    were seen running are therefore requested one by one until they have ended.
    """

    def __init__(self, client: SwarmClient, options: SwarmOptions, name: str = "swarm") -> None:
        self._client = client
        self._options = options
        self._name = name
        self._scope = options.scope
        self._identity = ""
        self._lock = threading.Lock()
        self._running: set[str] = set()
        self._listed: set[tuple[object, ...]] = set()
        self._follower = Follower("the event stream of the swarm", TICK)

    def scope(self) -> str:
        """Return the configured scope, else the swarm's id."""
        if not self._scope:
            self._scope = self.identity()
        return self._scope

    def identity(self) -> str:
        """Return the swarm's id, whatever its scope is."""
        if not self._identity:
            self._identity = self._client.swarm_id()
        return self._identity

    def workloads(self) -> View[Workload]:
        """Return what is up: tasks, services, or services per node, depending on the mode."""
        describer = self._describer()
        tasks = self._tasks()
        items, unclear = describer.workloads(self._snapshot(tasks))
        self._listed = _states(tasks)
        return View(items, unclear=unclear.keys(), reasons=unclear)

    def workload(self, id: str) -> Workload | None:
        """Request and return one of them."""
        describer = self._describer()
        try:
            if self._options.mode is Mode.TASKS:
                return self._task(id, describer)
            service, _, node = id.partition(".")
            snapshot = self._snapshot(self._client.tasks(service), service)
            if service not in snapshot.services:
                return None
            if self._options.mode is Mode.VIP:
                return describer.service(snapshot.services[service], snapshot)
            if node not in snapshot.nodes.by_id:
                return None
            return describer.node(snapshot.services[service], node, snapshot)
        except SyncerError:
            raise
        except Exception as error:
            raise TemporaryError(f"{id} of the swarm cannot be described: {error!r}") from error

    def _task(self, id: str, describer: Describer) -> Workload | None:
        task = self._client.task(id)
        if task is None:
            return None
        snapshot = self._snapshot([task], str(task.get("ServiceID") or "-"))
        if task.get("ServiceID") not in snapshot.services:
            return None
        return describer.task(task, snapshot)

    def _describer(self) -> Describer:
        return Describer(
            source=self._name,
            scope=self.scope(),
            mode=self._options.mode,
            labels=self._options.labels,
        )

    def _snapshot(self, tasks: list[Json], service: str = "") -> Snapshot:
        services = self._client.services(service)
        return Snapshot(
            tasks=tuple(tasks),
            services={it["ID"]: it for it in services},
            nodes=Nodes.of(self._client.nodes(), self._options),
            networks=self._client.networks() if self._options.mode is Mode.VIP else {},
        )

    def _tasks(self) -> list[Json]:
        """Return the tasks that should run, and those that still run but should not."""
        with self._lock:
            found = self._client.tasks()
            gone = self._running - {task["ID"] for task in found}
            ending = [task for id in sorted(gone) if (task := self._client.task(id))]
            tasks = [*found, *(task for task in ending if _is_running(task))]
            self._running = {task["ID"] for task in tasks if _is_running(task)}
            return tasks

    def watch(self, wake: Wake, stop: threading.Event) -> None:
        """Wake for each event and each change of tasks until `stop` is set or `close()` is called.

        Raises `TemporaryError` if the stream cannot be opened, or ends soon after.
        """

        def read(stream: EventStream) -> None:
            wake(None)
            for _ in stream.lines():
                wake(None)

        self._follower.follow(self._client.changes, read, self._task_poll(wake), stop)

    def examine(self) -> Iterable[Finding]:
        """Check the manager, and whether its services can be reached."""
        return examine_swarm(self._client, self._options)

    def close(self) -> None:
        """End a watch and close all connections."""
        self._follower.close()
        self._client.close()

    def _task_poll(self, wake: Wake) -> Callable[[], None]:
        """Return a function that polls tasks when due, and wakes if they differ from the list."""
        reported: tuple[object, object] | None = None
        due = 0.0

        def look() -> None:
            nonlocal reported, due
            if time.monotonic() < due:
                return
            # If the manager does not answer, the stream ends too, or the next listing corrects it.
            with contextlib.suppress(SyncerError):
                now, listed = _states(self._tasks()), self._listed
                if now != listed and (now, listed) != reported:
                    reported = now, listed
                    wake(None)
            due = time.monotonic() + self._options.poll.total_seconds()

        return look


def _states(tasks: Iterable[Json]) -> set[tuple[object, ...]]:
    """Return the fields of the tasks whose change is a reason to list again."""
    return {(task["ID"], _is_running(task), task.get("DesiredState")) for task in tasks}


def _is_running(task: Json) -> bool:
    return (task.get("Status") or {}).get("State") == RUNNING
