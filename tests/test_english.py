"""Docstrings, comments and messages are plain English: the phrases that came up most are gone.

Run as a program, it lists what is left by folder: `python tests/test_english.py`.
"""

import ast
import re
import sys
import tokenize
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOLDERS = (ROOT / "syncer", *sorted((ROOT / "plugins").glob("*/src")))

#: Phrases that need a second reading. CONTRIBUTING.md has the words to use in their place.
ANYWHERE = re.compile(
    r"\b("
    r"that those|whoever|who has it|that which|is none of|(?<!there )(?:is|are) none\b"
    r"|lets? go|letting go|anew|afresh|be had\b|(?:is|are) told\b|is to be done to"
    r"|stands? (?:in|there|under|for it|beside|at)|comes? on\b|besides? its cycles?"
    r"|does well|passed over|puts? right|put right|as it should be"
    r"|longer than nothing|see whether|(?:is|are) not spoken|let nobody|which is to be"
    r"|has no form|not told|broken off|goes on with|(?<!`)\bbeside\b(?!`) \w"
    r")",
    re.IGNORECASE,
)
#: A docstring that begins so has a subject that the reader must guess.
BEGINNING = re.compile(r"(What|Whose|That|Who)\b(?! (?:if|is left\?))")


def texts(path):
    """Each docstring, comment and other text of a module, with its line and whether it begins."""
    source = path.read_text()
    documented = set()
    for node in ast.walk(tree := ast.parse(source)):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            documented.add(id(body[0].value))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield node.lineno, node.value, id(node) in documented
    with path.open("rb") as file:
        comments = [
            token for token in tokenize.tokenize(file.readline) if token.type == tokenize.COMMENT
        ]
    for before, token in zip([None, *comments], comments, strict=False):
        follows = before is not None and before.start[0] == token.start[0] - 1
        yield token.start[0], token.string.lstrip("#: "), not follows


def faults(path):
    """What is not plain, as lines to act on."""
    for line, text, begins in texts(path):
        flat = " ".join(text.split())
        for match in ANYWHERE.finditer(flat):
            yield f"{path.relative_to(ROOT)}:{line}: {match.group()!r} in {flat[:90]!r}"
        if begins and (match := BEGINNING.match(flat)):
            yield f"{path.relative_to(ROOT)}:{line}: begins with {match.group()!r}: {flat[:90]!r}"


def all_faults():
    """The faults of the core and the plugins."""
    return [
        found
        for folder in FOLDERS
        for path in sorted(folder.rglob("*.py"))
        for found in faults(path)
    ]


def test_english_is_plain():
    """No docstring, comment or message needs a second reading because of these phrases."""
    assert not list(all_faults())


if __name__ == "__main__":
    left = all_faults()
    count = Counter(re.match(r"(?:plugins/)?[^/]+(?:/[^/:]+(?=/))?", found)[0] for found in left)
    lines = left if "-v" in sys.argv else map(str, count.most_common())
    sys.stdout.writelines(f"{line}\n" for line in lines)
