"""Converters: from the text of a label to a value.

Each raises `ValueError` with a reason that follows the label's name. Spaces around words,
names and numbers do not matter.
"""

import ipaddress
import re
import shlex
from collections.abc import Callable, Collection
from typing import Any, TypeVar

import attrs

from syncer.api.checks import CheckStatus
from syncer.api.fields import is_network
from syncer.api.options import parse_duration
from syncer.kits.labels.problems import LONGEST_NAME, LONGEST_TEXT, BadValue, unfit

T = TypeVar("T")

TRUE, FALSE = frozenset({"true", "yes", "on", "1"}), frozenset({"false", "no", "off", "0"})
#: No number, time or keyword is longer; longer ones are costly to refuse.
_LONGEST_WORD = 64

_SEPARATOR = re.compile(r"(?<!\\),")
_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_.])?")


def text(value: str, longest: int = LONGEST_TEXT, *, lines: bool = False) -> str:
    """Return a text as it is. `lines` allows line ends and tabs."""
    if reason := unfit(value, longest, lines=lines):
        raise ValueError(reason)
    return value


def lines(value: str) -> str:
    """Return a text that may have line ends and tabs."""
    return text(value, lines=True)


def name(value: str) -> str:
    """Return a name or an id."""
    return text(value.strip(), LONGEST_NAME)


def word(value: str) -> str:
    """Return a keyword, number or length of time."""
    return text(value.strip(), _LONGEST_WORD)


def one_of(value: str, known: Collection[str]) -> str:
    """Return one of the known words, in lower case."""
    found = word(value).lower()
    if found not in known:
        raise BadValue(" or ".join(known), found)
    return found


def truth(value: str, yes: Collection[str] = TRUE, no: Collection[str] = FALSE) -> bool:
    """Return whether the word means true."""
    found = word(value).lower()
    if found not in yes and found not in no:
        raise BadValue("true or false", found)
    return found in yes


def whole(value: str) -> int:
    """Return a whole number in decimal digits."""
    digits = word(value)
    if not (digits.isascii() and digits.isdigit()):
        raise BadValue("a whole number", digits)
    return int(digits)


def seconds(value: str) -> float:
    """Return a length of time in seconds."""
    length = word(value)
    try:
        return parse_duration(length)
    except ValueError:
        raise BadValue("a length of time, such as 30s or 1m30s", length) from None


def limited(kind: type, field: str, convert: Callable[[str], T]) -> Callable[[str], T]:
    """Return a converter that refuses values that the field of this class refuses."""
    attribute: attrs.Attribute[Any] = getattr(attrs.fields(kind), field)

    def convert_within_limits(value: str) -> T:
        found = convert(value)
        try:
            if attribute.validator:
                attribute.validator(None, attribute, found)
        except ValueError as error:
            limits = str(error).removeprefix(f"{field} must be ").partition(", not ")[0]
            raise BadValue(limits, str(found)) from None
        return found

    return convert_within_limits


def split_list(value: str) -> tuple[str, ...]:
    r"""Return the parts of a comma list that are not empty; `\,` is a comma inside a part."""
    return tuple(part.replace(r"\,", ",") for part in _SEPARATOR.split(value) if part)


def address(value: str) -> str:
    """Return an IP address or a host name. Prefix length and brackets are dropped."""
    bare = name(value)
    try:
        found = ipaddress.ip_interface(bare.removeprefix("[").removesuffix("]")).ip
    except ValueError:
        if _HOST.fullmatch(bare) and not bare.replace(".", "").isdigit():
            return bare
        raise BadValue("an IP address or a host name", bare) from None
    if found.is_unspecified or found.is_multicast:
        raise BadValue("a reachable address", bare)
    if is_network(bare):
        raise BadValue("the address of a host, not of a network", bare)
    return str(found)


def path(value: str) -> str:
    """Return the path of a request; a missing slash is added in front."""
    found = text(value.strip())
    if "://" in found.partition("?")[0] or " " in found:
        raise BadValue("a path, such as /health", found)
    return found if found.startswith("/") else f"/{found}"


def method(value: str) -> str:
    """Return a request method in capitals."""
    found = word(value).upper()
    if not (found.isascii() and found.isalpha()):
        raise BadValue("a request method", found)
    return found


def command(value: str) -> tuple[str, ...]:
    """Return a command, split by the shell's rules."""
    given = lines(value)
    try:
        return tuple(shlex.split(given))
    except ValueError as error:
        raise ValueError(f"not a valid command: {str(error).lower()}") from None


def status(value: str) -> CheckStatus:
    """Return the status of a check."""
    return CheckStatus(one_of(value, [known.value for known in CheckStatus]))
