"""Mistakes in labels, in words for the people who wrote them."""

import re
from collections.abc import Iterable

from syncer.api.text import did_you_mean

#: Longest name or id, and longest other text, in characters.
LONGEST_NAME, LONGEST_TEXT = 255, 4096
#: Problems of one workload that are shown.
MOST_PROBLEMS = 100
#: How much of a bad value is shown, in characters.
SHOWN = 60

_BAD = re.compile("[\0-\x1f\x7f\ud800-\udfff]")
_BAD_IN_LINES = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def unfit(value: str, longest: int, *, lines: bool = False) -> str:
    """Return why a text cannot be used, in words that follow its name; empty if it can.

    `lines` allows line ends and tabs.
    """
    if len(value) > longest:
        return f"is longer than {longest} characters"
    if (_BAD_IN_LINES if lines else _BAD).search(value):
        return "has control characters"
    return ""


def quoted(value: str) -> str:
    """Return the value in quotes, escaped, and cut to what fits on a line."""
    return repr(value if len(value) <= SHOWN else value[:SHOWN] + "...")


def escaped(label: str) -> str:
    """Return the label as it is, or `quoted` if it could forge a line or is too long."""
    return label if label.isprintable() and len(label) <= LONGEST_NAME else quoted(label)


class BadValue(ValueError):
    """A value that is not what it must be: `expected`, such as "a port".

    `without_value` is the message for variables: people keep passwords in environments, and
    a variable may be meant for another program.
    """

    def __init__(self, expected: str, value: str) -> None:
        super().__init__(f"must be {expected}, not {quoted(value)}")
        self.without_value = f"must be {expected}"


class Problems:
    """Collects the problems of one workload. Equal ones count once."""

    def __init__(self) -> None:
        self._texts: dict[str, None] = {}

    def add(self, label: str, reason: object) -> None:
        """Report what is wrong with a label."""
        self._texts[f"{escaped(label)}: {reason}"] = None

    def add_unknown(self, label: str, word: str, known: Iterable[str], what: str = "key") -> None:
        """Report a word that does not exist, with the nearest one that does."""
        wanted = len(self._texts) < MOST_PROBLEMS  # to find the nearest one takes time
        self.add(label, f"unknown {what}{did_you_mean(word, known) if wanted else ''}")

    def texts(self) -> tuple[str, ...]:
        """Return the problems in the order found; the last one counts those left out."""
        texts = tuple(self._texts)
        more = len(texts) - MOST_PROBLEMS
        left_out = (f"{more} more problems are not shown",) if more > 0 else ()
        return (*texts[:MOST_PROBLEMS], *left_out)
