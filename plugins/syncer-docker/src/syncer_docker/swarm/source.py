"""The services and tasks of a swarm, as a source of workloads; asked of a manager."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterable

from syncer import Finding, Source, SyncerError, TemporaryError, View, Workload
from syncer_docker.describe import Json
from syncer_docker.events.follow import Wake, attended, follow
from syncer_docker.events.parse import BrokenStream
from syncer_docker.swarm.client import Manager, SwarmStream
from syncer_docker.swarm.describe import RUNNING, Describer, Snapshot
from syncer_docker.swarm.examine import examined
from syncer_docker.swarm.nodes import Nodes
from syncer_docker.swarm.options import Mode, SwarmOptions

#: How often `stop` is looked at, in seconds.
TICK = 0.2


class SwarmSource(Source):
    """Lists tasks, services and nodes; wakes at events, and when tasks came or went.

    Tasks that are told to end vanish from the manager's list of those that should run. Those
    that were seen to run are asked for singly until they have ended.
    """

    def __init__(self, manager: Manager, options: SwarmOptions, name: str = "swarm") -> None:
        self._manager = manager
        self._options = options
        self._name = name
        self._scope = options.scope
        self._lock = threading.Lock()
        self._running: set[str] = set()
        self._listed: set[tuple[object, ...]] = set()
        self._closed = threading.Event()
        self._stream: SwarmStream | None = None

    def scope(self) -> str:
        """The configured scope, else the swarm's id."""
        if not self._scope:
            self._scope = self._manager.swarm_id()
        return self._scope

    # What runs

    def workloads(self) -> View[Workload]:
        """What is up: tasks, services, or services at nodes, as configured."""
        describer = self._describer()
        tasks = self._tasks()
        items, unclear = describer.workloads(self._snapshot(tasks))
        self._listed = _states(tasks)
        return View(items, unclear=unclear)

    def workload(self, id: str) -> Workload | None:
        """One of them, asked for afresh."""
        describer = self._describer()
        try:
            if self._options.mode is Mode.TASKS:
                return self._task(id, describer)
            service, _, node = id.partition(".")
            snapshot = self._snapshot(self._manager.tasks(service), service)
            if service not in snapshot.services:
                return None
            if self._options.mode is Mode.VIP:
                return describer.service(snapshot.services[service], snapshot)
            if node not in snapshot.nodes.by_id:
                return None
            return describer.node(snapshot.services[service], node, snapshot)
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            raise TemporaryError(f"{id} of the swarm cannot be described: {error!r}") from error

    def _task(self, id: str, describer: Describer) -> Workload | None:
        task = self._manager.task(id)
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
        services = self._manager.services(service)
        return Snapshot(
            tasks=tuple(tasks),
            services={it["ID"]: it for it in services},
            nodes=Nodes.of(self._manager.nodes(), self._options),
            networks=self._manager.networks() if self._options.mode is Mode.VIP else {},
        )

    def _tasks(self) -> list[Json]:
        """The tasks that should run, and those that still do though they should no more."""
        with self._lock:
            found = self._manager.tasks()
            gone = self._running - {task["ID"] for task in found}
            ending = [task for id in sorted(gone) if (task := self._manager.task(id))]
            tasks = [*found, *(task for task in ending if _alive(task))]
            self._running = {task["ID"] for task in tasks if _alive(task)}
            return tasks

    # What changes

    def watch(self, wake: Wake, stop: threading.Event) -> None:
        """Wake for each event and each change of tasks, until `stop` is set or `close()` is called.

        Raises TemporaryError if the stream cannot be opened, or ends soon after.
        """
        follow(
            lambda: self._listen(wake, stop),
            lambda: self._over(stop),
            "the event stream of the swarm",
        )

    def examine(self) -> Iterable[Finding]:
        """What is in the way of asking the manager, and of reaching what it tells."""
        return examined(self._manager, self._options)

    def close(self) -> None:
        """End a watch, and let go of connections."""
        self._closed.set()
        stream = self._stream
        if stream is not None:
            stream.close()
        self._manager.close()

    def _over(self, stop: threading.Event) -> bool:
        return stop.is_set() or self._closed.is_set()

    def _listen(self, wake: Wake, stop: threading.Event) -> str:
        """Follow one stream to its end; returns why it ended."""
        stream = self._manager.changes()
        self._stream = stream
        if self._closed.is_set():
            stream.close()
        try:
            with attended(self._name, stream, stop, self._look(wake), TICK):
                wake(None)
                for _ in stream.lines():
                    wake(None)
        except BrokenStream as error:
            return str(error)
        finally:
            self._stream = None
            stream.release()
        return "closed by the engine"

    def _look(self, wake: Wake) -> Callable[[], None]:
        """What looks at the tasks when it is time to, and wakes if they differ from the listed."""
        told: tuple[object, object] | None = None
        due = 0.0

        def look() -> None:
            nonlocal told, due
            if time.monotonic() < due:
                return
            # If the manager does not answer, the stream ends too, or the next full look sees.
            with contextlib.suppress(SyncerError):
                now, listed = _states(self._tasks()), self._listed
                if now != listed and (now, listed) != told:
                    told = now, listed
                    wake(None)
            due = time.monotonic() + self._options.poll.total_seconds()

        return look


def _states(tasks: Iterable[Json]) -> set[tuple[object, ...]]:
    """What tells one moment from another."""
    return {(task["ID"], _alive(task), task.get("DesiredState")) for task in tasks}


def _alive(task: Json) -> bool:
    return (task.get("Status") or {}).get("State") == RUNNING
