"""A registry that came back empty: from its first answer until all is registered again."""

import time

from benchmarks.figures import keep, ratio, say, spread
from benchmarks.stage import Stage, stage, wait, written
from servers.process import Server


def run(sizes: tuple[int, ...], registries: tuple[str, ...], repeat: int) -> None:
    """Each size with each registry, beside a bare client that registers as many."""
    rows = []
    for registry in registries:
        for size in (size for size in sizes if size >= 1000):
            with stage(registry, size) as made:
                made.at_best()
                instances = made.instances()
                floor, noticed, ours = [], [], []
                for _ in range(repeat):
                    made.empty()
                    began = time.perf_counter()
                    made.registry.put_all(instances)
                    floor.append(time.perf_counter() - began)
                    made.empty()
                    began = time.perf_counter()
                    syncer = made.syncer()
                    made.wait_count(size, began)
                    time.sleep(made.registry.rest)  # nothing of the start is to go on
                    first, last = came_back(made, syncer, size)
                    noticed.append(first)
                    ours.append(last)
                    syncer.stop()
            rows.append(
                {
                    "registry": registry,
                    "instances": size,
                    "floor, s": spread(floor),
                    "syncer, s": spread(ours),
                    "times the floor": ratio(ours, floor),
                    "the first after, s": spread(noticed),
                }
            )
            say(f"recovery {registry} {size}: {rows[-1]}")
            keep("recovery", rows)


def came_back(made: Stage, syncer: Server, size: int) -> tuple[float, float]:
    """Seconds from the first answer of the emptied registry until it holds one, and all."""
    before = written(syncer)
    made.empty()  # returns when it answers
    began = time.perf_counter()
    wait(lambda: written(syncer) > before, 0.005)
    return time.perf_counter() - began, made.wait_written(syncer, size, began, before)
