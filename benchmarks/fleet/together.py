"""Many hosts on one registry: all start at once, change, lose the registry, and are cut off."""

import contextlib
import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.figures import keep, say
from benchmarks.fleet.hosts import serve
from benchmarks.fleet.others import SERVICES
from benchmarks.fleet.servers import ConsulServers, Shared, SharedEtcd, SharedEureka
from benchmarks.stage import wait
from benchmarks.usage import cpu
from servers.process import Guard

KINDS: dict[str, type[Shared]] = {
    "etcd": SharedEtcd,
    "consul-servers": ConsulServers,
    "eureka": SharedEureka,
}
INTERVAL = 30.0
#: Hosts in one process: each has about eight threads.
CROWD = 75
ROWS: list[dict[str, Any]] = []


def run(registry: str, sizes: tuple[int, ...], changes: float, seconds: float) -> None:
    """Each number of hosts on one registry."""
    for hosts in sizes:
        row = {"registry": registry, "hosts": hosts, **measure(registry, hosts, changes, seconds)}
        ROWS.append(row)
        say(f"fleet together {registry} {hosts}: {row}")
        keep("fleet-together", [row for row in ROWS if row["registry"] == registry])


class Fleet:
    """The processes of all hosts."""

    def __init__(self, shared: Shared, hosts: int) -> None:
        context, self._shared, self.hosts = multiprocessing.get_context("spawn"), shared, hosts
        sinks = [shared.sink(address) for address in shared.addresses()]
        count = max(-(-hosts // CROWD), min(hosts, os.cpu_count() or 1))
        self._pipes, self._processes = [], []
        for number in range(count):
            ours, theirs = context.Pipe()
            numbers = range(number, hosts, count)
            process = context.Process(
                target=serve, args=(theirs, numbers, sinks, INTERVAL), daemon=True
            )
            process.start()
            self._pipes.append(ours)
            self._processes.append(process)

    def say(self, word: str) -> Counter[str]:
        """Tell all processes a word, and add up what they answer."""
        for pipe in self._pipes:
            pipe.send(word)
        return sum((Counter(pipe.recv()) for pipe in self._pipes), Counter[str]())

    def change(self, turn: int) -> None:
        """Have one host change one service."""
        pipe = self._pipes[turn % len(self._pipes)]
        pipe.send("change")
        pipe.recv()

    def equal(self) -> bool:
        """Whether all is registered, by the registry's own word and by all engines'."""
        if self.say("")["in sync"] < self.hosts:
            return False
        try:
            return self._shared.count() == self.hosts * SERVICES
        except Exception:  # noqa: BLE001 - a server that comes up may answer anything
            return False

    def cpu(self) -> float:
        """CPU seconds that all hosts have used so far."""
        return sum(cpu(process.pid) for process in self._processes if process.pid)

    def stop(self) -> None:
        """End all engines and processes."""
        self.say("stop")
        for process in self._processes:
            process.join()


def measure(registry: str, hosts: int, changes: float, seconds: float) -> dict[str, Any]:
    """One number of hosts: seconds until all are equal again, and what was used meanwhile."""
    with _fleet(registry, hosts) as (shared, fleet):
        found = {"start, s": _until_equal(fleet, lambda: fleet.say("start"))}
        resting = _used(shared, fleet, lambda: time.sleep(seconds), seconds)
        changing = _used(shared, fleet, lambda: _churn(fleet, changes, seconds), seconds)
        found["after changes, s"] = _until_equal(fleet, lambda: None)
        before = fleet.say("")["refused"]
        found["after an empty restart, s"] = _until_equal(fleet, shared.restart_empty)
        found["refused then"] = f"{fleet.say('')['refused'] - before}"
        before = fleet.say("")["refused"]
        found["after a partition, s"] = _until_equal(
            fleet, lambda: _cut_off(shared, fleet, changes, seconds)
        )
        found["refused at it"] = f"{fleet.say('')['refused'] - before}"
    return {
        **{f"{what}, at rest": value for what, value in resting.items()},
        **{f"{what}, {changes:g} changes a second": value for what, value in changing.items()},
        **found,
    }


def _until_equal(fleet: Fleet, do: Callable[[], object]) -> str:
    """Seconds from the end of what is done until all is equal."""
    do()
    began = time.perf_counter()
    wait(fleet.equal, 0.1)
    return f"{time.perf_counter() - began:.1f}"


def _used(shared: Shared, fleet: Fleet, do: Callable[[], object], seconds: float) -> dict[str, str]:
    """CPU seconds a minute of the registry and of syncer, for each host."""
    before = shared.cpu(), fleet.cpu()
    do()
    each = 60 / seconds / fleet.hosts
    return {
        "registry's CPU s a minute and host": f"{(shared.cpu() - before[0]) * each:.3f}",
        "a host's CPU s a minute": f"{(fleet.cpu() - before[1]) * each:.3f}",
    }


def _churn(fleet: Fleet, changes: float, seconds: float) -> None:
    began, turn = time.perf_counter(), 0
    while (now := time.perf_counter() - began) < seconds:
        while turn < now * changes:
            fleet.change(turn)
            turn += 1
        time.sleep(min(0.05, seconds))


def _cut_off(shared: Shared, fleet: Fleet, changes: float, seconds: float) -> None:
    """No answers for so long, while services move: engines give up waiting, and try again."""
    shared.part()
    _churn(fleet, changes, seconds)
    shared.heal()


@contextlib.contextmanager
def _fleet(registry: str, hosts: int) -> Iterator[tuple[Shared, Fleet]]:
    guard = Guard()
    try:
        shared = KINDS[registry](guard)
        shared.start()
        fleet = Fleet(shared, hosts)
        fleet.say("")  # all are made
        try:
            yield shared, fleet
        finally:
            fleet.stop()
    finally:
        guard.close()
