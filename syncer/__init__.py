"""syncer keeps service registries equal to what really runs.

This is the facade for plugin authors and for programs that embed the engine. Every name is
imported when it is first used, so `import syncer` costs almost nothing. The names, each with the
module that it comes from, are in `__init__.pyi`: type checkers read it as Python.
"""

import os
import re
from importlib import import_module
from typing import Any

__version__ = "0.1.0"

with open(os.path.join(os.path.dirname(__file__), "__init__.pyi"), encoding="utf-8") as _names:
    _LINES = re.findall(r"^from (\S+) import (\w+)", _names.read(), re.MULTILINE)
_HOME_OF = {name: home for home, name in _LINES}

__all__ = ["__version__", *sorted(_HOME_OF)]  # noqa: PLE0604 - all are text


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'syncer' has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return list(__all__)
