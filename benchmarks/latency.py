"""From a container's start event to its presence in the registry, and from its stop to absence."""

import time
from functools import partial

from benchmarks.figures import keep, part, say
from benchmarks.registries import SCOPE, Instance, Registry
from benchmarks.stage import Stage, stage, wait
from servers.process import Server

ROUNDS = 100


def run(sizes: tuple[int, ...], registries: tuple[str, ...], repeat: int) -> None:
    """Beside no other, and beside as many others as each size says; syncer reads all each 10 s."""
    rows = []
    for registry in registries:
        for size in (0, *(size for size in sizes if size >= 1000)):
            with stage(registry, size) as made:
                bare = follow(made)
                synced = sync(made, size)
            for what, floor, ours in zip(("start", "stop"), bare, synced, strict=True):
                rows.append(_row(registry, size, what, floor, ours))
            say(f"latency {registry} {size}: {rows[-2:]}")
            keep("latency", rows)


def follow(made: Stage) -> tuple[list[float], list[float]]:
    """The bare client's milliseconds, for starts and for stops."""
    made.registry.put_all(made.instances())
    client = made.follower()
    wait(lambda: "listening" in client.tail())
    return measured(made, client)


def sync(made: Stage, size: int) -> tuple[list[float], list[float]]:
    """Syncer's."""
    made.empty()
    began = time.perf_counter()
    client = made.syncer("--interval", "10s")
    made.wait_count(size, began)
    wait(lambda: made.docker.control("stats")["listeners"] > 0)
    return measured(made, client)


def measured(made: Stage, client: Server) -> tuple[list[float], list[float]]:
    """A container is started, and stopped once it is there; so many times."""
    starts, stops = [], []
    for number in range(ROUNDS + 3):
        name = f"late{number}"
        one: Instance = (f"late-{number}", f"{SCOPE}:{name}:8000", "", 8000)
        labels = {"SERVICE_NAME": one[0]}
        event = made.change("add", name=name, labels=labels)["containers"][0]
        wait(partial(made.registry.has, one))
        starts.append(_since(event["timeNano"]))
        event = made.change("die", name=name)
        wait(partial(lacks, made.registry, one))
        stops.append(_since(event["timeNano"]))
        made.change("rm", name=name)
    client.stop()
    return starts[3:], stops[3:]


def lacks(registry: Registry, one: Instance) -> bool:
    """Whether it does not hold this one."""
    return not registry.has(one)


def _since(nanoseconds: int) -> float:
    """Milliseconds since that time of the clock on the wall."""
    return (time.time_ns() - nanoseconds) / 1e6


def _row(
    registry: str, size: int, what: str, floor: list[float], ours: list[float]
) -> dict[str, object]:
    return {
        "registry": registry,
        "others": size,
        "event": what,
        "floor p50, ms": f"{part(floor, 50):.1f}",
        "floor p95, ms": f"{part(floor, 95):.1f}",
        "syncer p50, ms": f"{part(ours, 50):.1f}",
        "syncer p95, ms": f"{part(ours, 95):.1f}",
        "times the floor": f"{part(ours, 50) / part(floor, 50):.1f}",
    }
