"""How a syncer that runs does, in one line: what a service manager shows."""

import threading

from syncer.events import (
    AnyEvent,
    ConfigRefused,
    ConfigReloaded,
    CycleFinished,
    LoopFailed,
    LoopRecovered,
)


class Condition:
    """Listens to an engine, in the threads where things happen."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failing: dict[str, str] = {}
        self._ours: dict[str, int] = {}
        #: How many changes of a sink's last cycle failed, and the error of one.
        self._unwritten: dict[str, str] = {}
        self._refused = ""

    def __call__(self, event: AnyEvent) -> None:
        """Note what an event tells."""
        with self._lock:
            if isinstance(event, LoopFailed):
                self._failing[event.loop] = event.error
            elif isinstance(event, LoopRecovered):
                self._failing.pop(event.loop, None)
            elif isinstance(event, CycleFinished):
                self._ours[event.sink] = event.ours
                self._note_unwritten(event)
            elif isinstance(event, ConfigRefused):
                self._refused = "; ".join(event.problems)
            elif isinstance(event, ConfigReloaded):
                self._refused = ""
                if event.changed:
                    self._failing.clear()
                    self._ours.clear()
                    self._unwritten.clear()

    def _note_unwritten(self, event: CycleFinished) -> None:
        if event.failed:
            example = next(iter(event.failed.values()))
            self._unwritten[event.sink] = f"{len(event.failed)} not written, for one: {example}"
        else:
            self._unwritten.pop(event.sink, None)

    def text(self) -> str:
        """What is wrong first, then what is registered where."""
        with self._lock:
            parts = [f"{loop}: {error}" for loop, error in sorted(self._failing.items())]
            parts += [f"{sink}: {what}" for sink, what in sorted(self._unwritten.items())]
            if self._refused:
                parts.insert(0, f"configuration refused, the one before goes on: {self._refused}")
            parts += [f"{count} registered in {sink}" for sink, count in self._ours.items()]
        return "; ".join(parts) or "starting"
