"""Signals to the running process: stop, or read the configuration again."""

import os
import signal
from queue import Empty, SimpleQueue

STOP, RELOAD = "stop", "reload"


class Requests:
    """Handles signals from its construction on; only in the main thread.

    SIGTERM and SIGINT ask to stop; a second one ends the process at once. SIGHUP asks to reload.
    """

    def __init__(self) -> None:
        # The only queue that a signal handler may write to while its reader is interrupted.
        self._asked: SimpleQueue[str] = SimpleQueue()
        #: Whether to stop: set at once, whatever is running.
        self.stopping = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        if hasattr(signal, "SIGHUP"):  # not on Windows
            signal.signal(signal.SIGHUP, self._reload)

    def next(self, timeout: float) -> str:
        """Return the request, repeated ones once; "" if none came within `timeout` seconds."""
        try:
            asked = "" if self.stopping else self._asked.get(timeout=timeout)
            while not self._asked.empty():
                self._asked.get()
        except Empty:
            return ""
        return STOP if self.stopping else asked

    def _stop(self, number: int, frame: object) -> None:
        if self.stopping:
            os._exit(128 + number)
        self.stopping = True
        self._asked.put(STOP)

    def _reload(self, number: int, frame: object) -> None:
        self._asked.put(RELOAD)
