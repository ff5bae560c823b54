"""The kit finds what it is for: every clause fails for a plugin that breaks it, and only then."""

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

import syncer
from syncer.testing import ParserContract, SinkContract, SourceContract

HERE = Path(__file__).parent
CONTRACTS = (SinkContract, SourceContract, ParserContract)
#: The first is imported by the others, and collects their faults.
FILES = ("saboteurs", "drain_saboteurs", "parser_saboteurs")


def _load(name):
    spec = spec_from_file_location(name, HERE / f"{name}.py")
    module = module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


MODULES = [_load(name) for name in FILES]
saboteurs = MODULES[0]


def saboteur(name):
    """The class of this name."""
    return next(getattr(module, name) for module in MODULES if hasattr(module, name))


def clauses_of(name, tests):
    """The clauses that these tests of the saboteur belong to."""
    return {getattr(saboteur(name), test).clause for test in tests}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Class name -> what became of its tests, from one run of all saboteurs."""
    report = tmp_path_factory.mktemp("kit") / "report.xml"
    options = ["-q", "-p", "no:cacheprovider", "--noconftest", "-c", os.devnull]
    options += ["-o", "python_classes=Sabotage*", "--import-mode=importlib", "-W", "error"]
    paths = os.pathsep.join(map(str, (Path(syncer.__file__).parents[1], HERE)))
    env = {**os.environ, "PYTHONPATH": paths}
    files = [str(HERE / f"{name}.py") for name in FILES]
    command = [sys.executable, "-m", "pytest", *options, f"--junitxml={report}", *files]
    run = subprocess.run(
        command, env=env, cwd=report.parent, capture_output=True, text=True, check=False
    )
    assert report.exists(), run.stdout + run.stderr
    found = defaultdict(lambda: {"passed": set(), "failed": set(), "skipped": set()})
    for case in ElementTree.parse(report).iter("testcase"):
        class_ = case.attrib["classname"].rpartition(".")[2]
        name = case.attrib["name"].partition("[")[0]
        kinds = {child.tag for child in case}
        kind = "failed" if kinds & {"failure", "error"} else "passed"
        found[class_]["skipped" if "skipped" in kinds else kind].add(name)
    return found


@pytest.mark.parametrize("name", sorted(saboteurs.FAULTS))
def test_saboteur_fails_exactly_its_clauses(results, name):
    """A fault is found by the clause that is there for it, and disturbs no other."""
    failed = clauses_of(name, results[name]["failed"])
    assert failed == saboteurs.FAULTS[name]
    assert results[name]["passed"] or name == "SabotageDeclinesWhatIsNot"


@pytest.mark.parametrize(
    ("contract", "name"),
    [
        (SinkContract, "SabotageNothing"),
        (SourceContract, "SabotageNothingOfTheSource"),
        (ParserContract, "SabotageNothingOfTheParser"),
    ],
)
def test_healthy_skip_nothing(results, contract, name):
    """Of the healthy sink, source and parser every clause runs and passes."""
    assert results[name]["skipped"] == results[name]["failed"] == set()
    assert clauses_of(name, results[name]["passed"]) == contract.clauses()


def test_declined_is_skipped(results):
    """Only the clauses that a plugin declines are skipped."""
    name = "SabotageDeclinesTheClause"
    skipped = clauses_of(name, results[name]["skipped"])
    assert skipped == {"race", "reopened", "locks"}


@pytest.mark.parametrize("contract", CONTRACTS)
def test_every_clause_has_a_saboteur(contract):
    """No clause is without a fault that it alone finds."""
    alone = {
        clause
        for name, clauses in saboteurs.FAULTS.items()
        if len(clauses) == 1 and issubclass(saboteur(name), contract)
        for clause in clauses
    }
    assert contract.clauses() - alone == set()


@pytest.mark.parametrize("contract", CONTRACTS)
def test_every_clause_is_documented(contract):
    """The module's docstring has a row for each clause."""
    text = sys.modules[contract.__module__].__doc__
    rows = {line.split()[0] for line in text.splitlines() if line and line[0].isalpha()}
    assert contract.clauses() - rows == set()
