"""All that takes part: the engine, the registries, and one `syncer run` between them."""

import contextlib
import random
import sys
import time
from collections.abc import Iterator

from soak.churn import SCOPE, Churn
from soak.registries import AWAY, Registry, all_registries

from servers.fake import FakeDocker
from servers.faultproxy import FaultProxy
from servers.process import Guard, Server

INTERVAL = "2s"
#: Seconds within which everything must be equal after any fault; generous on purpose.
DEADLINE = 120.0
_PAUSE = 0.25


class Bench:
    """The parts, running."""

    def __init__(self, guard: Guard, containers: int, rng: random.Random) -> None:
        self.engine = FakeDocker(guard, "engine", containers=0)
        self.registries = all_registries(guard)
        for part in (self.engine, *(registry.server for registry in self.registries)):
            part.start()
        self.line = FaultProxy(self.engine.address, guard.folder / "line.sock")
        self.churn = Churn(self.engine, containers, rng)
        self.syncer = Server(guard, "syncer", self._command(), {"PYTHONUNBUFFERED": "1"})
        self.syncer.begin()

    def unequal(self, before: float) -> dict[str, set[str]]:
        """The sinks that are wrong about ids which did not change since then, with these ids."""
        found: dict[str, set[str]] = {}
        for registry in self.registries:
            found |= self._unequal(registry, before)
        return found

    def settle(self, since: float | None = None) -> float | None:
        """Wait until all is registered as it was to be at that time (now); the seconds since then.

        None if it is not within the deadline.
        """
        since = time.monotonic() if since is None else since
        waiting = list(self.registries)
        while time.monotonic() < since + DEADLINE:
            waiting = [registry for registry in waiting if self._unequal(registry, since)]
            if not waiting:
                return time.monotonic() - since
            time.sleep(_PAUSE)
        return None

    def _unequal(self, registry: Registry, before: float) -> dict[str, set[str]]:
        try:
            with registry.lock:
                found = registry.read()
        except AWAY as error:
            return dict.fromkeys(registry.sinks(), {repr(error)})
        wrong = {sink: self.churn.differences(held, before) for sink, held in found.items()}
        return {sink: ids for sink, ids in wrong.items() if ids}

    def _command(self) -> list[str]:
        settings = {"sources.docker.scope": SCOPE, "sources.docker.timeout": "2s"}
        argv = [sys.executable, "-m", "syncer", "run", "--log-format", "json"]
        argv += ["--source", f"docker={self.line.address}", "--advertise", "127.0.0.1"]
        argv += ["--interval", INTERVAL]
        for registry in self.registries:
            settings |= registry.settings()
            for sink in registry.sinks().values():
                argv += ["--sink", sink]
        for path, value in settings.items():
            argv += ["--set", f"{path}={value}"]
        return argv


@contextlib.contextmanager
def running(containers: int, rng: random.Random) -> Iterator[Bench]:
    """A bench whose processes all end with the block, however it ends."""
    guard = Guard()
    try:
        yield Bench(guard, containers, rng)
    finally:
        guard.close()
