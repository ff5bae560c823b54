"""`import syncer`: the names for embedders and plugin authors, and what importing them costs."""

import subprocess
import sys
from importlib import import_module

import pytest

import syncer


def imported(statement):
    """The top-level modules that are loaded after a statement, in a new interpreter."""
    code = f"import sys\n{statement}\nprint(*sorted({{m.partition('.')[0] for m in sys.modules}}))"
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_every_public_name_resolves():
    """What `__all__` promises is there, each name once."""
    assert len(syncer.__all__) == len(set(syncer.__all__))
    for name in syncer.__all__:
        assert getattr(syncer, name) is not None
    assert set(dir(syncer)) == set(syncer.__all__)


def test_names_are_those_of_their_homes():
    """The facade hands on, and makes nothing of its own."""
    for name, home in syncer._HOME_OF.items():
        assert getattr(syncer, name) is getattr(import_module(home), name)


def test_type_checkers_see_the_same_names():
    """The names imported for type checkers are those of `__all__`, from the same homes."""
    import ast
    from pathlib import Path

    tree = ast.parse(Path(syncer.__file__).read_text(encoding="utf-8"))
    seen = {
        alias.asname: node.module
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == syncer._HOME_OF


def test_an_unknown_name_is_an_attribute_error():
    """A misspelt name fails as with any module."""
    with pytest.raises(AttributeError, match="has no attribute 'Snk'"):
        _ = syncer.Snk


def test_importing_syncer_imports_no_other_package():
    """`import syncer` costs next to nothing: only the standard library is loaded."""
    loaded = imported("import syncer") - imported("import typing, importlib")
    assert loaded - {"syncer"} <= set(sys.stdlib_module_names)


def test_the_engine_needs_no_client_library_and_no_command_line():
    """Whoever embeds the engine loads neither registry clients nor the command's libraries."""
    clients = {"docker", "consul", "urllib3", "requests"}
    command = {"click", "rich", "cattrs", "yaml", "pytest"}
    assert not imported("import syncer.engine.engine") & (clients | command)


def test_every_error_of_the_facade_is_a_syncer_error():
    """One `except` catches whatever syncer raises."""
    errors = [
        value
        for name in syncer.__all__
        if isinstance(value := getattr(syncer, name), type) and issubclass(value, Exception)
    ]
    assert len(errors) >= 6
    assert all(issubclass(error, syncer.SyncerError) for error in errors)
    assert issubclass(syncer.Conflict, syncer.PermanentError)
    assert all(error.exit_code > 0 for error in errors)
