"""Figures: medians with their spread, tables of them, and where they are kept."""

import json
import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import ROOT

KEPT = ROOT / "build" / "bench"

Row = Mapping[str, Any]


def part(values: Sequence[float], hundredth: int) -> float:
    """The value that so many hundredths of these lie below."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round((len(ordered) - 1) * hundredth / 100))]


def spread(values: Sequence[float], digits: int = 2) -> str:
    """The median, with the least and the greatest in brackets if there are several."""
    text = f"{statistics.median(values):.{digits}f}"
    if len(values) == 1:
        return text
    return f"{text} ({min(values):.{digits}f}-{max(values):.{digits}f})"


def ratio(ours: Sequence[float], floor: Sequence[float]) -> str:
    """How many times the floor's median ours is."""
    return f"{statistics.median(ours) / statistics.median(floor):.2f}"


def table(rows: Sequence[Row]) -> str:
    """The rows in Markdown, under a head of all keys."""
    head = list(dict.fromkeys(key for row in rows for key in row))
    lines = [head, ["---"] * len(head), *([str(row.get(key, "")) for key in head] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def keep(name: str, rows: Sequence[Row], **more: Sequence[Row]) -> None:
    """Print a measurement's table, and keep it with whatever else is said of it.

    What was kept of other registries stays.
    """
    KEPT.mkdir(parents=True, exist_ok=True)
    before, new = kept(name), {"rows": rows, **more}
    measured = {row["registry"] for row in rows}
    for what, found in new.items():
        others = [row for row in before.get(what, ()) if row["registry"] not in measured]
        new[what] = sorted([*others, *found], key=lambda row: str(row["registry"]))
    (KEPT / f"{name}.json").write_text(json.dumps(new, indent=1) + "\n")
    say(f"\n{name}\n\n{table(rows)}")


def kept(name: str) -> dict[str, Any]:
    """What was kept of a measurement; empty if it was not made."""
    path: Path = KEPT / f"{name}.json"
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return found


def say(text: str) -> None:
    """A line for whoever waits."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
