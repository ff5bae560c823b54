"""What signals ask of a process that runs: to stop, or to read its configuration again."""

import os
import signal
from queue import Empty, SimpleQueue

STOP, RELOAD = "stop", "reload"


class Requests:
    """Takes signals from its making on; only in the main thread.

    SIGTERM and SIGINT ask to stop, a second one ends the process at once. SIGHUP asks to reload.
    """

    def __init__(self) -> None:
        # The one queue that may be written to by what interrupts its reader.
        self._asked: SimpleQueue[str] = SimpleQueue()
        #: Whether it was asked to stop: known at once, whatever is being done.
        self.stopping = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        if hasattr(signal, "SIGHUP"):  # not on Windows
            signal.signal(signal.SIGHUP, self._reload)

    def next(self, timeout: float) -> str:
        """What is asked for, or "" if nothing is within `timeout` seconds.

        What was asked for several times meanwhile is to be done once.
        """
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
