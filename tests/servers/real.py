"""What all real servers of the tests have in common: start, stop, freeze, clean."""

import shutil
from functools import cached_property

from servers.process import Server


class RealServer:
    """A server process. A subclass gives `_argv()`, `_ready()`, and what else differs.

    `empty` uses `api.clean()`, and `restart_empty` removes the folder `data`.
    """

    #: Seconds that a start may take.
    start_deadline = 120
    #: More variables for its environment.
    env = None
    #: The folder with its data, if it keeps any.
    data = None

    def __init__(self, guard, name):
        self.name, self.folder = name, guard.folder / name
        self._guard = guard

    @cached_property
    def process(self):
        """Its process, which can be started again after it ended."""
        return Server(self._guard, self.name, self._argv(), env=self.env)

    def start(self):
        """Start it and wait until it is ready."""
        self.begin()
        self.wait_ready()
        return self

    def begin(self):
        """Start it without waiting: a member of a cluster is ready only with the others."""
        self.process.begin()

    def wait_ready(self):
        """Wait until it is ready."""
        self.process.wait_for(self._ready, self.start_deadline)

    def stop(self):
        """End it politely."""
        self.process.stop()

    def kill(self):
        """Crash it."""
        self.process.kill()

    def restart(self):
        """End and start it, with the data that it keeps on disk."""
        self.stop()
        self.start()

    def restart_empty(self):
        """End it, forget its data, and start it."""
        self.stop()
        if self.data:
            shutil.rmtree(self.data, ignore_errors=True)
        self.start()

    def freeze(self):
        """Keep it from answering, with its connections open: as in a partition."""
        self.process.freeze()

    def thaw(self):
        """Let a frozen server go on."""
        self.process.thaw()

    def running(self):
        """Whether the process is there."""
        return self.process.running()

    def clean(self):
        """Back to a server that holds nothing; thawed, or started again, if need be."""
        self.thaw()
        if not self.running():
            self.start()
        self.empty()

    def empty(self):
        """Remove everything from the running server."""
        self.api.clean()
