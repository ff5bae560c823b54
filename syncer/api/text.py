"""Text for people: the nearest match of a wrong word, and what is safe to print."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'token'?` if one of the known words looks like this one, else nothing."""
    by_form = {_form(other): other for other in known}
    close = get_close_matches(_form(word), by_form, n=1, cutoff=0.6)
    return f"; did you mean {by_form[close[0]]!r}?" if close else ""


def _form(word: str) -> str:
    return word.lower().replace("-", "_")


def printable(text: str, longest: int = 2000) -> str:
    """The text on one line and of bounded length: it cannot forge a log line or a terminal's.

    Labels, ids and what registries answer come from others.
    """
    if len(text) > longest:
        text = text[:longest] + "..."
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
