"""What a process uses, and what servers hold, every few seconds."""

import os
import threading
import time
from dataclasses import dataclass, field

from soak.bench import Bench
from soak.registries import AWAY, Registry

EVERY = 2.0
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Sample:
    """One moment. Memory in MiB, processor time in seconds since the process began.

    `held` has entries, leases and sessions, without those of servers that did not answer.
    """

    time: float
    changes: int
    wanted: int
    memory: float
    threads: int
    files: int
    cpu: float
    held: dict[str, int] = field(default_factory=dict)


class Sampler:
    """Takes samples until it is told to stop."""

    def __init__(self, bench: Bench) -> None:
        self.samples: list[Sample] = []
        self._bench = bench

    def run(self, stop: threading.Event) -> None:
        """A sample every few seconds. Ends with OSError if the process is gone."""
        while not stop.wait(EVERY):
            self.samples.append(self._sample())

    def _sample(self) -> Sample:
        pid, churn = self._bench.syncer.pid, self._bench.churn
        status = _status(pid)
        sample = Sample(
            time=time.monotonic(),
            changes=churn.made,
            wanted=len(churn.wanted()),
            memory=int(status["VmRSS"].split()[0]) / 1024,
            threads=int(status["Threads"]),
            files=len(os.listdir(f"/proc/{pid}/fd")),
            cpu=_processor_seconds(pid),
        )
        for registry in self._bench.registries:
            sample.held.update(_held(registry))
        return sample


def _held(registry: Registry) -> dict[str, int]:
    """Entries of each sink, and leases or sessions; nothing if the server does not answer."""
    if not registry.answers:
        return {}
    try:
        with registry.lock:
            entries = {f"entries of {sink}": len(ids) for sink, ids in registry.read().items()}
            return entries | registry.holds()
    except AWAY:
        return {}


def _status(pid: int) -> dict[str, str]:
    with open(f"/proc/{pid}/status") as file:
        return {name: text.strip() for name, _, text in (line.partition(":") for line in file)}


def _processor_seconds(pid: int) -> float:
    with open(f"/proc/{pid}/stat") as file:
        # The command's name, in brackets, may hold blanks and brackets itself.
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
