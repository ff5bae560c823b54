"""The site's navigation is made from docs/index.md: its headings, and the pages below each.

On a code host that page is the list of all pages, and needs nothing that only Sphinx reads.
"""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from posixpath import normpath
from typing import Any

from sphinx.application import Sphinx

INDEX = "docs/index"
#: Sections of the index whose pages stand below a page, not beside it.
BELOW = {"Decisions": "docs/architecture", "Packages": "docs/plugins"}


def sections(text: str) -> Iterator[tuple[str, list[str]]]:
    """Each heading with the pages that it links to first; pages are named as Sphinx does."""
    seen = set()
    for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        heading, _, body = part.partition("\n")
        names = []
        for link in re.findall(r"\]\(([^)#\s:]+)\.md(?:#[^)\s]*)?\)", body):
            name = normpath(PurePosixPath(INDEX).parent / link)
            if name not in seen:
                seen.add(name)
                names.append(name)
        if names:
            yield heading.strip(), names


def _toctree(names: list[str], caption: str = "") -> str:
    head = [f":caption: {caption}"] if caption else []
    entries = (f"/{name}" for name in names)
    return "\n".join(["", "", "```{toctree}", ":hidden:", *head, "", *entries, "```", ""])


def _add(app: Sphinx, docname: str, source: list[str]) -> None:
    index = (app.srcdir / f"{INDEX}.md").read_text()
    for heading, names in sections(index):
        if docname == BELOW.get(heading, INDEX):
            source[0] += _toctree(names, "" if heading in BELOW else heading)


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx's door for extensions."""
    app.connect("source-read", _add)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
