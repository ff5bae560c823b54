"""The promises of `docs/proofs.md`: none is missing, and the tests that show them exist."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from mutations import MUTANTS

ROOT = Path(__file__).parents[2]
SECTION = re.compile(r"^## What syncer promises\n(.*?)^## ", re.DOTALL | re.MULTILINE)
TEST = re.compile(r"`([\w/.-]+\.py)::([\w:]+)`")
#: What a reconciler of registries has to keep, and what went wrong elsewhere.
PROMISES, INCIDENTS = 40, 17


def rows():
    """The rows of both tables, each as its cells."""
    (section,) = SECTION.findall((ROOT / "docs/proofs.md").read_text())
    lines = [line for line in section.splitlines() if TEST.search(line) and line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@cache
def names(path):
    """The tests of a file: functions, `Class::method`, and what a top-level name is given to."""
    found = set()
    for node in ast.parse((ROOT / path).read_text()).body:
        if isinstance(node, ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.ClassDef):
            methods = [item.name for item in node.body if isinstance(item, ast.FunctionDef)]
            found |= {f"{node.name}::{method}" for method in methods}
        elif isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return found


def test_no_promise_is_missing():
    """Promises are numbered from 1 on, incidents are all there, and each row has a test."""
    numbered = [row[0] for row in rows() if len(row) == 3]
    assert numbered == [str(number + 1) for number in range(PROMISES)]
    assert len([row for row in rows() if len(row) == 2]) == INCIDENTS


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_the_tests_of_a_promise_exist(row):
    """A test that is renamed or goes away takes no promise with it unnoticed."""
    tests = TEST.findall(row[-1])
    assert TEST.sub("", row[-1]).strip(", ") == ""
    for path, name in tests:
        assert (ROOT / path).is_file(), path
        assert name in names(path), f"{path} has no {name}"
        assert name.rpartition("::")[2].lower().startswith("test"), name


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.what)
def test_a_brake_can_be_taken_out(mutant):
    """Each brake that `make mutants` takes out is where it looks for it, and so are the tests."""
    assert mutant.old in (ROOT / mutant.file).read_text()
    assert mutant.new != mutant.old
    assert all((ROOT / test).is_file() for test in mutant.tests)
