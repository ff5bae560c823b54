"""The command: runs the parts, prints the tables, and ends with 1 if something is wrong."""

import argparse
import logging
import random
import shutil
import sys
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path

from soak.bench import Bench, running
from soak.faults import Faults
from soak.plot import plot
from soak.report import Parts, Run, problems, tables
from soak.samples import Sampler

#: The part of the time without faults, at the beginning and again in the end.
QUIET_SHARE = 0.15


def main() -> int:
    """Run a soak; 0 if all is well."""
    options = _options()
    logging.getLogger("kazoo").setLevel(logging.ERROR)  # the reader's, when servers go
    options.out.mkdir(parents=True, exist_ok=True)
    say(f"starting the servers; seed {options.seed}")
    rng = random.Random(options.seed)
    with running(options.containers, random.Random(rng.random())) as bench:
        try:
            run = soak(bench, options, random.Random(rng.random()))
        finally:
            shutil.copy(bench.syncer.log, options.out / "syncer.log")
    (options.out / "soak.md").write_text(tables(run))
    (options.out / "soak.svg").write_text(plot(run))
    sys.stdout.write(f"\n{tables(run)}\n")
    changes = run.samples[-1].changes
    say(f"{changes} changes, {len(run.records)} faults; table, plot and log are in {options.out}")
    wrong = problems(run)
    for problem in wrong:
        say(f"WRONG: {problem}")
    return 1 if wrong else 0


def soak(bench: Bench, options: argparse.Namespace, rng: random.Random) -> Run:
    """All parts of a run."""
    if bench.settle() is None:
        wrong = {sink: len(ids) for sink, ids in bench.unequal(time.monotonic()).items()}
        raise SystemExit(f"not equal at first, wrong ids: {wrong}; see syncer.log")
    quiet = 60 * options.minutes * QUIET_SHARE
    sampler, faults, stop = Sampler(bench), Faults(bench, rng), threading.Event()
    with ThreadPoolExecutor() as pool:
        sampling = pool.submit(sampler.run, stop)
        try:
            first = time.monotonic()
            say("changes without faults")
            change(bench, options.rate, quiet, sampling)
            began = time.monotonic()
            say("changes and faults")
            all_faults(bench, options, pool, faults, sampling)
            last = time.monotonic()
            say("changes without faults")
            change(bench, options.rate, quiet, sampling)
            end = time.monotonic()
            say("waiting for all to be equal")
            bench.settle()
            unequal = bench.unequal(time.monotonic())
        finally:
            stop.set()
        sampling.result()
    return Run(sampler.samples, faults.records, Parts(first, began, last, end), unequal)


def all_faults(
    bench: Bench,
    options: argparse.Namespace,
    pool: ThreadPoolExecutor,
    faults: Faults,
    sampling: "Future[None]",
) -> None:
    """Change containers and make faults, until the last fault is recovered from."""
    stop = threading.Event()
    making = pool.submit(faults.run, stop)
    try:
        change(bench, options.rate, 60 * options.minutes * (1 - 2 * QUIET_SHARE), sampling, making)
    finally:
        stop.set()
    while not making.done():
        change(bench, options.rate, 1.0, sampling)
    making.result()


def change(bench: Bench, rate: float, seconds: float, *others: "Future[None]") -> None:
    """Change containers at a steady rate; raises what one of the others raised."""
    begin = time.monotonic()
    for number in range(int(rate * seconds)):
        due = begin + number / rate - time.monotonic()
        done, _ = wait(others, timeout=max(0.0, due), return_when="FIRST_COMPLETED")
        if done:
            done.pop().result()
            raise RuntimeError("a part of the soak ended too early")
        bench.churn.change()


def say(text: str) -> None:
    """One line of what goes on."""
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {text}\n")
    sys.stdout.flush()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="soak", description="See the package's docstring.")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--containers", type=int, default=300)
    parser.add_argument("--rate", type=float, default=8.0, help="changes a second")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("build/soak"), help="folder")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
