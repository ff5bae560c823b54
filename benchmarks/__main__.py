"""The command: which measurements, how large, how often."""

import argparse
import importlib
import os
from typing import Any

from benchmarks.figures import say
from benchmarks.registries import KINDS

MEASUREMENTS = ("start", "latency", "rest", "renewals", "burst", "recovery")


def main() -> None:
    """Make the measurements that are asked for, one after the other."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed syncer is compiled
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument(
        "names", nargs="*", help=f"{', '.join(MEASUREMENTS)} (all), compare or fleet"
    )
    parser.add_argument("--sizes", default="100,1000,5000", help="instances")
    parser.add_argument("--registries", default="", help="all that the measurement knows")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--engine", choices=("fake", "real"), default="fake", help="of latency")
    parser.add_argument("--checkouts", default=".", help="of compare: folders, separated by commas")
    parser.add_argument("--parts", default="beside,together", help="of fleet")
    parser.add_argument("--hosts", default="30,100,300", help="of fleet: hosts together")
    parser.add_argument("--changes", type=float, default=5.0, help="of fleet: a second")
    parser.add_argument("--seconds", type=float, default=30.0, help="of fleet: for each point")
    given = parser.parse_args()
    sizes = tuple(int(size) for size in given.sizes.split(","))
    asked = tuple(filter(None, given.registries.split(",")))
    for name in given.names or MEASUREMENTS:
        say(f"{name}: measuring")
        registries = asked or (() if name == "fleet" else tuple(KINDS))
        more = _more(given).get(name, {})
        importlib.import_module(f"benchmarks.{name}").run(sizes, registries, given.repeat, **more)


def _more(given: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """What some measurements take in addition."""
    return {
        "latency": {"engine": given.engine},
        "compare": {"checkouts": tuple(given.checkouts.split(","))},
        "fleet": {
            "parts": tuple(given.parts.split(",")),
            "hosts": tuple(map(int, given.hosts.split(","))),
            "changes": given.changes,
            "seconds": given.seconds,
        },
    }


if __name__ == "__main__":
    main()
