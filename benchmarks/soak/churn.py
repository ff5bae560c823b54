"""Containers that start, stop, fall ill, recover and get other names; and what that should give."""

import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from servers.fake import FakeDocker

SCOPE = "soak"
UP, DOWN = "up", "down"
SERVICES = 40
#: How often each kind of change is chosen, of a hundred.
_WEIGHTS = {"stop": 25, "start": 25, "health": 25, "rename": 10, "replace": 15}


@dataclass
class _Container:
    name: str
    running: bool = True
    health: str = ""

    @property
    def id(self) -> str:
        return f"{SCOPE}:{self.name}:8000"

    @property
    def state(self) -> str:
        """What a registry should show; "" if nothing."""
        if not self.running:
            return ""
        return UP if self.health in ("", "healthy") else DOWN


class Churn:
    """Changes containers of an engine, one at a time, and knows what must be registered.

    With `quiet` the engine sends no events. Changes are made by one thread; others may ask.
    """

    def __init__(self, engine: FakeDocker, count: int, rng: random.Random) -> None:
        self.quiet = False
        self.changes: Counter[str] = Counter()
        self._engine, self._rng = engine, rng
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._touched: dict[str, float] = {}
        self._containers = [self._new() for _ in range(count)]

    @property
    def made(self) -> int:
        """How many changes were made."""
        return sum(self.changes.values())

    def wanted(self) -> dict[str, str]:
        """Each id that must be registered, with its state."""
        with self._lock:
            return {it.id: it.state for it in self._containers if it.state}

    def differences(self, found: Mapping[str, str], before: float) -> set[str]:
        """The ids about which a registry is wrong, of those that did not change since `before`.

        `before` is a time of the monotonic clock; what was found must have been read later.
        """
        wanted = self.wanted()
        wrong = {id_ for id_ in wanted.keys() | found.keys() if wanted.get(id_) != found.get(id_)}
        with self._lock:
            return {id_ for id_ in wrong if self._touched.get(id_, 0.0) < before}

    def change(self) -> None:
        """Make one change."""
        kind = self._rng.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
        running = kind != "start"
        fitting = [it for it in self._containers if it.running == running]
        if kind == "health":
            fitting = [it for it in fitting if it.health]
        # Some are stopped at any time, but never more than a fifth.
        if kind == "stop" and len(fitting) * 5 < len(self._containers) * 4:
            return
        if fitting:
            getattr(self, f"_{kind}")(self._rng.choice(fitting))
            self.changes[kind] += 1

    def _new(self) -> _Container:
        number = next(self._numbers)
        made = _Container(f"c{number}", health="healthy" if number % 3 == 0 else "")
        self._touch(made)
        labels = {"SERVICE_NAME": f"service-{number % SERVICES}", "SERVICE_TAGS": f"soak,n{number}"}
        self._tell("add", name=made.name, labels=labels, ports=[[8000, 0]])
        if made.health:
            self._tell("health", name=made.name, health=made.health)
        return made

    def _stop(self, it: _Container) -> None:
        self._tell("die", name=it.name)
        self._touch(it, running=False)

    def _start(self, it: _Container) -> None:
        self._tell("start", name=it.name)
        self._touch(it, running=True, health=it.health and "starting")
        if it.health:
            self._set_health(it, "healthy")

    def _health(self, it: _Container) -> None:
        self._set_health(it, "unhealthy" if it.health == "healthy" else "healthy")

    def _set_health(self, it: _Container, health: str) -> None:
        self._tell("health", name=it.name, health=health)
        self._touch(it, health=health)

    def _rename(self, it: _Container) -> None:
        name = f"r{next(self._numbers)}"
        self._tell("rename", name=it.name, to=name)
        self._touch(it, name=name)

    def _replace(self, it: _Container) -> None:
        self._tell("rm", name=it.name)
        self._touch(it, running=False)
        made = self._new()
        with self._lock:
            self._containers[self._containers.index(it)] = made

    def _touch(self, it: _Container, **fields: object) -> None:
        """Note that it changed, under its old id and its new one."""
        with self._lock:
            self._touched[it.id] = time.monotonic()
            for name, value in fields.items():
                setattr(it, name, value)
            self._touched[it.id] = time.monotonic()

    def _tell(self, action: str, **body: object) -> None:
        self._engine.control(action, quiet=self.quiet, **body)
