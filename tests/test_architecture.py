"""The page about the architecture names what exists: files, words, classes."""

import inspect
import pkgutil
import re
from importlib import import_module
from pathlib import Path

import pytest

import syncer.api

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "architecture.md").read_text()


def section(title):
    """The lines of a section."""
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0].splitlines()


def rows(title):
    """The rows of a section's table, each as its cells."""
    lines = [line for line in section(title) if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


GLOSSARY = {row[0]: re.findall(r"`(syncer[\w.]*)`", row[2]) for row in rows("Glossary")}


def missing(lines):
    """The paths in backticks that do not exist.

    They begin at the root, in `syncer/`, or in a folder that was named before on the same line.
    """
    for line in lines:
        folders = [ROOT / "syncer", ROOT]
        for name in re.findall(r"`([\w./-]+(?:\.py|/))`", line):
            path = next((at / name for at in folders if (at / name).exists()), None)
            if path is None:
                yield name
            else:
                folders.append(path if path.is_dir() else path.parent)


def found(dotted):
    """What a dotted name means: a module, or something in one."""
    parts = dotted.split(".")
    for count in range(len(parts), 0, -1):
        try:
            thing = import_module(".".join(parts[:count]))
        except ModuleNotFoundError:
            continue
        for name in parts[count:]:
            thing = getattr(thing, name)
        return thing
    raise AssertionError(dotted)


@pytest.mark.parametrize("word", GLOSSARY)
def test_a_word_is_in_the_code(word):
    """Each word of the glossary has a name in the code, and the name exists."""
    assert GLOSSARY[word]
    assert all(found(name) is not None for name in GLOSSARY[word])


def test_every_class_of_the_language_has_a_word():
    """A class of `syncer.api` that the glossary does not name would be a word of its own."""
    modules = [
        import_module(f"syncer.api.{m.name}") for m in pkgutil.iter_modules(syncer.api.__path__)
    ]
    classes = {
        f"{module.__name__}.{name}"
        for module in modules
        for name, thing in inspect.getmembers(module, inspect.isclass)
        if thing.__module__ == module.__name__ and not name.startswith("_")
    }
    assert classes - {name for names in GLOSSARY.values() for name in names} == set()


def test_every_room_has_a_line():
    """The table of rooms is what `ls syncer/` shows."""
    rooms = {path.parent.name for path in (ROOT / "syncer").glob("*/__init__.py")}
    assert {row[0].strip("`/") for row in rows("Rooms")} == rooms


@pytest.mark.parametrize(
    "title", ["Rooms", "A cycle, from top to bottom", "Where to look on a bad night"]
)
def test_paths_exist(title):
    """Files and folders that the page names are there."""
    assert not list(missing(section(title)))
