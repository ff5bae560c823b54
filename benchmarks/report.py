"""Writes what was measured last into docs/performance.md, and draws the plot of growth.

    python -m benchmarks.report

In the page, what stands between `<!-- bench: NAME -->` and `<!-- end -->` is the table of that
measurement.
"""

import re

from benchmarks import ROOT
from benchmarks.figures import kept, table
from benchmarks.growth import plot

PAGE = ROOT / "docs" / "performance.md"
PLOT = ROOT / "docs" / "images" / "growth.svg"
_BLOCK = re.compile(r"(<!-- bench: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def main() -> None:
    """Replace the tables of measurements that were made; others stay."""
    PAGE.write_text(_BLOCK.sub(_filled, PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    if points := kept("start").get("points"):
        PLOT.parent.mkdir(exist_ok=True)
        PLOT.write_text(f"{plot(points)}\n", encoding="utf-8")


def _filled(block: re.Match[str]) -> str:
    found = kept(block[2])
    return f"{block[1]}\n{table(found['rows'])}\n{block[3]}" if found else block[0]


if __name__ == "__main__":
    main()
