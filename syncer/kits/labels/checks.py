"""Kinds of checks by what they have in common."""

import re

#: Interval of the checks that run by the clock, in seconds.
DEFAULT_INTERVAL = 10.0

HTTP = frozenset({"http", "https"})
COMMANDS = frozenset({"script", "docker"})
OVER_NETWORK = HTTP | {"tcp", "udp", "grpc", "h2ping"}
BY_CLOCK = OVER_NETWORK | COMMANDS

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def header_name(value: str) -> str:
    """Return the name of an HTTP header. The error leaves it out: it may be a password."""
    if not _TOKEN.fullmatch(value):
        raise ValueError("not a valid header name")
    return value
