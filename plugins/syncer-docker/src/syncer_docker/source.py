"""The source `docker`: the containers of one engine."""

import ipaddress
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import attrs

from syncer import (
    Finding,
    Host,
    Source,
    State,
    SyncerError,
    TemporaryError,
    Unclear,
    View,
    Workload,
)
from syncer_docker import addresses
from syncer_docker.client.client import DockerClient
from syncer_docker.containers.appearance import Appearance, listed, name_in
from syncer_docker.containers.cache import Cache, Description
from syncer_docker.containers.health import Probing, Silence
from syncer_docker.containers.networks import Networks
from syncer_docker.containers.stopping import Stopping
from syncer_docker.events.follow import Follower, Wake
from syncer_docker.events.parse import Event, EventKind
from syncer_docker.events.position import Position
from syncer_docker.events.stream import EventStream
from syncer_docker.examine import examine_engine

#: Threads that inspect if there are several containers to inspect.
INSPECTORS = 4
#: Failed inspections in one listing after which the rest is skipped: each may have taken the whole
#: timeout, and the engine is in trouble.
FAILURES = 8
#: How often containers are checked for overdue stops, in seconds.
TICK = 0.5

_WHOLE_ID = re.compile("[0-9a-f]{64}")


class InvalidDescription(TemporaryError):
    """The engine describes a container in a form that means nothing; `why` says which."""

    def __init__(self, id: str, why: str) -> None:
        super().__init__(f"container {id[:12]} cannot be described: {why}")
        self.why = f"the engine's description of it is not valid: {why}"


