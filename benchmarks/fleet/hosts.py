"""Many hosts in one process: for each a real engine, with a source that costs nothing."""

import threading
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any

from benchmarks.fleet.others import NAMES, SERVICES, make_sink
from syncer import Engine, Offer, Source, View, Workload
from syncer.events import AnyEvent, CycleFinished, LoopFailed


class Services(Source):
    """The services of one host. `change` gives one of them another port."""

    def __init__(self, number: int) -> None:
        self._number, self._wake = number, lambda id_: None
        self._held = [self._workload(own, 8000 + own) for own in range(SERVICES)]

    def scope(self) -> str:
        """The host's name."""
        return f"host{self._number}"

    def workloads(self) -> View[Workload]:
        """All of them."""
        return View(tuple(self._held))

    def workload(self, id: str) -> Workload | None:
        """One of them."""
        return next((one for one in self._held if one.id == id), None)

    def watch(self, wake: Any, stop: threading.Event) -> None:
        """Wake at each change."""
        self._wake = wake
        wake(None)
        stop.wait()

    def change(self, turn: int) -> None:
        """Move a service to a port that it did not have before."""
        own = turn % SERVICES
        self._held[own] = self._workload(own, 9000 + turn)
        self._wake(self._held[own].id)

    def _workload(self, own: int, port: int) -> Workload:
        service = f"svc{(self._number * SERVICES + own) % NAMES}"
        address = f"10.{self._number >> 8 & 255}.{self._number & 255}.1"
        offer = Offer(
            service=service, port=port, register_address=address, register_port=port, id=""
        )
        name = f"{service}-{own}"
        return Workload(source="services", scope=self.scope(), id=name, name=name, offers=(offer,))


class Host:
    """One engine; notes whether it is in sync, and what was refused."""

    def __init__(self, number: int, sink: str, interval: float) -> None:
        self.source = Services(number)
        self.in_sync, self.refused, self.cycles, self.turn = False, 0, 0, number
        sinks = {"registry": make_sink(sink)}
        self.engine = Engine(
            {"services": self.source}, sinks, interval=interval, listeners=[self.note]
        )

    def note(self, event: AnyEvent) -> None:
        """Hear an event."""
        if isinstance(event, LoopFailed):
            self.refused += 1
            self.in_sync = self.in_sync and event.loop.role != "sink"
        elif isinstance(event, CycleFinished):
            self.refused += len(event.failed)
            self.cycles += 1
            self.in_sync = event.in_sync

    def change(self) -> None:
        """Change one service."""
        self.turn, self.in_sync = self.turn + 1, False  # until a cycle says so again
        self.source.change(self.turn)


def serve(pipe: Connection, numbers: Sequence[int], sinks: Sequence[str], interval: float) -> None:
    """A process of hosts: answers to words until `stop`."""
    hosts = [Host(number, sinks[number % len(sinks)], interval) for number in numbers]
    turn = 0
    while True:
        word = pipe.recv()
        if word == "start":
            for host in hosts:
                host.engine.start()
        elif word == "change":
            hosts[turn % len(hosts)].change()
            turn += 1
        elif word == "stop":
            ending = [threading.Thread(target=host.engine.stop) for host in hosts]
            for thread in ending:
                thread.start()
            for thread in ending:
                thread.join()
        pipe.send(
            {
                "in sync": sum(host.in_sync for host in hosts),
                "refused": sum(host.refused for host in hosts),
                "cycles": sum(host.cycles for host in hosts),
            }
        )
        if word == "stop":
            return
