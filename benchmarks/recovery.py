"""A registry that came back empty: from its first answer until all is registered again."""

import time

from benchmarks.figures import keep, ratio, say, spread
from benchmarks.stage import stage


def run(sizes: tuple[int, ...], registries: tuple[str, ...], repeat: int) -> None:
    """Each size with each registry, beside a bare client that registers as many."""
    rows = []
    for registry in registries:
        for size in (size for size in sizes if size >= 1000):
            with stage(registry, size) as made:
                instances = made.instances()
                floor, ours = [], []
                for _ in range(repeat):
                    made.empty()
                    began = time.perf_counter()
                    made.registry.put_all(instances)
                    floor.append(time.perf_counter() - began)
                    made.empty()
                    began = time.perf_counter()
                    syncer = made.syncer()
                    made.wait_count(size, began)
                    made.empty()  # returns when it answers
                    ours.append(made.wait_count(size, time.perf_counter()))
                    syncer.stop()
            rows.append(
                {
                    "registry": registry,
                    "instances": size,
                    "floor, s": spread(floor),
                    "syncer, s": spread(ours),
                    "times the floor": ratio(ours, floor),
                }
            )
            say(f"recovery {registry} {size}: {rows[-1]}")
            keep("recovery", rows)
