"""The programs that keep the documentation current, `docs/*.py`: they are no package."""

import importlib.util
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"


def doc_program(name):
    """The module of this name in `docs`."""
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
