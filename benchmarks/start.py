"""From the start of the process until all containers are registered."""

import time

from benchmarks.figures import keep, ratio, say, spread
from benchmarks.stage import Stage, stage

PARTS = ("process", "source", "translate", "plan", "sink")


def run(sizes: tuple[int, ...], registries: tuple[str, ...], repeat: int) -> None:
    """Each size with each registry: floor and syncer in turn."""
    rows, points = [], []
    for registry in registries:
        for size in sizes:
            with stage(registry, size) as made:
                times = [(floor(made, size), ours(made, size)) for _ in range(repeat)]
                made.empty()
                parts = made.parts()
            bare, synced = zip(*times, strict=True)
            say(f"start {registry} {size}: floor {spread(bare)}, syncer {spread(synced)}")
            points.append({"registry": registry, "size": size, "floor": bare, "syncer": synced})
            rows.append(
                {
                    "registry": registry,
                    "instances": size,
                    "floor, s": spread(bare),
                    "syncer, s": spread(synced),
                    "times the floor": ratio(synced, bare),
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


def ours(made: Stage, size: int) -> float:
    """`syncer run`, from its process' start until the registry holds all."""
    made.empty()
    began = time.perf_counter()
    syncer = made.syncer()
    spent = made.wait_count(size, began)
    syncer.stop()
    return spent
