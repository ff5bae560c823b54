"""Takes out one brake of the engine at a time, and demands that a test fails each time.

    python tests/mutations.py [--model] [WORD ...]

With words, only the brakes whose names have one of them. With `--model` the model test alone has
to notice all but those that it is `blind` to, each for a reason: this shows what random histories
find by themselves. Works on a copy of the tree; ends with 1 if a brake can be taken out unnoticed,
or if the model notices one that it is said to be blind to. `make mutants` runs it.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from mutants import Mutant, cycles, pages, plans, reloads, stores

ROOT = Path(__file__).parents[1]
#: What the copy needs; plugins and servers are used where they are.
NEEDED = ("syncer", "tests", "plugins", "contrib", "conftest.py", "pyproject.toml", "setup.cfg")
MODEL = "tests/model/test_histories.py"
MUTANTS = (
    *plans.MUTANTS,
    *stores.MUTANTS,
    *cycles.MUTANTS,
    *pages.MUTANTS,
    *reloads.MUTANTS,
)


def main() -> int:
    """Try them all; returns the exit code."""
    arguments = _arguments()
    chosen = [
        mutant
        for mutant in MUTANTS
        if not arguments.words or any(word in mutant.what for word in arguments.words)
    ]
    noticed = wrong = 0
    with tempfile.TemporaryDirectory(prefix="syncer-mutants-") as folder:
        copy = Path(folder)
        _copy(copy)
        tests = {test for mutant in chosen for test in mutant.tests}
        failed = _run(copy, [MODEL] if arguments.model else sorted(tests))
        if failed:
            print(f"{failed}\nthe tests fail without a mutant")  # noqa: T201
            return 1
        for mutant in chosen:
            started = time.monotonic()
            found = _noticed(copy, mutant, arguments.model)
            right = found != (arguments.model and mutant.blind != "")
            noticed, wrong = noticed + found, wrong + (not right)
            word = (
                ("noticed" if found else "unseen") if right else ("FOUND" if found else "SURVIVES")
            )
            text = f"{time.monotonic() - started:6.1f} s  {mutant.file}: {mutant.what}"
            print(f"{word:8s}{text}", flush=True)  # noqa: T201
    print(f"{noticed} of {len(chosen)} noticed, {wrong} other than expected")  # noqa: T201
    return 1 if wrong else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", action="store_true", help="only the model test is to notice")
    parser.add_argument("words", nargs="*")
    return parser.parse_args()


def _copy(to: Path) -> None:
    skip = shutil.ignore_patterns("__pycache__", "*.egg-info", ".*_cache", ".hypothesis")
    for name in NEEDED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, to / name, ignore=skip)
        else:
            shutil.copy(ROOT / name, to / name)


def _noticed(copy: Path, mutant: Mutant, model: bool) -> bool:
    path = copy / mutant.file
    text = path.read_text()
    if mutant.old not in text:
        raise SystemExit(f"{mutant.what}: {mutant.file} has no {mutant.old!r} any more")
    path.write_text(text.replace(mutant.old, mutant.new, 1))
    try:
        return bool(_run(copy, [MODEL] if model else mutant.tests))
    finally:
        path.write_text(text)


def _run(copy: Path, tests: Sequence[str]) -> str:
    """Run tests of the copy; returns what pytest said if one failed."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    env = {**os.environ, "PYTHONPATH": str(copy), "TEST_MODEL": "first"}
    env["PYTHONDONTWRITEBYTECODE"] = "1"
    done = subprocess.run(command, cwd=copy, env=env, capture_output=True, text=True, check=False)
    if done.returncode > 1:
        raise SystemExit(done.stdout + done.stderr)
    return done.stdout if done.returncode else ""


if __name__ == "__main__":
    sys.exit(main())
