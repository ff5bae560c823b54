"""Texts of labels into values. Each function raises ValueError with a reason for people."""

from urllib.parse import urlsplit

from syncer import Check
from syncer.kits.labels import LONGEST_NAME as LONGEST_NAME
from syncer.kits.labels import limited, seconds
from syncer.kits.labels import method as method
from syncer.kits.labels import name as name
from syncer.kits.labels import path as path
from syncer.kits.labels import quoted as quoted
from syncer.kits.labels import text as text
from syncer.kits.labels import truth as _truth

# Those of Go's strconv.ParseBool, by which Traefik reads them.
_TRUE, _FALSE = {"true", "t", "1"}, {"false", "f", "0"}


def truth(value: str) -> bool:
    """True or false."""
    return _truth(value, _TRUE, _FALSE)


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


def interval(value: str) -> float:
    """A length of time that a check can have as its interval."""
    return limited(Check, "interval", seconds(value, "30s"))


def timeout(value: str) -> float:
    """A length of time that a check can have as its timeout."""
    return limited(Check, "timeout", seconds(value, "30s"))


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
