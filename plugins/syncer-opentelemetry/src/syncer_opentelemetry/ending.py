"""The end of a process: what is not sent yet is sent, but no collector holds it up for long."""

import atexit
from collections.abc import Callable
from threading import Event, Thread

#: Seconds that the end of a process waits for the last spans to be sent.
PATIENCE = 3.0


class Ending:
    """Calls `finish` at the end, in a thread, and waits for it `patience` seconds at most.

    That thread waits from the beginning: while Python ends none can be started any more.
    """

    def __init__(self, finish: Callable[[], object], patience: float = PATIENCE) -> None:
        self._finish, self._patience = finish, patience
        self._begun, self._done = Event(), Event()
        Thread(target=self._run, name="syncer traces end", daemon=True).start()

    def at_exit(self) -> None:
        """Have it done when the process ends."""
        atexit.register(self.wait)

    def wait(self) -> None:
        """Finish now; returns when it is done, or has taken too long."""
        self._begun.set()
        self._done.wait(self._patience)

    def _run(self) -> None:
        self._begun.wait()
        try:
            self._finish()
        finally:
            self._done.set()
