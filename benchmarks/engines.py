"""Engines whose containers are started and stopped one by one: the made-up one, and a real one.

Each says when the engine's event was: asked only when its effect is there.
"""

import threading
import time
from collections.abc import Callable
from typing import Any

from servers.docker import IMAGE, DockerEngine
from servers.fake import FakeDocker
from servers.process import Guard

#: When an event was, in nanoseconds of the clock on the wall.
Moment = Callable[[], int]


class FakeEngine:
    """The made-up engine. `rounds` is how many containers are started and stopped."""

    rounds = 100

    def __init__(self, guard: Guard, containers: int) -> None:
        self.docker: Any = FakeDocker(guard, "docker", containers=containers)
        self.docker.start()

    def listeners(self) -> int:
        """How many follow its events."""
        return int(self.docker.control("stats")["listeners"])

    def begin(self, name: str, labels: dict[str, str]) -> Moment:
        """Start a container."""
        event = self.docker.control("add", name=name, labels=labels)["containers"][0]
        return lambda: int(event["timeNano"])

    def end(self, name: str) -> Moment:
        """Stop it."""
        event = self.docker.control("die", name=name)
        return lambda: int(event["timeNano"])

    def remove(self, name: str) -> None:
        """Remove it, stopped."""
        self.docker.control("rm", name=name)


class RealEngine:
    """A real engine with containers of busybox; it takes about a second for each."""

    rounds = 30

    def __init__(self, guard: Guard, containers: int) -> None:
        self.docker: Any = DockerEngine(guard)
        self.docker.start()
        for number in range(containers):
            self.docker.run(f"other{number}", labels={"SERVICE_NAME": f"other-{number}"})

    def listeners(self) -> int:
        """It does not tell: taken for one, as a stream that begins late asks for what it missed."""
        return 1

    def begin(self, name: str, labels: dict[str, str]) -> Moment:
        """Start a container that is made before; its effect may come before the engine's answer."""
        self.docker.client.api.create_container(IMAGE, name=name, labels=labels)
        return self._meanwhile(name, "start", self.docker.client.api.start)

    def end(self, name: str) -> Moment:
        """Kill it, so that no time goes for an orderly end."""
        return self._meanwhile(name, "die", self.docker.client.api.kill)

    def remove(self, name: str) -> None:
        """Remove it, stopped."""
        self.docker.remove(name)

    def _meanwhile(self, name: str, action: str, order: Callable[[str], Any]) -> Moment:
        since = int(time.time()) - 1
        ordered = threading.Thread(target=order, args=(name,))
        ordered.start()

        def moment() -> int:
            ordered.join()
            filters = {"container": name, "event": action}
            told = self.docker.client.api.events(
                since=since, until=int(time.time()) + 1, filters=filters, decode=True
            )
            return int(next(told)["timeNano"])

        return moment


ENGINES: dict[str, type[FakeEngine] | type[RealEngine]] = {"fake": FakeEngine, "real": RealEngine}
