"""Converters of this dialect; see those of the kit."""

from urllib.parse import urlsplit

from syncer import Check
from syncer.kits.labels import BadValue, quoted
from syncer.kits.labels import values as kit

_TRUE, _FALSE = frozenset({"true", "t", "1"}), frozenset({"false", "f", "0"})  # Go's ParseBool

interval = kit.limited(Check, "interval", kit.seconds)
timeout = kit.limited(Check, "timeout", kit.seconds)


def truth(value: str) -> bool:
    """Return whether the word means true."""
    return kit.truth(value, _TRUE, _FALSE)


def port(value: str) -> int:
    """Return a port."""
    digits = kit.word(value)
    if not (digits.isascii() and digits.isdigit() and 0 < int(digits) < 65536):
        raise BadValue("a port", digits)
    return int(digits)


def scheme(value: str) -> str:
    """Return `http`, `https` or `h2c`."""
    return kit.one_of(value, ("http", "https", "h2c"))


def mode(value: str) -> str:
    """Return how Traefik checks: `http` or `grpc`."""
    return kit.one_of(value, ("http", "grpc"))


def url(value: str) -> tuple[str, str, int]:
    """Return scheme, host and port of a server's URL."""
    try:
        parts = urlsplit(kit.text(value.strip()))
        found = scheme(parts.scheme), parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"must be a URL, not {quoted(value)}: {error}") from None
    if not found[1]:
        raise BadValue("a URL with a host", value)
    return found[0], found[1], found[2] or (443 if found[0] == "https" else 80)
