"""Writes the tables of docs/proofs.md from results of `make faults`.

SYNCER_FAULT_RESULTS=faults.jsonl make faults     as often as wished: rows are added
python benchmarks/faults.py faults.jsonl
"""

import json
import statistics
import sys
from collections import defaultdict
from pathlib import Path

HEADINGS = {
    "Docker": "The engine breaks, or its line",
    "registry": "A registry breaks, or its line",
    "syncer": "syncer is killed",
}
SINKS = ("consul", "consulkv", "etcd", "eureka", "zookeeper", "file")


def main(path: str) -> None:
    """Print a table for each part that was broken."""
    rows = [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]
    for part in HEADINGS:
        sys.stdout.write(
            f"### {HEADINGS[part]}\n\n{_table([row for row in rows if _part(row) == part])}\n"
        )


def _part(row: dict[str, str]) -> str:
    return row["fault"].partition(": ")[0]


def _table(rows: list[dict[str, str]]) -> str:
    sinks = [sink for sink in SINKS if any(row["sink"] == sink for row in rows)]
    lines = [("fault", "promise", *sinks, "test"), ("---",) * (len(sinks) + 3)]
    times: dict[tuple[str, str], list[float]] = defaultdict(list)
    for row in rows:
        times[row["fault"], row["sink"]].append(float(row["seconds"]))
    for row in {row["fault"]: row for row in rows}.values():
        found = [_time(times.get((row["fault"], sink), [])) for sink in sinks]
        fault, test = row["fault"].partition(": ")[2], row["test"].removeprefix("test_")
        lines.append((fault, row["promise"], *found, f"`{test.replace('.py::test_', ': ')}`"))
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _time(seconds: list[float]) -> str:
    """Median and worst."""
    if not seconds:
        return ""
    return f"{statistics.median(seconds):.1f} / {max(seconds):.1f}"


if __name__ == "__main__":
    main(*sys.argv[1:])
