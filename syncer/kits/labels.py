"""For label parsers: texts of labels into values, and what was written wrongly in words.

Public for plugin authors, beside `syncer` itself. People who may start containers write labels, so
every text is bounded here, and shown with nothing in it that could forge a line. Functions
that make a value of a text raise ValueError with a reason that follows the label's name.
"""

import contextlib
import re
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from typing import Any, TypeVar

import attrs

from syncer.api.model import Offer, Workload
from syncer.api.options import parse_duration

T = TypeVar("T")

#: Longest name or id, and longest other text, in characters.
LONGEST_NAME, LONGEST_TEXT = 255, 4096
#: Problems of one workload that are shown; more would drown everything else.
MOST_PROBLEMS = 100
#: How much of a bad value is shown, in characters.
SHOWN = 60

_BAD = re.compile("[\0-\x1f\x7f\ud800-\udfff]")
_BAD_IN_LINES = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def unfit(value: str, longest: int, *, lines: bool = False) -> str:
    """Why a text cannot be used, in words that follow its name; empty if it can.

    `lines` allows line ends and tabs.
    """
    if len(value) > longest:
        return f"is longer than {longest} characters"
    if (_BAD_IN_LINES if lines else _BAD).search(value):
        return "has control characters"
    return ""


def quoted(value: str) -> str:
    """The value in quotes, cut to what a line can show, with nothing that forges a line."""
    return repr(value if len(value) <= SHOWN else value[:SHOWN] + "...")


def text(value: str, longest: int = LONGEST_TEXT, *, lines: bool = False) -> str:
    """A text as it is; `lines` allows line ends and tabs."""
    if reason := unfit(value, longest, lines=lines):
        raise ValueError(reason)
    return value


def name(value: str) -> str:
    """A name or an id, without spaces around it."""
    return text(value.strip(), LONGEST_NAME)


def truth(value: str, yes: Container[str], no: Container[str]) -> bool:
    """True or false, in these words for them."""
    word = name(value).lower()
    if word not in yes and word not in no:
        raise ValueError(f"must be true or false, not {quoted(word)}")
    return word in yes


def seconds(value: str, examples: str = "30s or 1m30s") -> float:
    """A length of time."""
    length = name(value)
    try:
        return parse_duration(length)
    except ValueError:
        reason = f"must be a length of time, such as {examples}, not {quoted(length)}"
        raise ValueError(reason) from None


def path(value: str) -> str:
    """The path of a request; a missing slash before it is added."""
    found = text(value.strip())
    if "://" in found.partition("?")[0] or " " in found:
        raise ValueError(f"must be a path, such as /health, not {quoted(found)}")
    return found if found.startswith("/") else f"/{found}"


def method(value: str) -> str:
    """A request method in capitals."""
    word = name(value).upper()
    if not (word.isascii() and word.isalpha()):
        raise ValueError(f"must be a request method, not {quoted(word)}")
    return word


def limited(kind: type, field: str, value: T) -> T:
    """The value, if this field of the class takes it."""
    attribute: attrs.Attribute[Any] = getattr(attrs.fields(kind), field)
    if attribute.validator:
        attribute.validator(None, attribute, value)
    return value


class Problems:
    """Collects problem texts while one workload is read; each counts once."""

    def __init__(self) -> None:
        self._texts: dict[str, None] = {}

    def add(self, label: str, reason: object) -> None:
        """Report what is wrong with what a label says."""
        self._texts[f"{quoted(label)[1:-1]}: {reason}"] = None

    def texts(self) -> tuple[str, ...]:
        """The problems in the order found, the last one counting those left out."""
        texts = tuple(self._texts)
        more = len(texts) - MOST_PROBLEMS
        left_out = (f"{more} more problems are not shown",) if more > 0 else ()
        return (*texts[:MOST_PROBLEMS], *left_out)


def with_own_ids(workload: Workload, offers: Sequence[Offer]) -> Iterator[Offer]:
    """The offers, with an id that has the service in it where several without one share a port.

    The core makes ids of the workload and the port.
    """
    sharing = Counter(_at(offer) for offer in offers)
    start = f"{workload.scope}:{workload.name or workload.id}"
    for offer in offers:
        if not offer.id and sharing[_at(offer)] > 1:
            port, protocol = _at(offer)
            own = f"{start}:{port}:{protocol}:{offer.service}"
            with contextlib.suppress(ValueError):  # the workload's own name is no text for ids
                offer = attrs.evolve(offer, id=own)
        yield offer


def _at(offer: Offer) -> tuple[int, str]:
    return offer.port or offer.register_port or 0, offer.protocol
