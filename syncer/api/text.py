"""Text for people: suggestions for a misspelt word, and text that is safe to print."""

import re
from collections.abc import Collection, Iterable
from difflib import get_close_matches

#: Characters of a wrong value that an error shows.
_LONGEST = 60
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
#: A word that may be an address with a user or a query.
_WORD = re.compile(r"[^\s'\"()]+[@?][^\s'\"()]*")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'token'?` if one of the known words is similar, else nothing."""
    by_form = {_form(other): other for other in known}
    close = get_close_matches(_form(word), by_form, n=1, cutoff=0.6)
    return f"; did you mean {by_form[close[0]]!r}?" if close else ""


def choice(words: Collection[str], given: object) -> str:
    """Return `one of fast, slow, not 'fsat'; did you mean 'fast'?`, for errors: "must be ..."."""
    hint = did_you_mean(given, words) if isinstance(given, str) else ""
    return f"one of {', '.join(words)}, not {shown(given)}{hint}"


def shown_address(text: str) -> str:
    """Return what may be an address without user, password and query: `tcp://***@host:1`."""
    scheme, separator, rest = text.partition("://") if _SCHEME.match(text) else ("", "", text)
    user, at, host = rest.rpartition("@")
    if any(mark in user for mark in "?#"):  # the @ may be in the query as well
        return f"{scheme}{separator}***"
    bare = re.split("[?#]", host, maxsplit=1)[0]
    return f"{scheme}{separator}{'***@' if at else ''}{bare}{'?***' if bare != host else ''}"


def shown_addresses(text: str) -> str:
    """Return a text whose words may be addresses, each as `shown_address` does."""
    return _WORD.sub(lambda word: shown_address(word[0]), text)


def shown(value: object) -> str:
    """Return the value as it would be written in a file, cut to a readable length.

    One that may be an address is shown without user, password and query.
    """
    if isinstance(value, str) and ("@" in value or "://" in value):
        value = shown_address(value)
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def some_of(names: Collection[str], most: int = 5) -> str:
    """Return the first names as a list, and how many more there are."""
    shown = ", ".join(list(names)[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


def many(count: int, noun: str, plural: str = "") -> str:
    """Return `1 entry` or `2 entries`; the plural is needed if it is not the noun and an s."""
    return f"{count} {noun if count == 1 else plural or f'{noun}s'}"


def one_line(text: object) -> str:
    """Return the text on one line: every run of white space becomes one space."""
    return " ".join(str(text).split())


def printable(text: str, longest: int = 2000) -> str:
    """Return the text on one line and of bounded length, so that it cannot forge a log line.

    Labels, ids and answers of registries are written by others.
    """
    if len(text) > longest:
        text = text[:longest] + "..."
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def fold_case(text: str) -> str:
    """Return a text in lower case, letter by letter, as registries written in Go compare ids.

    `str.lower` looks at the neighbours of a sigma, and makes two letters of a dotted capital I.
    """
    return text.lower() if text.isascii() else "".join(c.lower()[0] for c in text)


def _form(word: str) -> str:
    return word.lower().replace("-", "_")
