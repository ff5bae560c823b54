"""The nearest match for a word that nobody knows."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'token'?` if one of the known words looks like this one, else nothing."""
    by_form = {_form(other): other for other in known}
    close = get_close_matches(_form(word), by_form, n=1, cutoff=0.6)
    return f"; did you mean {by_form[close[0]]!r}?" if close else ""


def _form(word: str) -> str:
    return word.lower().replace("-", "_")
