"""Five hundred containers started within five seconds, and stopped within the next five."""

import time
from collections.abc import Callable, Sequence

from benchmarks.figures import keep, say, spread
from benchmarks.stage import Stage, stage

COUNT, SECONDS = 500, 5.0


def run(sizes: tuple[int, ...], registries: tuple[str, ...], repeat: int) -> None:
    """With each registry, several times."""
    rows = []
    for registry in registries:
        with stage(registry, 0) as made:
            syncer = made.syncer()
            made.wait_count(0, time.perf_counter())
            time.sleep(2)
            found = [once(made, number) for number in range(repeat)]
            syncer.stop()
        started, stopped, inspected, left = zip(*found, strict=True)
        rows.append(
            {
                "registry": registry,
                "all registered after, s": spread(started),
                "all removed after, s": spread(stopped),
                "inspections of a container": spread([count / COUNT for count in inspected], 1),
                "left behind": spread(left, 0),
            }
        )
        say(f"burst {registry}: {rows[-1]}")
        keep("burst", rows)


def once(made: Stage, number: int) -> tuple[float, float, int, int]:
    """Seconds after the last start until all are there, and after the last stop until none is."""
    names = [f"burst{number}x{one}" for one in range(COUNT)]
    made.change("reset")
    spread_over(names, lambda name: made.change("add", name=name, labels={"SERVICE_NAME": name}))
    started = made.wait_count(COUNT, time.perf_counter())
    spread_over(names, lambda name: made.change("rm", name=name))
    stopped = made.wait_count(0, time.perf_counter())
    return started, stopped, made.change("stats")["requests"]["inspect"], made.registry.count()


def spread_over(names: Sequence[str], do: Callable[[str], object]) -> None:
    """Do it for each name, evenly over the seconds."""
    began = time.perf_counter()
    for number, name in enumerate(names):
        time.sleep(max(0.0, began + number * SECONDS / COUNT - time.perf_counter()))
        do(name)
