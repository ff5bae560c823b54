"""Sending the last spans when the process ends, without waiting long for a collector."""

import atexit
from collections.abc import Callable
from threading import Event, Thread

#: Seconds that the process waits at its end for the last spans to be sent.
PATIENCE = 3.0


class Finisher:
    """Calls `finish` in a thread when the process ends, and waits `patience` seconds at most.

    The thread is started at once: none can be started while Python shuts down.
    """

    def __init__(self, finish: Callable[[], object], patience: float = PATIENCE) -> None:
        self._finish, self._patience = finish, patience
        self._started, self._done = Event(), Event()
        Thread(target=self._run, name="syncer traces finish", daemon=True).start()

    def at_exit(self) -> None:
        """Finish when the process ends."""
        atexit.register(self.wait)

    def wait(self) -> None:
        """Finish now; return when it is done, or after `patience` seconds."""
        self._started.set()
        self._done.wait(self._patience)

    def _run(self) -> None:
        self._started.wait()
        try:
            self._finish()
        finally:
            self._done.set()
