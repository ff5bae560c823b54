"""Fills docs/api.md on the site: `<!-- api: NAME ... -->` becomes what autodoc knows of each name.

On a code host the page needs nothing that only Sphinx reads.
"""

import re
from collections.abc import Iterator
from typing import Any, get_args

from sphinx.application import Sphinx

import syncer
from syncer import events

PAGE = "docs/api"
_MARK = re.compile(r"<!-- api: (.+?) -->")


def _directives(names: list[str]) -> Iterator[str]:
    for name in names:
        if name == "events":
            yield from (_directive("autoclass", kind) for kind in get_args(events.AnyEvent))
        else:
            yield _directive("autoclass", getattr(syncer, name), f"syncer.{name}")


def _directive(kind: str, documented: Any, path: str = "") -> str:
    path = path or f"syncer.events.{documented.__name__}"
    if not isinstance(documented, type):
        return f".. autofunction:: {path}\n"
    return f".. {kind}:: {path}\n   :members:\n"


def _add(app: Sphinx, docname: str, source: list[str]) -> None:
    if docname == PAGE:
        source[0] = _MARK.sub(_filled, source[0])


def _filled(mark: re.Match[str]) -> str:
    return "\n".join(["```{eval-rst}", *_directives(mark[1].split()), "```"])


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx's door for extensions."""
    app.connect("source-read", _add)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
