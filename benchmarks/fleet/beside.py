"""One host beside many: what it costs itself and the registry, by how much the others have."""

import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

from benchmarks.figures import keep, say
from benchmarks.fleet.meter import Meter
from benchmarks.fleet.others import SERVICES, Others, make_sink, own_services
from benchmarks.fleet.servers import (
    Shared,
    SharedConsul,
    SharedConsulKv,
    SharedEtcd,
    SharedEureka,
    SharedZooKeeper,
)
from benchmarks.stage import wait, written
from benchmarks.usage import cpu, usage
from servers.process import Guard, Server

KINDS: dict[str, type[Shared]] = {
    "etcd": SharedEtcd,
    "consulkv": SharedConsulKv,
    "zookeeper": SharedZooKeeper,
    "eureka": SharedEureka,
    "consul": SharedConsul,
}
#: Seconds for what follows a start.
SETTLE = 5.0
ROWS: list[dict[str, Any]] = []


def run(registry: str, sizes: tuple[int, ...], changes: float, seconds: float) -> None:
    """Each size with one registry; without others nothing changes."""
    for size in sizes:
        point = measure(registry, size, changes if size else 0.0, seconds)
        ROWS.append({"registry": registry, "others": size, **point})
        say(f"fleet {registry} {size}: {point}")
        keep("fleet", [row for row in ROWS if row["registry"] == registry])


@attrs.frozen
class Reading:
    """What was used until a moment."""

    time: float
    syncer: float
    registry: float
    bytes: int
    messages: int


def measure(registry: str, size: int, changes: float, seconds: float) -> dict[str, Any]:
    """What a minute costs.

    The registry's share is the difference to a time without syncer, before and after: what a
    virtual machine saves by having run for longer is in neither.
    """
    settle = min(SETTLE, seconds)
    with _stage(registry, size, changes) as (shared, guard, others):
        meter = Meter(shared.addresses()[0], shared.protocol)
        try:
            time.sleep(settle)
            alone = [_rate(shared, seconds)]
            syncer = _syncer(guard, shared.sink(meter.address))
            wait(lambda: written(syncer) >= SERVICES, 0.05)
            first = meter.bytes
            time.sleep(settle)
            before = _read(syncer, shared, meter)
            time.sleep(seconds)
            after, memory = _read(syncer, shared, meter), usage(syncer.pid).memory
            syncer.stop()
            time.sleep(settle)
            alone.append(_rate(shared, seconds))
        finally:
            meter.close()
    minutes = (after.time - before.time) / 60
    theirs = (after.registry - before.registry) / minutes
    return {
        "changes a second": f"{changes:g}",
        "CPU s a minute": f"{(after.syncer - before.syncer) / minutes:.2f}",
        "registry's CPU s a minute for it": f"{theirs - sum(alone) / 2:.2f}",
        "registry's without it": f"{alone[0]:.2f} and {alone[1]:.2f}",
        "MB a minute": f"{(after.bytes - before.bytes) / 1e6 / minutes:.2f}",
        "messages a minute": f"{(after.messages - before.messages) / minutes:.0f}",
        "MB at the start": f"{first / 1e6:.2f}",
        "MiB": f"{memory:.0f}",
        "failed": len(others.errors),
    }


@contextlib.contextmanager
def _stage(registry: str, size: int, changes: float) -> Iterator[tuple[Shared, Guard, Others]]:
    guard = Guard()
    try:
        shared = KINDS[registry](guard)
        shared.start()
        others = Others(make_sink(shared.sink(shared.addresses()[0])), size)
        others.fill()
        others.start(changes)
        try:
            yield shared, guard, others
        finally:
            others.stop()
    finally:
        guard.close()


def _syncer(guard: Guard, sink: str) -> Server:
    """A `syncer run` of one host, begun."""
    path = Path(guard.folder) / "services.toml"
    path.write_text("services = [\n" + ",\n".join(own_services()) + "\n]\n")
    settings = ["--set", "sources.file.scope=measured"]
    argv = [sys.executable, "-m", "syncer", "run", "--source", f"file={path}", "--sink", sink]
    server = Server(guard, "syncer", [*argv, *settings])
    server.begin()
    return server


def _read(syncer: Server, shared: Shared, meter: Meter) -> Reading:
    return Reading(time.time(), cpu(syncer.pid), shared.cpu(), meter.bytes, meter.messages)


def _rate(shared: Shared, seconds: float) -> float:
    """The registry's CPU seconds a minute, while nobody is measured."""
    before, began = shared.cpu(), time.time()
    time.sleep(seconds)
    return (shared.cpu() - before) * 60 / (time.time() - began)
