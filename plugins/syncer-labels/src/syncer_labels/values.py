"""Converters of this dialect; see those of the kit."""

from syncer.kits.labels import BadValue
from syncer.kits.labels.values import name, split_list, text, whole

#: Tags of one service.
MOST_TAGS = 1000

_PROTOCOLS = ("tcp", "udp", "sctp")


def port(value: str) -> tuple[int, str]:
    """Return a port and its protocol, "" if none is given: `8080`, `53/udp`. 0 means no port."""
    digits, slash, protocol = name(value).partition("/")
    number = whole(digits)
    if number > 65535:
        raise BadValue("a port", digits)
    if slash and protocol.lower() not in _PROTOCOLS:
        raise BadValue("tcp, udp or sctp after the port", protocol)
    return number, protocol.lower()


def tags(value: str) -> tuple[str, ...]:
    """Return the parts of a comma list, without spaces around them."""
    found = [part.strip() for part in split_list(value)]
    if len(found) > MOST_TAGS:
        raise ValueError(f"more than {MOST_TAGS} tags")
    return tuple(text(part) for part in found if part)
