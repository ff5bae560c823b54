"""Sending the last spans when the process ends, without waiting long for a collector."""

from collections.abc import Callable
from threading import Event, Thread

#: Seconds that the process waits at its end for the last spans to be sent.
PATIENCE = 3.0


def finisher(finish: Callable[[], object], patience: float = PATIENCE) -> Callable[[], None]:
    """Return a function that calls `finish` in a thread, and waits `patience` seconds at most.

    The thread is started at once: none can be started while Python shuts down.
    """
    started, done = Event(), Event()

    def run() -> None:
        started.wait()
        try:
            finish()
        finally:
            done.set()

    def wait() -> None:
        started.set()
        done.wait(patience)

    Thread(target=run, name="syncer traces finish", daemon=True).start()
    return wait