class DockerSource(Source):
    """Lists, inspects and watches the containers of an engine.

    A container is inspected if it is new, if an event reported a change, or if the list shows it
    different from its description; otherwise the cached description is used.
    """

    def __init__(
        self,
        client: DockerClient,
        name: str = "docker",
        scope: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._name = name
        self._scope = scope
        #: The id of the engine, and whether it was asked for since the last stream of events began.
        self._identity, self._asked = "", False
        self._cache = Cache()
        self._networks = Networks(client.network)
        self._silence = Silence(client.now, clock)
        self._stopping = Stopping(clock)
        self._position = Position()
        self._follower = Follower("Docker's event stream", TICK, clock)

    def scope(self) -> str:
        """Return the configured scope, else the engine's name."""
        if not self._scope:
            self._scope = self._client.name()
        return self._scope

    def identity(self) -> str:
        """Return the engine's id, which its data folder holds; "" if it has none that lasts."""
        if not self._asked:
            self._identity, self._asked = self._client.identity(self._identity), True
        return self._identity

    def host(self) -> Host:
        """Return this machine if the engine is local; for a remote engine only its address.

        An endpoint on the loopback interface counts as local.
        """
        remote = self._client.remote_host
        address = addresses.resolve(remote) if remote else ""
        if remote and not (address and ipaddress.ip_address(address).is_loopback):
            return Host(name=self.scope(), default_address=address)
        return Host(
            name=self.scope(),
            addresses=addresses.by_interface(),
            default_address=addresses.towards_default_route(),
        )

    def workloads(self) -> View[Workload]:
        """Return all containers that are up; created and ended ones are left out."""
        scope = self.scope()
        signalled = self._stopping.ids()
        # Of the list only this is kept: descriptions are large enough.
        listing, names = {}, {}
        for entry in self._client.containers():
            listing[entry["Id"]] = listed(entry)
            names[entry["Id"]] = name_in(entry)
        self._cache.retain(listing.keys())
        for id in signalled - listing.keys():
            self._stopping.clear(id)
        found: dict[str, Description] = {}
        outdated: dict[str, Appearance | None] = {}
        for id, shown in listing.items():
            description = self._cache.lookup(id, shown) if shown else None
            if description:
                found[id] = description
            else:
                outdated[id] = shown
        for id in self._silence.to_ask(_probings(found)):
            del found[id]
            outdated[id] = listing[id]
        reasons: dict[str, Unclear] = {}
        for id, answer in self._inspect_all(outdated, scope).items():
            if isinstance(answer, Description):
                found[id] = answer
            elif answer is not None:
                why = answer.why if isinstance(answer, InvalidDescription) else str(answer)
                reasons[id] = Unclear(why, names[id])
        self._silence.note(_probings(found))
        items = [self._overlaid(it) for it in found.values()]
        return View(tuple(items), unclear=reasons.keys(), reasons=reasons)

    def workload(self, id: str) -> Workload | None:
        """Inspect one container by id, name or prefix of its id.

        A removed container is returned as `exited`, not `None`, if its end was observed.
        """
        found = self._inspect(id, self.scope())
        if found is None:
            return self._cache.ended(id)
        return self._overlaid(found)

    def _overlaid(self, found: Description) -> Workload:
        """Return the workload with what its description alone does not show."""
        workload = self._stopping.overlay(found.workload, found.rule)
        if problem := self._silence.problem(workload.id, found.probing):
            return attrs.evolve(workload, problems=(*workload.problems, problem))
        return workload

    def _inspect(self, id: str, scope: str, shown: Appearance | None = None) -> Description | None:
        ticket = self._cache.begin(id)
        container = self._client.inspect(id)
        if container is None or _is_another(container, id):
            self._cache.forget(id)
            return None
        try:
            known = self._networks.of(container)
            found = Description.of(container, self._name, scope, known)
        except SyncerError:
            raise
        except Exception as error:
            raise InvalidDescription(id, str(error)) from error
        if found.workload.id == id:  # not requested by name
            self._cache.keep(id, ticket, found, shown)
        return found

    def _inspect_all(
        self, shown: Mapping[str, Appearance | None], scope: str
    ) -> dict[str, Description | SyncerError | None]:
        """Return for each container its description, `None` if it is gone, or the error."""
        failed: list[SyncerError] = []

        def inspect(id: str) -> Description | SyncerError | None:
            if len(failed) >= FAILURES:
                return failed[-1]
            try:
                return self._inspect(id, scope, shown[id])
            except InvalidDescription as error:
                return error  # the engine answers: others are described
            except SyncerError as error:
                failed.append(error)
                return error

        if len(shown) < 2:
            return {id: inspect(id) for id in shown}
        with ThreadPoolExecutor(INSPECTORS, thread_name_prefix="inspect") as pool:
            return dict(zip(shown, pool.map(inspect, shown), strict=True))

    def watch(self, wake: Wake, stop: threading.Event) -> None:
        """Wake for each relevant event until `stop` is set or `close()` is called.

        Raises `TemporaryError` if the stream cannot be opened, or ends soon after.
        """

        def read(stream: EventStream) -> None:
            self._cache.set_watched(True)
            self._asked = False  # the engine may be another one
            try:
                wake(None)
                for event in stream:
                    self._handle(event, wake)
            finally:
                self._cache.set_watched(False)

        def wake_for_overdue() -> None:
            for id in self._stopping.overdue():
                wake(id)

        self._follower.follow(self._open_stream, read, wake_for_overdue, stop)

    def take_over(self, former: Source) -> None:
        """Adopt the stops and ends that `former` observed, and continue after its last event."""
        if isinstance(former, DockerSource) and former._client.endpoint == self._client.endpoint:
            # In this order: `former` may still receive events, and notes them before it moves on.
            self._position.take_over(former._position)
            self._stopping.take_over(former._stopping)
            self._cache.take_over(former._cache)

    def examine(self) -> Iterator[Finding]:
        """Check socket, API version, permissions and clock."""
        return examine_engine(self._client)

    def close(self) -> None:
        """End a watch and close all connections."""
        self._follower.close()
        self._client.close()

    def _open_stream(self) -> EventStream:
        # The engine answers a moment before it starts to listen; `since` closes that gap.
        if not self._position.since():
            self._position.begin(self._client.now())
        return self._client.events(self._position.since())

    def _handle(self, event: Event, wake: Wake) -> None:
        """Note an event and wake for it, unless it is a repetition or says nothing new."""
        if event in self._position:
            return
        if not event.trails or not self._cache.ended(event.id):
            self._note(event)
            wake(event.id)
        self._position.record(event)

    def _note(self, event: Event) -> None:
        """Keep what the event says for the requests that follow."""
        before = self._cache.forget(event.id)
        if event.kind is EventKind.STARTED:
            self._stopping.clear(event.id)
            self._cache.note_start(event.id)
        elif event.kind is EventKind.ENDED:
            self._stopping.clear(event.id)
            self._cache.note_end(self._ended(event, before))
        elif event.kind is EventKind.SIGNALLED:
            self._stopping.sent(event.id, event.signal)

    def _ended(self, event: Event, before: Description | None) -> Workload:
        """Return the ended container as last described, or as far as the event describes it."""
        last = before.workload if before else self._cache.ended(event.id)
        if last is not None:
            return attrs.evolve(last, state=State.EXITED)
        return Workload(
            source=self._name,
            scope=self.scope(),
            id=event.id,
            name=event.name,
            image=event.image,
            state=State.EXITED,
        )


def _probings(found: Mapping[str, Description]) -> dict[str, Probing]:
    """Return when the containers that run with a health check were probed."""
    return {
        id: it.probing
        for id, it in found.items()
        if it.probing and it.workload.state is State.RUNNING
    }


def _is_another(container: Mapping[str, Any], id: str) -> bool:
    """Whether the engine found a container that is *named* like the whole id of another one."""
    return _WHOLE_ID.fullmatch(id) is not None and container.get("Id") != id
