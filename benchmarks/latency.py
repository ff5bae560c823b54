"""From a container's start event to its presence in the registry, and from its stop to absence."""

import time
from collections.abc import Callable
from functools import partial

from benchmarks.engines import Moment
from benchmarks.figures import keep, part, say
from benchmarks.registries import SCOPE, Instance, Registry
from benchmarks.stage import Stage, stage, wait
from servers.process import Server


def run(
    sizes: tuple[int, ...], registries: tuple[str, ...], repeat: int, *, engine: str = "fake"
) -> None:
    """Beside no other, and beside as many others as each size says; syncer reads all each 10 s.

    A real engine bears a few dozen others, the made-up one is asked for a thousand and more.
    """
    rows = []
    for registry in registries:
        for size in (0, *(size for size in sizes if engine == "real" or size >= 1000)):
            with stage(registry, size, engine) as made:
                blind, same = follow(made, "blind"), follow(made, "same")
                synced = sync(made, size)
            for what, *figures in zip(("start", "stop"), blind, same, synced, strict=True):
                rows.append(_row(registry, size, what, *figures))
            say(f"latency {registry} {size}: {rows[-2:]}")
            keep("latency" if engine == "fake" else "latency-real", rows)


def follow(made: Stage, how: str) -> tuple[list[float], list[float]]:
    """A bare client's milliseconds, for starts and for stops."""
    made.registry.put_all(made.instances())
    client = made.follower(how)
    wait(lambda: "listening" in client.tail())
    return measured(made, client)


def sync(made: Stage, size: int) -> tuple[list[float], list[float]]:
    """Syncer's."""
    made.empty()
    began = time.perf_counter()
    client = made.syncer("--interval", "10s")
    made.wait_count(size, began)
    wait(lambda: made.engine.listeners() > 0)
    return measured(made, client)


def measured(made: Stage, client: Server) -> tuple[list[float], list[float]]:
    """A container is started, and stopped once it is there; so many times."""
    starts, stops = [], []
    for number in range(made.engine.rounds + 3):
        name = f"late{number}"
        one: Instance = (f"late-{number}", f"{SCOPE}:{name}:8000", "", 8000)
        labels = {"SERVICE_NAME": one[0]}
        starts.append(_until(partial(made.registry.has, one), made.engine.begin(name, labels)))
        stops.append(_until(partial(lacks, made.registry, one), made.engine.end(name)))
        made.engine.remove(name)
    client.stop()
    return starts[3:], stops[3:]


def lacks(registry: Registry, one: Instance) -> bool:
    """Whether it does not hold this one."""
    return not registry.has(one)


def _until(effect: Callable[[], bool], moment: Moment) -> float:
    """Milliseconds from an event's moment to its effect."""
    wait(effect)
    there = time.time_ns()
    return (there - moment()) / 1e6


def _row(
    registry: str,
    size: int,
    what: str,
    blind: list[float],
    same: list[float],
    ours: list[float],
) -> dict[str, object]:
    return {
        "registry": registry,
        "others": size,
        "event": what,
        "blind p50, ms": f"{part(blind, 50):.1f}",
        "floor p50, ms": f"{part(same, 50):.1f}",
        "floor p95, ms": f"{part(same, 95):.1f}",
        "syncer p50, ms": f"{part(ours, 50):.1f}",
        "syncer p95, ms": f"{part(ours, 95):.1f}",
        "times blind": f"{part(ours, 50) / part(blind, 50):.1f}",
        "times the floor": f"{part(ours, 50) / part(same, 50):.1f}",
    }
