"""The plot of growth: seconds until all is registered, over the number of instances."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 720, 360, 60, 40, 20, 150
COLOURS = {"consul": "#b0306a", "etcd": "#2f6fb0", "eureka": "#3d8a3d"}

Point = tuple[float, float]


def plot(points: Sequence[Mapping[str, Any]]) -> str:
    """SVG with two lines for each registry: syncer, and dashed the floor."""
    most = max(point["size"] for point in points)
    longest = max(max(point["syncer"]) for point in points)
    step = _step(longest)

    def place(point: Point) -> Point:
        x = LEFT + point[0] / most * (WIDTH - LEFT - RIGHT)
        y = HEIGHT - BOTTOM - point[1] / longest * (HEIGHT - BOTTOM - TOP)
        return x, y

    lines = [_line([place((0, k * step)), place((most, k * step))], "#ddd", "") for k in range(99)]
    parts = lines[: int(longest / step) + 1]
    for k in range(len(parts)):
        x, y = place((0, k * step))
        parts.append(_text(x - 8, y + 4, f"{k * step:g} s", "end"))
    for size in sorted({point["size"] for point in points}):
        x, y = place((size, 0))
        parts.append(_text(x, y + 18, f"{size:,}", "middle"))
    for name in dict.fromkeys(point["registry"] for point in points):
        ours = [point for point in points if point["registry"] == name]
        for what, dashes in (("syncer", ""), ("floor", "5 4")):
            ends = [place((point["size"], median(point[what]))) for point in ours]
            parts.append(_line(ends, COLOURS[name], dashes))
            shift = -4 if what == "syncer" else 10
            parts.append(_text(ends[-1][0] + 6, ends[-1][1] + shift, f"{name}, {what}", "start"))
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
    style = 'font-family="sans-serif" font-size="12">'
    white = '<rect width="100%" height="100%" fill="#fff"/>'
    return "\n".join([f"{head} {style}", white, *parts, "</svg>"])


def _step(longest: float) -> float:
    """Seconds between two lines of the grid: not more than ten of them."""
    return next(step for step in (0.2, 0.5, 1, 2, 5, 10, 20, 50, 100) if longest / step <= 10)


def _line(points: Sequence[Point], colour: str, dashes: str) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{dashed}/>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>'
