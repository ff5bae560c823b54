"""Several checkouts in turn on one stage, before and after a change: start, latency, rest, memory.

    python -m benchmarks compare --checkouts /tmp/base,. --registries consul --sizes 1000

Each checkout uses its own `.venv` if it has one (`make venv` there). What is measured is what the
registry and the system show; nothing depends on what is logged.
"""

import compileall
import time
from pathlib import Path

import attrs

from benchmarks.figures import keep, part, say, spread
from benchmarks.latency import measured
from benchmarks.stage import Stage, stage, wait
from benchmarks.usage import Usage, cpu, usage

#: Seconds at rest: two cycles at the usual interval.
SECONDS = 60.0


@attrs.frozen
class Sample:
    """Seconds of `syncer --version` and of a start, CPU seconds and usage at rest, milliseconds."""

    version: float
    start: float
    rest: float
    usage: Usage
    starts: list[float]
    stops: list[float]


def run(
    sizes: tuple[int, ...], registries: tuple[str, ...], repeat: int, *, checkouts: tuple[str, ...]
) -> None:
    """Each size with each registry; the checkouts take turns, as a machine's speed changes."""
    for name in checkouts:
        # A checkout without bytecode starts slower, and is larger in memory.
        for folder in ("syncer", "plugins"):
            compileall.compile_dir(Path(name) / folder, quiet=1)
    rows: list[dict[str, object]] = []
    for registry in registries:
        for size in sizes:
            with stage(registry, size) as made:
                found: dict[str, list[Sample]] = {name: [] for name in checkouts}
                for _ in range(repeat):
                    for name, samples in found.items():
                        samples.append(once(made, size, Path(name).resolve()))
                        say(f"compare {registry} {size} {name}: {samples[-1]}")
            rows += [_row(registry, size, name, samples) for name, samples in found.items()]
            keep("compare", rows)


def once(made: Stage, size: int, checkout: Path) -> Sample:
    """One start of this checkout, its rest, and then containers that come and go."""
    made.checkout = checkout
    began = time.perf_counter()
    version = made.program("-m", "syncer", "--version")
    wait(lambda: not version.running(), 0.005)
    spent = time.perf_counter() - began
    made.empty()
    began = time.perf_counter()
    syncer = made.syncer()
    start = made.wait_count(size, began)
    wait(lambda: made.engine.listeners() > 0)
    time.sleep(5)  # the first readings after so many writes
    before = cpu(syncer.pid)
    time.sleep(SECONDS)
    rest = usage(syncer.pid)
    starts, stops = measured(made, syncer)
    return Sample(spent, start, rest.cpu - before, rest, starts, stops)


def _row(registry: str, size: int, name: str, samples: list[Sample]) -> dict[str, object]:
    starts = [one for sample in samples for one in sample.starts]
    stops = [one for sample in samples for one in sample.stops]
    return {
        "registry": registry,
        "instances": size,
        "checkout": name,
        "--version, s": spread([one.version for one in samples]),
        "start, s": spread([one.start for one in samples]),
        "start event p50 / p95, ms": f"{part(starts, 50):.1f} / {part(starts, 95):.1f}",
        "stop event p50 / p95, ms": f"{part(stops, 50):.1f} / {part(stops, 95):.1f}",
        "rest, CPU s a minute": spread([one.rest * 60 / SECONDS for one in samples]),
        "MiB": spread([one.usage.memory for one in samples], 1),
        "MiB at most": spread([one.usage.peak for one in samples], 1),
        "threads": spread([float(one.usage.threads) for one in samples], 0),
    }
