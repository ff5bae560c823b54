"""Measurements of syncer beside a bare client's, on made-up containers and real registries.

    make bench                                everything, as docs/performance.md tells it
    make bench ARGS="start --sizes 1000"      one measurement
    make bench ARGS="compare --checkouts ../before,."      two checkouts, before and after a change
    make bench ARGS="fleet --sizes 0,2000"    what a host costs a registry that many share

Each prints a table, and keeps its figures in build/bench/; `python -m benchmarks.report` writes
those into docs/performance.md. Nothing here is a test: no figure passes or fails.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
#: The tests' servers are used here too.
sys.path.insert(0, str(ROOT / "tests"))
