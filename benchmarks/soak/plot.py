"""A plot as SVG: panels one below the other over the same time, grey where faults were."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from soak.report import Run

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _GAP = 860, 110, 60, 150, 34, 34
_COLOURS = ("#0b62a4", "#c4501b", "#2b8a3e", "#7b3fa0", "#8a6d00", "#555555")
Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Panel:
    """Lines with one scale; `lines` are points of time and value, by their names."""

    title: str
    lines: Mapping[str, Points]


def panels(run: Run) -> list[Panel]:
    """The panels of a run."""
    figures = run.figures()
    used = list(figures)[1:3]
    held = [*run.words("leases"), *run.words("sessions")]
    entries = [*run.words(start="entries"), "entries wanted"]
    return [
        Panel("memory, MiB", {"memory": figures["memory, MiB"]}),
        Panel("threads, file descriptors", {name: figures[name] for name in used}),
        Panel("leases, sessions", {name: figures[name] for name in held}),
        Panel("entries", {name.removeprefix("entries of "): figures[name] for name in entries}),
        Panel("changes made", {"changes": run.points(lambda sample: sample.changes)}),
    ]


class Plot:
    """Draws panels from one time to another, with spans marked."""

    def __init__(self, begin: float, end: float, spans: Iterable[tuple[float, float]]) -> None:
        self._begin, self._end, self._spans = begin, end, list(spans)

    def draw(self, all_panels: Sequence[Panel]) -> str:
        """The whole SVG."""
        height = _TOP + len(all_panels) * (_HEIGHT + _GAP)
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
            f'width="{_WIDTH}" height="{height}" font-family="sans-serif" font-size="11">',
            '<rect width="100%" height="100%" fill="#ffffff"/>',
        ]
        for number, panel in enumerate(all_panels):
            parts += self._panel(panel, _TOP + number * (_HEIGHT + _GAP))
        return "\n".join([*parts, *self._minutes(height - 18), "</svg>", ""])

    def _panel(self, panel: Panel, top: float) -> Iterable[str]:
        bottom = top + _HEIGHT
        highest = max((value for points in panel.lines.values() for _, value in points), default=0)
        scale = _HEIGHT / (highest * 1.1 or 1)
        yield _text(_LEFT, top - 6, panel.title, weight="bold")
        for begin, end in self._spans:
            left, right = self._x(begin), self._x(end)
            yield (
                f'<rect x="{left:.1f}" y="{top}" width="{max(right - left, 0.5):.1f}" '
                f'height="{_HEIGHT}" fill="#e4e4e4"/>'
            )
        for value in (0, highest / 2, highest):
            y = bottom - value * scale
            yield _line(_LEFT, y, _WIDTH - _RIGHT, y)
            yield _text(_LEFT - 6, y + 4, f"{value:.0f}", anchor="end")
        for number, (name, points) in enumerate(panel.lines.items()):
            colour = _COLOURS[number % len(_COLOURS)]
            drawn = " ".join(f"{self._x(t):.1f},{bottom - v * scale:.1f}" for t, v in points)
            yield f'<polyline points="{drawn}" fill="none" stroke="{colour}" stroke-width="1.3"/>'
            yield _text(_WIDTH - _RIGHT + 8, top + 12 + 15 * number, name, colour=colour)

    def _minutes(self, y: float) -> Iterable[str]:
        whole = int((self._end - self._begin) // 60)
        step = max(1, whole // 10)
        for minute in range(0, whole + 1, step):
            yield _text(self._x(self._begin + 60 * minute), y, f"{minute} min", anchor="middle")

    def _x(self, time: float) -> float:
        share = (time - self._begin) / (self._end - self._begin)
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1}" y1="{y1:.1f}" x2="{x2}" y2="{y2:.1f}" stroke="#cccccc"/>'


def _text(
    x: float, y: float, text: str, anchor: str = "start", colour: str = "#222222", weight: str = ""
) -> str:
    bold = f' font-weight="{weight}"' if weight else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}"{bold}>'
        f"{escape(text)}</text>"
    )


def plot(run: Run) -> str:
    """A run as SVG."""
    spans = [(record.began, record.ended) for record in run.records]
    return Plot(run.parts.first, run.parts.end, spans).draw(panels(run))
