"""From the start of the process until all containers are registered."""

import time

from benchmarks.figures import keep, ratio, say, spread
from benchmarks.stage import Stage, stage

PARTS = ("source", "translate", "plan", "sink")


def run(sizes: tuple[int, ...], registries: tuple[str, ...], repeat: int) -> None:
    """Each size with each registry: floor and syncer in turn."""
    rows, points = [], []
    for registry in registries:
        for size in sizes:
            with stage(registry, size) as made:
                made.at_best()
                times = [(floor(made, size), *ours(made, size)) for _ in range(repeat)]
                made.empty()
                parts = made.parts()
            bare, synced, starts = zip(*times, strict=True)
            say(f"start {registry} {size}: floor {spread(bare)}, syncer {spread(synced)}")
            points.append({"registry": registry, "size": size, "floor": bare, "syncer": synced})
            work = [whole - start for whole, start in zip(synced, starts, strict=True)]
            rows.append(
                {
                    "registry": registry,
                    "instances": size,
                    "floor, s": spread(bare),
                    "syncer, s": spread(synced),
                    "times the floor": ratio(synced, bare),
                    "process start, s": spread(starts),
                    "times the floor without it": ratio(work, bare),
                    **{f"{name}, s": f"{parts[name]:.2f}" for name in PARTS},
                }
            )
            keep("start", rows, points=points)


def floor(made: Stage, size: int) -> float:
    """A bare client: list, inspect, register. Its process runs already."""
    made.empty()
    began = time.perf_counter()
    instances = made.instances()
    made.registry.put_all(instances)
    spent = time.perf_counter() - began
    assert len(instances) == size
    return spent


def ours(made: Stage, size: int) -> tuple[float, float]:
    """`syncer run`, from its start until the registry holds all, and until it is loaded."""
    made.empty()
    began, today = time.perf_counter(), time.time()
    syncer = made.syncer()
    spent = made.wait_written(syncer, size, began)
    syncer.stop()
    return spent, made.process_start(syncer, today)
