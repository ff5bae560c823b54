"""The stage of one measurement: an engine, a registry, and syncer or a bare client between them."""

import contextlib
import functools
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import urllib3

from benchmarks.best import best
from benchmarks.engines import ENGINES
from benchmarks.registries import KINDS, SCOPE, Instance, Registry, each
from servers.process import Guard, Server

SETTINGS = ("sources.docker.addresses.internal=true", f"sources.docker.scope={SCOPE}")
#: Instances with which the best concurrency is tried out.
TRIED = 1000
#: Seconds that anything may take.
DEADLINE = 600.0


class Stage:
    """One engine, of containers that are started before, and one registry."""

    def __init__(self, guard: Guard, registry: str, containers: int, engine: str) -> None:
        self._guard = guard
        self.engine = ENGINES[engine](guard, containers)
        self.docker = self.engine.docker
        server = KINDS[registry].make(guard)
        server.start()
        self.registry: Registry = KINDS[registry](server)
        #: The checkout that programs run from; None: the one of this benchmark.
        self.checkout: Path | None = None
        self._runs = 0
        self._readers = 4

    def syncer(self, *more: str) -> Server:
        """A `syncer run`, begun."""
        source = ["--source", f"docker={self.docker.address}", "--sink", self.registry.sink()]
        settings = [word for setting in SETTINGS for word in ("--set", setting)]
        return self.program("-m", "syncer", "run", *source, *settings, *more)

    def parts(self) -> dict[str, float]:
        """What each part of a start takes, and of a cycle at rest; see `benchmarks.parts`."""
        where = (f"docker={self.docker.address}", self.registry.sink())
        program = self.program("-m", "benchmarks.parts", *where, *SETTINGS)
        wait(lambda: not program.running(), 0.05)
        found: dict[str, float] = json.loads(program.tail(1))
        return found

    def follower(self, how: str) -> Server:
        """A bare client that follows events, begun; see `benchmarks.follower`."""
        registry = self.registry
        where = (self.docker.socket, registry.name, registry.server.url, how)
        return self.program("-m", "benchmarks.follower", *map(str, where))

    def program(self, *argv: str) -> Server:
        """A program of Python in a process of its own, begun."""
        self._runs += 1
        command, env = [sys.executable, *argv], {}
        if self.checkout:
            # Entry points may differ between checkouts: the environment of its own knows them.
            own = self.checkout / ".venv/bin/python"
            command[0] = str(own) if own.exists() else sys.executable
            # `-m` looks into the working folder before all else.
            command = ["env", "-C", str(self.checkout), *command]
            sources = sorted(self.checkout.glob("plugins/*/src"))
            env["PYTHONPATH"] = os.pathsep.join(map(str, [self.checkout, *sources]))
        server = Server(self._guard, f"program{self._runs}", command, env)
        server.begin()
        return server

    def empty(self) -> None:
        """The registry holds nothing again: started anew, as long use leaves traces in it."""
        self.registry.server.restart_empty()

    def instances(self) -> list[Instance]:
        """What a bare client finds out about all containers: the list, and each one inspected."""
        return read_docker(self.docker.socket, self._readers)

    def at_best(self) -> None:
        """Have the bare client work at its best concurrency from now on."""
        self._readers, self.registry.best = best_of(self.registry.name)

    def search(self) -> tuple[int, int]:
        """The best concurrency of reading the engine, and of writing to the registry."""
        registry, path = self.registry, self.docker.socket
        readers = best("docker", lambda workers: read_docker(path, workers), lambda: None)
        instances = read_docker(path, readers)

        def put(workers: int) -> None:
            registry.best = workers
            registry.put_all(instances)

        return readers, best(registry.name, put, self.empty)

    def change(self, action: str, **body: Any) -> dict[str, Any]:
        """Have something happen to containers."""
        found: dict[str, Any] = self.docker.control(action, **body)
        return found

    def process_start(self, syncer: Server, began: float) -> float:
        """Seconds from that time of day until a `syncer run` had all loaded, by its log."""
        word, *_ = syncer.log.read_text(encoding="utf-8").split(maxsplit=1)
        return datetime.fromisoformat(word).timestamp() - began

    def wait_written(self, syncer: Server, wanted: int, since: float, before: int = 0) -> float:
        """Seconds since then until syncer had registered so many more than before, by its log.

        That it is true is asked of the registry only afterwards: to list all of it, again and
        again, would slow down what is measured.
        """
        wait(lambda: written(syncer) - before >= wanted, 0.005)
        spent = time.perf_counter() - since
        self.wait_count(wanted, since)
        return spent

    def wait_count(self, wanted: int, since: float) -> float:
        """Seconds since then until the registry holds so many; asked seldom, not to disturb."""
        while (count := self.registry.count()) != wanted:
            spent = time.perf_counter() - since
            if spent > DEADLINE:
                raise RuntimeError(f"{count} of {wanted} after {spent:.0f} s")
            time.sleep(max(0.02, spent * 0.03))
        return time.perf_counter() - since


def written(syncer: Server) -> int:
    """How many registrations a `syncer run` has made, by its log."""
    return syncer.log.read_bytes().count(b") registered in ")


@contextlib.contextmanager
def stage(registry: str, containers: int, engine: str = "fake") -> Iterator[Stage]:
    """A stage, and its end."""
    guard = Guard()
    try:
        yield Stage(guard, registry, containers, engine)
    finally:
        guard.close()


@functools.cache
def best_of(registry: str) -> tuple[int, int]:
    """The best concurrency of a bare client for engine and registry: tried out once in a run."""
    with stage(registry, TRIED) as made:
        return made.search()


def wait(condition: Callable[[], bool], pause: float = 0.0005) -> None:
    """Until it is so."""
    end = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError("waited too long")
        time.sleep(pause)


def unix_pool(path: Path) -> urllib3.HTTPConnectionPool:
    """Connections to a unix socket, used again."""
    import socket

    class Connection(urllib3.connection.HTTPConnection):
        def connect(self) -> None:
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.connect(str(path))

    pool = urllib3.HTTPConnectionPool("localhost", maxsize=32)
    pool.ConnectionCls = Connection
    return pool


def read_docker(path: Path, workers: int) -> list[Instance]:
    """All containers of an engine, listed and inspected."""
    pool = unix_pool(path)
    listed = json.loads(pool.request("GET", "/containers/json").data)
    return each(lambda one: inspected(pool, one["Id"]), listed, workers)


def inspected(pool: urllib3.HTTPConnectionPool, id_: str) -> Instance:
    """One container's service, as a bare client would register it."""
    found = json.loads(pool.request("GET", f"/containers/{id_}/json").data)
    labels, name = found["Config"]["Labels"], found["Name"].removeprefix("/")
    address = found["NetworkSettings"]["IPAddress"]
    return labels["SERVICE_NAME"], f"{SCOPE}:{name}:8000", address, 8000
