"""From samples and faults to a table, and to what is wrong."""

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from soak.faults import Record
from soak.samples import Sample

#: MiB that memory may grow with 1,000 changes; generous, since a heap finds its size slowly.
MOST_SLOPE = 2.0
#: By how much the medians of the last part may be above those of the first.
MORE_THREADS, MORE_FILES, MORE_HELD = 2, 8, 0
THREADS, FILES = "threads", "open file descriptors"


@dataclass(frozen=True)
class Parts:
    """When each part of the run began, and when the last one ended; of the monotonic clock."""

    first: float
    faults: float
    last: float
    end: float


@dataclass(frozen=True)
class Run:
    """All that is known of a run."""

    samples: Sequence[Sample]
    records: Sequence[Record]
    parts: Parts
    unequal: dict[str, set[str]]

    def points(self, figure: Callable[[Sample], float | None]) -> list[tuple[float, float]]:
        """A figure over time, where it is known."""
        found = ((sample.time, figure(sample)) for sample in self.samples)
        return [(time, value) for time, value in found if value is not None]

    def held(self, word: str) -> list[tuple[float, float]]:
        """The number of entries, leases or sessions over time."""
        return self.points(lambda sample: sample.held.get(word))

    def words(self, ending: str = "", start: str = "") -> list[str]:
        """What servers were asked for."""
        words = dict.fromkeys(word for sample in self.samples for word in sample.held)
        return [word for word in words if word.endswith(ending) and word.startswith(start)]

    def figures(self) -> dict[str, list[tuple[float, float]]]:
        """All figures of syncer and of the servers by their names."""
        found = {
            "memory, MiB": self.points(lambda sample: sample.memory),
            THREADS: self.points(lambda sample: sample.threads),
            FILES: self.points(lambda sample: sample.files),
            "processor, % of a core": self.processor(),
        }
        held = [*self.words("leases"), *self.words("sessions"), *self.words(start="entries")]
        found |= {word: self.held(word) for word in held}
        return found | {"entries wanted": self.points(lambda sample: sample.wanted)}

    def processor(self) -> list[tuple[float, float]]:
        """Between two samples each, percent of a core."""
        pairs = zip(self.samples, self.samples[1:], strict=False)
        return [(b.time, 100 * (b.cpu - a.cpu) / (b.time - a.time)) for a, b in pairs]

    def slope(self) -> float:
        """MiB of memory for 1,000 changes, by least squares over the second half."""
        half = self.samples[len(self.samples) // 2 :]
        return statistics.linear_regression(
            [sample.changes / 1000 for sample in half], [sample.memory for sample in half]
        ).slope


def _median(points: Iterable[tuple[float, float]], begin: float, end: float) -> float | None:
    values = [value for time, value in points if begin <= time <= end]
    return statistics.median(values) if values else None


def _ends(run: Run, points: Sequence[tuple[float, float]]) -> tuple[float | None, float | None]:
    """The medians of the first part and of the last."""
    parts = run.parts
    return _median(points, parts.first, parts.faults), _median(points, parts.last, parts.end)


def problems(run: Run) -> list[str]:
    """What is not as it must be, in words."""
    found = [f"{sink} is wrong about {sorted(ids)[:5]}" for sink, ids in run.unequal.items()]
    for record in run.records:
        if record.seconds is None:
            found.append(f"not equal in time after {record.part}: {record.name}")
    allowed = {THREADS: MORE_THREADS, FILES: MORE_FILES}
    allowed |= dict.fromkeys([*run.words("leases"), *run.words("sessions")], MORE_HELD)
    figures = run.figures()
    for name, more in allowed.items():
        before, after = _ends(run, figures[name])
        if before is None or after is None:
            found.append(f"{name} not known in both the first and the last part")
        elif after > before + more:
            found.append(f"{name} grew: {before:g} at first, {after:g} in the end")
    if run.slope() > MOST_SLOPE:
        found.append(f"memory grew by {run.slope():.2f} MiB for 1,000 changes")
    return found


def tables(run: Run) -> str:
    """Two tables in Markdown: the figures, and the faults."""
    return "\n".join([*_figure_rows(run), "", *_fault_rows(run.records), ""])


def _figure_rows(run: Run) -> Iterable[str]:
    yield "| | start | middle | end | highest |"
    yield "| --- | --- | --- | --- | --- |"
    parts = run.parts
    middle, tenth = (parts.first + parts.end) / 2, (parts.end - parts.first) / 20
    for name, points in run.figures().items():
        start, end = _ends(run, points)
        between = _median(points, middle - tenth, middle + tenth)
        highest = max((value for _, value in points), default=None)
        yield f"| {name} | {' | '.join(map(_number, (start, between, end, highest)))} |"
    yield f"| memory, MiB more per 1,000 changes, second half | | | {run.slope():.2f} | |"


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.0f}" if value == round(value) else f"{value:.1f}"


def _fault_rows(records: Sequence[Record]) -> Iterable[str]:
    yield "| fault | of | times | until all was equal: median, s | worst, s |"
    yield "| --- | --- | --- | --- | --- |"
    groups: dict[str, list[Record]] = {}
    for record in records:
        groups.setdefault(record.name, []).append(record)
    for name, group in sorted(groups.items()):
        parts = ", ".join(sorted({record.part for record in group}))
        seconds = [float("inf") if it.seconds is None else it.seconds for it in group]
        median, worst = statistics.median(seconds), max(seconds)
        yield f"| {name} | {parts} | {len(group)} | {median:.1f} | {worst:.1f} |"
