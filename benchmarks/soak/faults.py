"""One fault after another, in an order that a seed decides, each ended and recovered from."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from soak.bench import Bench
from soak.registries import Registry

from servers.faultproxy import FaultProxy

#: Seconds that a fault lasts, and that are left alone after it: from, to.
LASTS, RESTS = (3.0, 7.0), (1.0, 3.0)


@dataclass(frozen=True)
class Kind:
    """A fault of one part, how it begins and how it ends."""

    part: str
    name: str
    begin: Callable[[], object]
    end: Callable[[], object]


@dataclass(frozen=True)
class Record:
    """A fault that was: from when to when, and the seconds until all was equal after its end.

    Times are of the monotonic clock; `seconds` is None if it was not equal within the deadline.
    """

    part: str
    name: str
    began: float
    ended: float
    seconds: float | None


class Faults:
    """Makes faults until it is told to stop."""

    def __init__(self, bench: Bench, rng: random.Random) -> None:
        self.records: list[Record] = []
        self._bench, self._rng = bench, rng
        self._kinds = self._rounds(list(_kinds(bench)))

    def run(self, stop: threading.Event) -> None:
        """One fault after another, the last one ended too."""
        while not stop.wait(self._rng.uniform(*RESTS)):
            kind = next(self._kinds)
            began = time.monotonic()
            kind.begin()
            stop.wait(self._rng.uniform(*LASTS))
            kind.end()
            ended = time.monotonic()
            seconds = self._bench.settle(ended)
            self.records.append(Record(kind.part, kind.name, began, ended, seconds))

    def _rounds(self, kinds: list[Kind]) -> Iterator[Kind]:
        """Each kind once, in any order, and then again in another."""
        while True:
            self._rng.shuffle(kinds)
            yield from kinds


def _kinds(bench: Bench) -> Iterator[Kind]:
    yield from _of_engine(bench)
    for registry in bench.registries:
        yield from _of_line(registry.name, registry.proxy)
        yield from _of_server(registry)


def _of_engine(bench: Bench) -> Iterator[Kind]:
    def fail(*kinds: str) -> Callable[[], object]:
        return lambda: bench.engine.control("fault", fail=dict.fromkeys(kinds, 500))

    def lose_events(lost: bool) -> Callable[[], object]:
        return lambda: setattr(bench.churn, "quiet", lost)

    def hang_up() -> None:
        bench.engine.control("hangup")

    yield Kind("docker", "the stream of events ends", hang_up, hang_up)
    yield Kind("docker", "events are lost", lose_events(True), lose_events(False))
    yield Kind("docker", "answers are 500", fail("list", "inspect", "events"), fail())
    yield from _of_line("docker", bench.line)


def _of_line(part: str, proxy: FaultProxy) -> Iterator[Kind]:
    def fault(**how: bool) -> Callable[[], object]:
        return lambda: proxy.set(**how)

    yield Kind(part, "connections are refused", fault(refuse=True), fault())
    yield Kind(part, "connections are reset", fault(cut=True), fault())
    half_open = fault(drop_requests=True, drop_answers=True)
    yield Kind(part, "connections are half open", half_open, fault())
    yield Kind(part, "answers are lost", fault(drop_answers=True), fault())


def _of_server(registry: Registry) -> Iterator[Kind]:
    def away(act: Callable[[], object]) -> Callable[[], object]:
        def begin() -> None:
            with registry.lock:
                registry.answers = False
                act()

        return begin

    def back(act: Callable[[], object]) -> Callable[[], object]:
        def end() -> None:
            with registry.lock:
                act()
                registry.answers = True

        return end

    server = registry.server
    yield Kind(registry.name, "frozen", away(server.freeze), back(server.thaw))
    yield Kind(registry.name, "killed, back empty", away(server.kill), back(server.restart_empty))
    if registry.keeps_data:
        yield Kind(registry.name, "killed, back with data", away(server.kill), back(server.start))
