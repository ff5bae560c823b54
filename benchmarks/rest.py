"""At rest: what a cycle without a change costs, and what the process takes and uses."""

import time

from benchmarks.figures import keep, say
from benchmarks.stage import stage
from benchmarks.usage import cpu, usage

SECONDS = 60.0


def run(sizes: tuple[int, ...], registries: tuple[str, ...], repeat: int) -> None:
    """Each size with each registry, at the usual interval."""
    rows = []
    for registry in registries:
        for size in sizes:
            with stage(registry, size) as made:
                parts = made.parts()
                made.empty()
                began = time.perf_counter()
                syncer = made.syncer()
                made.wait_count(size, began)
                time.sleep(5)  # the first readings after so many writes
                made.change("reset")
                before, theirs = cpu(syncer.pid), cpu(made.registry.pid)
                time.sleep(SECONDS)
                now, asked = usage(syncer.pid), made.change("stats")["requests"]
                theirs = cpu(made.registry.pid) - theirs
                syncer.stop()
            rows.append(
                {
                    "registry": registry,
                    "instances": size,
                    "listing, CPU ms": f"{parts['list, ms of CPU']:.0f}",
                    "cycle, CPU ms": f"{parts['cycle, ms of CPU']:.0f}",
                    "inspections a minute": asked.get("inspect", 0),
                    "CPU s a minute": f"{(now.cpu - before) * 60 / SECONDS:.2f}",
                    "registry's CPU s a minute": f"{theirs * 60 / SECONDS:.2f}",
                    "MiB": f"{now.memory:.0f}",
                    "MiB at most": f"{now.peak:.0f}",
                    "threads": now.threads,
                    "sockets": now.sockets,
                }
            )
            say(f"rest {registry} {size}: {rows[-1]}")
            keep("rest", rows)
