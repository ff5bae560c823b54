"""The containers of one Docker engine, as a source of workloads."""

import contextlib
import ipaddress
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import attrs

from syncer import Finding, Host, Source, State, SyncerError, TemporaryError, View, Workload
from syncer_docker import addresses
from syncer_docker.appearance import Appearance, listed
from syncer_docker.cache import Cache, Known
from syncer_docker.client import Engine
from syncer_docker.describe import Json
from syncer_docker.events.follow import Wake, attended, follow
from syncer_docker.events.heard import Heard
from syncer_docker.events.parse import BrokenStream, Event, Kind
from syncer_docker.events.stream import EventStream
from syncer_docker.examine import examined
from syncer_docker.stopping import Stopping

#: Threads that inspect, when there is more than one container to inspect.
INSPECTORS = 4
#: Inspections that may fail in one listing before the rest is not tried: each failure may have
#: taken the whole timeout, and the engine is ill.
FAILURES = 8
#: How often overdue stops are looked for, in seconds.
TICK = 0.5


class DockerSource(Source):
    """Lists, inspects and watches the containers of an engine.

    A container is inspected when it is new, when an event said that it changed, or when the
    list shows it other than it was described; else what is known of it is used again.
    """

    def __init__(
        self,
        engine: Engine,
        name: str = "docker",
        scope: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._name = name
        self._scope = scope
        self._clock = clock
        self._cache = Cache()
        self._stopping = Stopping(clock)
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._stream: EventStream | None = None
        self._heard = Heard()

    # Who and where

    def scope(self) -> str:
        """The configured scope, else the engine's own name."""
        if not self._scope:
            self._scope = self._engine.name()
        return self._scope

    def host(self) -> Host:
        """This machine, if the engine is on it; of a remote engine only the address it has here.

        An endpoint on the loopback interface counts as this machine.
        """
        remote = self._engine.remote_host
        address = addresses.resolve(remote) if remote else ""
        if remote and not (address and ipaddress.ip_address(address).is_loopback):
            return Host(name=self.scope(), default_address=address)
        return Host(
            name=self.scope(),
            addresses=addresses.by_interface(),
            default_address=addresses.towards_default_route(),
        )

    # What runs

    def workloads(self) -> View[Workload]:
        """All containers that are up; created and ended ones are as good as absent."""
        scope = self.scope()
        signalled = self._stopping.ids()
        # Of the list only this is kept, so that it needs no memory beside the descriptions.
        listing = {entry["Id"]: _shown(entry) for entry in self._engine.containers()}
        self._cache.retain(listing.keys())
        for id in signalled - listing.keys():
            self._stopping.clear(id)
        found: dict[str, Known] = {}
        ask: dict[str, Appearance | None] = {}
        for id, shown in listing.items():
            known = self._cache.lookup(id, shown) if shown else None
            if known:
                found[id] = known
            else:
                ask[id] = shown
        asked = self._inspect_all(ask, scope)
        found |= {id: known for id, known in asked.items() if isinstance(known, Known)}
        unclear = {id for id, known in asked.items() if isinstance(known, Exception)}
        items = [self._stopping.overlay(known.workload, known.rule) for known in found.values()]
        return View(tuple(items), unclear=unclear)

    def workload(self, id: str) -> Workload | None:
        """One container by id, name or beginning of its id, asked for afresh.

        One that was seen to end and is removed by now is described as `exited`, which says
        more than None: its end was observed.
        """
        known = self._inspect(id, self.scope())
        if known is None:
            return self._cache.ended(id)
        return self._stopping.overlay(known.workload, known.rule)

    def _inspect(self, id: str, scope: str, shown: Appearance | None = None) -> Known | None:
        ticket = self._cache.begin(id)
        container = self._engine.inspect(id)
        if container is None:
            self._cache.forget(id)
            return None
        try:
            known = Known.of(container, self._name, scope)
        except ValueError as error:
            raise TemporaryError(f"container {id[:12]} cannot be described: {error}") from error
        if known.workload.id == id:  # and not asked for by its name
            self._cache.keep(id, ticket, known, shown)
        return known

    def _inspect_all(
        self, ask: Mapping[str, Appearance | None], scope: str
    ) -> dict[str, Known | Exception | None]:
        """What is known of each, None if it is gone, or why it could not be inspected."""
        failed: list[SyncerError] = []

        def inspect(id: str) -> Known | Exception | None:
            if len(failed) >= FAILURES:
                return failed[-1]
            try:
                return self._inspect(id, scope, ask[id])
            except SyncerError as error:
                failed.append(error)
                return error

        if len(ask) < 2:
            return {id: inspect(id) for id in ask}
        with ThreadPoolExecutor(INSPECTORS, thread_name_prefix="inspect") as pool:
            return dict(zip(ask, pool.map(inspect, ask), strict=True))

    # What changes

    def watch(self, wake: Wake, stop: threading.Event) -> None:
        """Wake for each event that matters, until `stop` is set or `close()` is called.

        Raises TemporaryError if the stream cannot be opened, or ends soon after.
        """
        follow(
            lambda: self._listen(wake, stop),
            lambda: self._over(stop),
            "Docker's event stream",
            self._clock,
        )

    def take_over(self, former: Source) -> None:
        """Know of stops and ends that the former has seen, and listen from its last event on."""
        if isinstance(former, DockerSource) and former._engine.endpoint == self._engine.endpoint:
            # In this order: the former may still hear, and what it has heard it has noted before.
            self._heard.take_over(former._heard)
            self._stopping.take_over(former._stopping)
            self._cache.take_over(former._cache)

    def examine(self) -> Iterator[Finding]:
        """Socket, version, rights and clock."""
        return examined(self._engine)

    def close(self) -> None:
        """End a watch, and let go of connections."""
        self._closed.set()
        with self._lock:
            stream = self._stream
        if stream is not None:
            stream.close()
        self._engine.close()

    def _over(self, stop: threading.Event) -> bool:
        return stop.is_set() or self._closed.is_set()

    def _listen(self, wake: Wake, stop: threading.Event) -> str:
        """Follow one stream to its end; returns why it ended."""
        with (
            self._opened_stream() as stream,
            attended(self._name, stream, stop, lambda: self._wake_for_overdue(wake), TICK),
        ):
            self._cache.watched(True)
            wake(None)
            try:
                for event in stream:
                    if event in self._heard:
                        continue
                    if not event.trails or not self._cache.ended(event.id):
                        self._note(event)
                        wake(event.id)
                    self._heard.add(event)
            except BrokenStream as error:
                return str(error)
            finally:
                self._cache.watched(False)
            return "closed by the engine"

    @contextlib.contextmanager
    def _opened_stream(self) -> Iterator[EventStream]:
        # The engine answers a moment before it listens: only `since` closes that gap.
        if not self._heard.since():
            self._heard.begin(self._engine.now())
        stream = self._engine.events(self._heard.since())
        with self._lock:
            self._stream = stream
        if self._closed.is_set():
            stream.close()
        try:
            yield stream
        finally:
            with self._lock:
                self._stream = None
            stream.release()

    def _wake_for_overdue(self, wake: Wake) -> None:
        for id in self._stopping.overdue():
            wake(id)

    def _note(self, event: Event) -> None:
        """Keep what the event says, for the questions that follow."""
        known = self._cache.forget(event.id)
        if event.kind is Kind.STARTED:
            self._stopping.clear(event.id)
            self._cache.revive(event.id)
        elif event.kind is Kind.ENDED:
            self._stopping.clear(event.id)
            self._cache.end(self._ended(event, known))
        elif event.kind is Kind.SIGNALLED:
            self._stopping.sent(event.id, event.signal)

    def _ended(self, event: Event, known: Known | None) -> Workload:
        """The container as it was last known, or as much as the event says of it."""
        last = known.workload if known else self._cache.ended(event.id)
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


def _shown(entry: Json) -> Appearance | None:
    """How the list shows a container; None if the entry makes no sense."""
    try:
        return listed(entry)
    except ValueError:
        return None
