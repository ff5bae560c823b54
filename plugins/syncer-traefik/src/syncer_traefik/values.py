"""Texts of labels into values. Each function raises ValueError with a reason for people."""

import re
from typing import Any, TypeVar
from urllib.parse import urlsplit

import attrs

from syncer import Check, parse_duration

T = TypeVar("T")

#: Longest name, and longest other text, in characters.
LONGEST_NAME, LONGEST_TEXT = 255, 4096

_BAD = re.compile("[\0-\x1f\x7f\ud800-\udfff]")
# Those of Go's strconv.ParseBool, by which Traefik reads them.
_TRUE, _FALSE = {"true", "t", "1"}, {"false", "f", "0"}


def quoted(value: str) -> str:
    """The value in quotes, cut to what a line can show, with nothing that forges a line."""
    return repr(value if len(value) <= 60 else value[:60] + "...")


def text(value: str, longest: int = LONGEST_TEXT) -> str:
    """A text as it is."""
    if len(value) > longest:
        raise ValueError(f"is longer than {longest} characters")
    if _BAD.search(value):
        raise ValueError("has control characters")
    return value


def name(value: str) -> str:
    """A short text without spaces around it."""
    return text(value.strip(), LONGEST_NAME)


def truth(value: str) -> bool:
    """True or false."""
    word = name(value).lower()
    if word not in _TRUE | _FALSE:
        raise ValueError(f"must be true or false, not {quoted(word)}")
    return word in _TRUE


def port(value: str) -> int:
    """A port."""
    digits = name(value)
    if not (digits.isascii() and digits.isdigit() and 0 < int(digits) < 65536):
        raise ValueError(f"must be a port, not {quoted(digits)}")
    return int(digits)


def weight(value: str) -> int:
    """A weight, as registries take them."""
    digits = name(value)
    if not (digits.isascii() and digits.isdigit() and int(digits) < 65536):
        raise ValueError(f"must be a whole number up to 65535, not {quoted(digits)}")
    return int(digits)


def scheme(value: str) -> str:
    """`http`, `https` or `h2c`."""
    word = name(value).lower()
    if word not in ("http", "https", "h2c"):
        raise ValueError(f"must be http, https or h2c, not {quoted(word)}")
    return word


def mode(value: str) -> str:
    """How Traefik checks: `http` or `grpc`."""
    word = name(value).lower()
    if word not in ("http", "grpc"):
        raise ValueError(f"must be http or grpc, not {quoted(word)}")
    return word


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


def interval(value: str) -> float:
    """A length of time that a check can have as its interval."""
    return _limited("interval", _seconds(value))


def timeout(value: str) -> float:
    """A length of time that a check can have as its timeout."""
    return _limited("timeout", _seconds(value))


def url(value: str) -> tuple[str, str, int]:
    """Scheme, host and port of a server's URL."""
    try:
        parts = urlsplit(text(value.strip()))
        found = scheme(parts.scheme), parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"must be a URL, not {quoted(value)}: {error}") from None
    if not found[1]:
        raise ValueError(f"must be a URL with a host, not {quoted(value)}")
    return found[0], found[1], found[2] or (443 if found[0] == "https" else 80)


def _seconds(value: str) -> float:
    length = name(value)
    try:
        return parse_duration(length)
    except ValueError:
        reason = f"must be a length of time, such as 30s, not {quoted(length)}"
        raise ValueError(reason) from None


def _limited(field: str, value: float) -> float:
    attribute: attrs.Attribute[Any] = getattr(attrs.fields(Check), field)
    if attribute.validator:
        attribute.validator(None, attribute, value)
    return value
