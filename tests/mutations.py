"""Takes out one brake of the engine at a time, and demands that a test fails each time.

    python tests/mutations.py [--model] [WORD ...]

With words, only the brakes whose names have one of them. With `--model` the model test alone has
to notice, which shows what random histories find by themselves. Works on a copy of the tree;
ends with 1 if a brake can be taken out unnoticed. `make mutants` runs it.
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

import attrs

ROOT = Path(__file__).parents[1]
#: What the copy needs; plugins and servers are used where they are.
NEEDED = ("syncer", "tests", "plugins", "contrib", "conftest.py", "pyproject.toml", "setup.cfg")
PLAN = "tests/test_plan.py"
GUARD = "tests/test_guard.py"
DESIRED = "tests/test_desired.py"
CYCLE = "tests/test_reconcile.py"
DIFFERENCE = "tests/test_difference.py"
NEXT = "tests/test_successors.py"
PULSE = "tests/test_pulse.py"
DAEMON = "tests/test_daemon.py"
DRAIN = "tests/test_drain.py"
PROBING = "tests/test_probing.py"
LOOPS = "tests/test_loops.py"
ENGINE = "tests/test_engine.py"
ELECTION = "tests/test_election.py"
MEMORY = "tests/builtin/test_memory.py"
MODEL = "tests/model/test_histories.py"


@attrs.frozen
class Mutant:
    """A brake taken out: in `file` the first `old` becomes `new`; `tests` are to notice."""

    what: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


def plan(what: str, old: str, new: str = "if False:", *tests: str) -> Mutant:
    """A brake of the planner."""
    return Mutant(what, "syncer/plan.py", old, new, tests or (PLAN,))


def cycle(what: str, old: str, new: str, *tests: str) -> Mutant:
    """A brake of a cycle."""
    return Mutant(what, "syncer/reconcile.py", old, new, tests or (CYCLE,))


def desired(what: str, old: str, new: str, *tests: str) -> Mutant:
    """A brake of what is known of a source."""
    return Mutant(what, "syncer/desired.py", old, new, tests or (DESIRED,))


def guard(what: str, old: str, new: str) -> Mutant:
    """A brake of the guard."""
    return Mutant(what, "syncer/guard.py", old, new, (GUARD,))


def successors(what: str, old: str, new: str) -> Mutant:
    """A brake of what waits for its successor."""
    return Mutant(what, "syncer/successors.py", old, new, (NEXT,))


MUTANTS = (
    # Whose it is.
    plan("another owner's is ours", "mark is None or mark.owner != self.owner", "mark is None"),
    plan("another scope's is ours", "and mark.scope in source.scopes else None", "else None"),
    plan("a conflict is overwritten", "if holder is None or have.mark is None:", "if not have.id:"),
    plan(
        "a stray is not told",
        "if facts.stray(registration.mark):",
        "if False:",
        PLAN,
        CYCLE,
        ENGINE,
    ),
    plan("a duplicate is not told", 'Skip(id_, "duplicate", text)', 'Skip(id_, "", text)'),
    plan("the holder does not go first", "(not holds, claim.order,", "(False, claim.order,"),
    plan("the order of sources does not count", "holds, claim.order, mark", "holds, 0, mark"),
    plan("an unclear holder is replaced", "if mark.workload in holder.unclear:"),
    plan("a doubted holder is replaced", "if mark.source != want.mark.source and holder.doubt:"),
    # What is known.
    plan("a source in doubt removes", "    if source.doubt:", "    if False:"),
    plan("an incomplete registry removes", "    if not actual.complete:", "    if False:"),
    plan("an unclear workload is removed", "if mark.workload in source.unclear:"),
    plan("a rejected form is removed", "    if id_ in aim.rejected:", "    if False:"),
    plan("an unreadable entry is written over", "if id_ in actual.unclear:"),
    plan("what is hidden is written again", "if not actual.complete and id_ in written:"),
    plan("damage is no difference", "and not have.damaged and", "and"),
    plan("the mark is not compared", "have.mark == want.mark and not", "not"),
    plan("policies forbid nothing", "if not isinstance(change, allowed)", "if False"),
    plan("an unknown health is written", ".hold(held)", "", PROBING),
    desired(
        "before the first listing there is no doubt",
        'self._doubt = "it has not listed completely yet"',
        'self._doubt = ""',
    ),
    desired(
        "an incomplete listing is believed", 'else "its last listing was incomplete"', 'else ""'
    ),
    desired("a failure is no doubt", 'self._doubt = f"no answer: {error}"', "pass"),
    desired(
        "what a part does not show is forgotten",
        "kept = old if not view.complete",
        "kept = {} if False",
    ),
    desired("what is unclear is forgotten", "{i: old[i] for i in view.unclear if i in old}", "{}"),
    desired("what fails to translate is clear", "if entry.translated.failed", "if False"),
    desired("an old word is a fresh one", "self._clock() - asked <= FRESH", "True"),
    desired("a listing does not overrule a word", "and i not in runs", ""),
    desired(
        "the scope comes with the listing",
        "renamed, self._scope = scope != self._scope, scope",
        "renamed = True",
    ),
    # What need not be looked at.
    Mutant(
        "rivals are looked at singly",
        "syncer/difference.py",
        " or self._aims.rivals()",
        "",
        (DIFFERENCE,),
    ),
    Mutant(
        "new rivals are not compared",
        "syncer/aiming.py",
        "taken = rivals or",
        "taken =",
        (DIFFERENCE,),
    ),
    # A cycle.
    cycle("gone is not confirmed", "and change.reason is Reason.WORKLOAD_GONE", "and False"),
    cycle(
        "an error confirms",
        'return Skip(change.id, "unconfirmed", f"{mark.source} did not',
        'return change or (f"{mark.source} did not',
    ),
    cycle("what runs after all goes", "if workload.state.offered:", "if False:"),
    cycle("a silent source is asked on", "if unanswered[mark.source] >= UNANSWERED:", "if False:"),
    cycle("the guard is not asked", "plan = self._guard(plan, {", "(lambda *a: None)(plan, {"),
    cycle("the policy is not asked", "apply_policy(plan, self._part.policy)", "plan"),
    cycle("refusals are not remembered", "self._refusals.note(change, text)", "pass"),
    cycle(
        "a conflict counts as refused",
        "and not isinstance(error, Conflict)\n        text",
        "\n        text",
    ),
    cycle(
        "after an error nothing is read",
        "        self._view = None\n        permanent",
        "        permanent",
    ),
    cycle(
        "a failed read is no reason to read",
        "            self._view = None  # until",
        "            # until",
    ),
    cycle(
        "what lags is not asked again",
        "if not plan.changes or not self.sink.stale_for:",
        "if True:",
    ),
    cycle(
        "old ones go first",
        "puts = [change for change in plan.changes if not isinstance(change, Deregister)]",
        "puts = list(plan.changes)[::-1]",
        CYCLE,
    ),
    cycle("what was written is forgotten", "self._written.add(change.id)", "pass"),
    cycle(
        "a sink's silence is success",
        "        for change in left.values():\n            yield Outcome(change, error=error)\n",
        "        for change in left.values():\n            yield Outcome(change)\n",
    ),
    cycle(
        "what is held is let go",
        "one for one in registrations if facts.source_of(one.mark) is not None",
        "one for one in registrations if False",
    ),
    cycle("exit releases what is others'", "registration.mark.owner == self._owner and", ""),
    cycle(
        "a standby writes",
        "if self.election is None or self.election.leads():",
        "if True:",
        ELECTION,
    ),
    successors(
        "a successor is not waited for", "change.after and not change.after & coming", "False"
    ),
    successors("a failed successor is one", "coming -= set(failed)", "pass"),
    successors(
        "a successor that stands is waited for",
        "any(_serves(held.get(id_), change.old) for id_ in ids)",
        "False",
    ),
    successors("gone waits for a successor", "change.reason is Reason.NOT_OFFERED", "True"),
    # The guard.
    guard("the share does not count", "len(risky) <= rules.share * plan.ours", "False"),
    guard("the least does not count", "len(risky) < rules.least or", ""),
    guard("a move is not risky", "isinstance(change, Update) and change.moves", "False"),
    guard("stopped is risky", "return not change.stopped", "return True"),
    guard("refuse confirms", 'rules.mode == "refuse" or ', ""),
    guard("the same listing confirms", "return listing > first and", "return"),
    guard("no time need pass", "and now - since >= PAUSE", ""),
    guard("a refused change is tried on", "and self._clock() < until", "and False"),
    guard("a refusal is for ever", "and self._clock() < until", ""),
    # Drains, probes, pulses, loops.
    Mutant(
        "the last one is drained", "syncer/drain.py", "if not left[service]:", "if False:", (DRAIN,)
    ),
    Mutant(
        "a failed renewal keeps reports back",
        "syncer/pulse.py",
        "            finally:\n",
        "            except ZeroDivisionError:\n                raise\n            else:\n",
        (PULSE,),
    ),
    Mutant("a loss is not told", "syncer/pulse.py", "self._on_loss()", "pass", (PULSE, DAEMON)),
    Mutant(
        "an exception ends a loop",
        "syncer/loops.py",
        "except BaseException as error:  # noqa: BLE001 - a loop",
        "except ZeroDivisionError as error:  # noqa: BLE001 - a loop",
        (LOOPS,),
    ),
    Mutant(
        "failures are not told to the tracker",
        "syncer/daemon.py",
        "urgent=None, on_failure=tracker.fail",
        "urgent=None",
        (DAEMON,),
    ),
    Mutant(
        "after a failure ids are enough",
        "syncer/daemon.py",
        'due, self._due = self._due, float("-inf")',
        "due = self._due",
        (DAEMON,),
    ),
    Mutant(
        "the interval is not kept",
        "syncer/daemon.py",
        "if None in wakes or self._clock() >= due:",
        "if None in wakes:",
        (DAEMON,),
    ),
    Mutant(
        "purge takes other scopes",
        "syncer/engine.py",
        "and mark.scope in scopes and",
        "and",
        (ENGINE,),
    ),
    Mutant(
        "the plan that was seen does not count",
        "syncer/engine.py",
        "if expect and ",
        "if False and ",
        (ENGINE,),
    ),
    Mutant(
        "the memory sink overwrites",
        "syncer/builtin/memory.py",
        "if found != expected:",
        "if False:",
        (MEMORY,),
    ),
)


def main() -> int:
    """Try them all; returns the exit code."""
    arguments = _arguments()
    chosen = [
        mutant
        for mutant in MUTANTS
        if not arguments.words or any(word in mutant.what for word in arguments.words)
    ]
    survivors = []
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
            noticed = _noticed(copy, mutant, arguments.model)
            seconds = time.monotonic() - started
            word = "noticed " if noticed else "SURVIVES"
            print(f"{word}  {seconds:5.1f} s  {mutant.file}: {mutant.what}", flush=True)  # noqa: T201
            if not noticed:
                survivors.append(mutant)
    print(f"{len(chosen) - len(survivors)} of {len(chosen)} noticed")  # noqa: T201
    return 1 if survivors else 0


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
    env = {**os.environ, "PYTHONPATH": str(copy), "SYNCER_MODEL": "first"}
    env["PYTHONDONTWRITEBYTECODE"] = "1"
    done = subprocess.run(command, cwd=copy, env=env, capture_output=True, text=True, check=False)
    if done.returncode > 1:
        raise SystemExit(done.stdout + done.stderr)
    return done.stdout if done.returncode else ""


if __name__ == "__main__":
    sys.exit(main())
