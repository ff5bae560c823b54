"""Hosts whose containers are started and stopped by tests: a real engine's and a made-up one's.

Both know what should be registered of them: `ids()`.
"""

import itertools

SCOPE = "host1"


class _Host:
    def __init__(self):
        self._numbers = itertools.count(1)
        self.names = []

    def ids(self):
        """The ids of the instances that run."""
        return {self.id(name) for name in self.names}

    def id(self, name):
        """The id of a container's instance."""
        return f"{SCOPE}:{name}:8000"

    def start(self):
        """Start a container with one published port; returns its name."""
        name = f"web{next(self._numbers)}"
        self._start(name)
        self.names.append(name)
        return name

    def stop(self, name):
        """Stop a container."""
        self._stop(name)
        self.names.remove(name)


class RealHost(_Host):
    """Containers of a `DockerEngine`."""

    def __init__(self, engine):
        super().__init__()
        self.engine, self.socket = engine, engine.socket

    def heal(self):
        """Let the engine work again."""
        self.engine.thaw()
        if not self.engine.running():
            self.engine.start()

    def _start(self, name):
        self.engine.run(name, labels={"SERVICE_NAME": "web"}, ports={"8000/tcp": None})

    def _stop(self, name):
        self.engine.remove(name)


class FakeHost(_Host):
    """Containers of a `FakeDocker`; with `quiet` their events are lost."""

    def __init__(self, engine):
        super().__init__()
        self.engine, self.socket, self.quiet = engine, engine.socket, False

    def heal(self):
        """Let the engine work again."""
        self.quiet = False
        self.engine.thaw()
        self.engine.control("fault", fail={}, slow={}, cut={}, hide=[], vanish=[])

    def _start(self, name):
        labels = {"SERVICE_NAME": "web"}
        self.engine.control("add", name=name, labels=labels, ports=[[8000, 0]], quiet=self.quiet)

    def _stop(self, name):
        self.engine.control("rm", name=name, quiet=self.quiet)
