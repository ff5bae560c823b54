"""Texts of labels into values. Each function raises ValueError with a reason for people."""

import ipaddress
import re
import shlex

from syncer import CheckStatus
from syncer.kits.labels import limited as limited
from syncer.kits.labels import method as method
from syncer.kits.labels import name as name
from syncer.kits.labels import path as path
from syncer.kits.labels import quoted as quoted
from syncer.kits.labels import seconds as seconds
from syncer.kits.labels import text as text
from syncer.kits.labels import truth as _truth

#: Tags of one service; every reader of the registry gets them all.
MOST_TAGS = 1000

_SEPARATOR = re.compile(r"(?<!\\),")
_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_.])?")
_TRUE, _FALSE = {"true", "yes", "on", "1"}, {"false", "no", "off", "0"}
_PROTOCOLS = ("tcp", "udp", "sctp")


def lines(value: str) -> str:
    """A text that may have line ends and tabs."""
    return text(value, lines=True)


def truth(value: str) -> bool:
    """True or false, in the words for them."""
    return _truth(value, _TRUE, _FALSE)


def whole(value: str) -> int:
    """A whole number in decimal digits."""
    digits = name(value)
    if not (digits.isascii() and digits.isdigit()):
        raise ValueError(f"must be a whole number, not {quoted(digits)}")
    return int(digits)


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
