"""Texts of labels into values. Each function raises ValueError with a reason for people."""

import ipaddress
import re
import shlex
from typing import Any, TypeVar

import attrs

from syncer import CheckStatus, parse_duration

T = TypeVar("T")

#: Longest name or id, and longest other text, in characters.
LONGEST_NAME, LONGEST_TEXT = 255, 4096
#: Tags of one service; every reader of the registry gets them all.
MOST_TAGS = 1000

_BAD = re.compile("[\0-\x1f\x7f\ud800-\udfff]")
_BAD_IN_LINES = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_SEPARATOR = re.compile(r"(?<!\\),")
_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_.])?")
_TRUE, _FALSE = {"true", "yes", "on", "1"}, {"false", "no", "off", "0"}
_PROTOCOLS = ("tcp", "udp", "sctp")


def quoted(value: str) -> str:
    """The value in quotes, cut to what a line can show, with nothing that forges a line."""
    return repr(value if len(value) <= 60 else value[:60] + "...")


def text(value: str) -> str:
    """A text as it is."""
    return _fit(value, LONGEST_TEXT)


def lines(value: str) -> str:
    """A text that may have line ends and tabs."""
    return _fit(value, LONGEST_TEXT, _BAD_IN_LINES)


def name(value: str) -> str:
    """A name or an id, without spaces around it."""
    return _fit(value.strip(), LONGEST_NAME)


def truth(value: str) -> bool:
    """True or false, in the words for them."""
    word = name(value).lower()
    if word not in _TRUE | _FALSE:
        raise ValueError(f"must be true or false, not {quoted(word)}")
    return word in _TRUE


def whole(value: str) -> int:
    """A whole number in decimal digits."""
    digits = name(value)
    if not (digits.isascii() and digits.isdigit()):
        raise ValueError(f"must be a whole number, not {quoted(digits)}")
    return int(digits)


def seconds(value: str) -> float:
    """A length of time."""
    length = name(value)
    try:
        return parse_duration(length)
    except ValueError:
        reason = f"must be a length of time, such as 30s or 1m30s, not {quoted(length)}"
        raise ValueError(reason) from None


def port(value: str) -> tuple[int, str]:
    """A port and its protocol, "" if none is given: `8080`, `53/udp`; 0: the service has none."""
    digits, slash, protocol = name(value).partition("/")
    number = whole(digits)
    if number > 65535:
        raise ValueError(f"must be a port, not {number}")
    if slash and protocol.lower() not in _PROTOCOLS:
        raise ValueError(f"must be tcp, udp or sctp behind the port, not {quoted(protocol)}")
    return number, protocol.lower()


def tags(value: str) -> tuple[str, ...]:
    r"""The parts of a comma list, without spaces around them; `\,` is a comma inside a part."""
    found = [part.replace(r"\,", ",").strip() for part in _SEPARATOR.split(value)]
    if len(found) > MOST_TAGS:
        raise ValueError(f"more than {MOST_TAGS} tags")
    return tuple(text(part) for part in found if part)


def address(value: str) -> str:
    """An IP address, also with a prefix length or in brackets, or a host name."""
    bare = name(value)
    try:
        found = ipaddress.ip_interface(bare.removeprefix("[").removesuffix("]")).ip
    except ValueError:
        if _HOST.fullmatch(bare) and not bare.replace(".", "").isdigit():
            return bare
        reason = f"must be an IP address or a host name, not {quoted(bare)}"
        raise ValueError(reason) from None
    if found.is_unspecified or found.is_multicast:
        raise ValueError(f"must be an address that can be reached, not {quoted(bare)}")
    return str(found)


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


def command(value: str) -> tuple[str, ...]:
    """A command, split by the shell's rules."""
    try:
        words = shlex.split(lines(value))
    except ValueError as error:
        raise ValueError(f"is no command: {str(error).lower()}") from None
    return tuple(words)


def status(value: str) -> CheckStatus:
    """The status that a check has before its first outcome."""
    word = name(value).lower()
    known = [known.value for known in CheckStatus]
    if word not in known:
        raise ValueError(f"must be {' or '.join(known)}, not {quoted(word)}")
    return CheckStatus(word)


def limited(kind: type, field: str, value: T) -> T:
    """The value, if this field of the class takes it."""
    attribute: attrs.Attribute[Any] = getattr(attrs.fields(kind), field)
    if attribute.validator:
        attribute.validator(None, attribute, value)
    return value


def _fit(value: str, longest: int, bad: re.Pattern[str] = _BAD) -> str:
    if len(value) > longest:
        raise ValueError(f"is longer than {longest} characters")
    if bad.search(value):
        raise ValueError("has control characters")
    return value
