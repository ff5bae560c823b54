"""The command: which measurements, how large, how often."""

import argparse
import importlib
import os

from benchmarks.figures import say
from benchmarks.registries import KINDS

MEASUREMENTS = ("start", "latency", "rest", "renewals", "burst", "recovery")


def main() -> None:
    """Make the measurements that are asked for, one after the other."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed syncer is compiled
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("names", nargs="*", help=f"{', '.join(MEASUREMENTS)} (all), or compare")
    parser.add_argument("--sizes", default="100,1000,5000", help="instances")
    parser.add_argument("--registries", default=",".join(KINDS))
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--engine", choices=("fake", "real"), default="fake", help="of latency")
    parser.add_argument("--checkouts", default=".", help="of compare: folders, separated by commas")
    given = parser.parse_args()
    sizes = tuple(int(size) for size in given.sizes.split(","))
    registries = tuple(given.registries.split(","))
    for name in given.names or MEASUREMENTS:
        say(f"{name}: measuring")
        more = {
            "latency": {"engine": given.engine},
            "compare": {"checkouts": tuple(given.checkouts.split(","))},
        }.get(name, {})
        importlib.import_module(f"benchmarks.{name}").run(sizes, registries, given.repeat, **more)


if __name__ == "__main__":
    main()
