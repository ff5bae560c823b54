"""Converters and validators of attrs fields.

Converters bring a value to its canonical form, so that equality is the comparison. Validators
raise a ValueError that names the field. Those that compare take a number, or a length of time
whose bounds are in seconds, and accept `None`.
"""

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from math import inf
from types import MappingProxyType
from typing import Any

import attrs

from syncer.api.options import format_duration
from syncer.api.text import choice

#: Called by attrs with the object, the field and its value.
Validator = Callable[[Any, "attrs.Attribute[Any]", Any], None]
EMPTY: Mapping[Any, Any] = MappingProxyType({})
_BYTE = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
#: Halves of surrogate pairs, and the two that XML forbids in addition to control characters.
_UNWRITABLE = re.compile("[\ud800-\udfff\ufffe\uffff]")
#: An IPv4 address, which has one form only.
_IPV4 = re.compile(rf"{_BYTE}(\.{_BYTE}){{3}}")


def frozen_map(value: Mapping[Any, Any]) -> Mapping[Any, Any]:
    """Return a read-only copy; keys keep their order, which equality ignores."""
    if not value:
        return EMPTY  # one for all: most instances have no meta
    return value if isinstance(value, MappingProxyType) else MappingProxyType(dict(value))


def as_tuple(values: Iterable[Any]) -> tuple[Any, ...]:
    """Return the values as a tuple; type checkers follow this through attrs, unlike `tuple`."""
    return tuple(values)


def as_frozenset(values: Iterable[Any]) -> frozenset[Any]:
    """Return the values as a frozen set, for the same reason."""
    return frozenset(values)


def unique(values: Iterable[str]) -> tuple[str, ...]:
    """Return the values in the order given, without duplicates."""
    found = tuple(dict.fromkeys(values))
    return values if isinstance(values, tuple) and values == found else found  # no second copy


def canonical_address(address: str) -> str:
    """Return an IP address in its shortest form, without brackets; a host name unchanged."""
    if not address or _IPV4.fullmatch(address):
        return address  # the usual cases, and much faster
    bare = address.strip().removeprefix("[").removesuffix("]")
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        return bare


def is_address(text: str) -> bool:
    """Whether this is an IP address, not a host name."""
    if _IPV4.fullmatch(text):
        return True
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_network(text: str) -> bool:
    """Whether this is a CIDR whose address is that of the network, or of all its hosts."""
    try:
        written = ipaddress.ip_interface(text.strip())
    except ValueError:
        return False
    network = written.network
    broadcast = written.version == 4 and written.ip == network.broadcast_address
    return network.num_addresses > 2 and (broadcast or written.ip == network.network_address)


def bracketed(address: str) -> str:
    """Return the address as written in a URL or before a port: IPv6 in brackets (RFC 3986)."""
    return f"[{address}]" if ":" in address else address


def within(least: float, most: float) -> Validator:
    """A validator: the number or length of time is between the bounds; `most` may be infinite."""

    def check(instance: object, attribute: "attrs.Attribute[Any]", value: Any) -> None:
        if value is not None and not least <= _number(value) <= most:
            show = _shown_like(value)
            bounds = f"at least {show(least)}" if most == inf else f"{show(least)} to {show(most)}"
            raise ValueError(f"{attribute.name} must be {bounds}, not {show(value)}")

    return check


def at_least(least: float) -> Validator:
    """A validator: the number or length of time is not below the bound."""
    return within(least, inf)


def positive(instance: object, attribute: "attrs.Attribute[Any]", value: Any) -> None:
    """A validator: the number or length of time is greater than 0."""
    if value is not None and _number(value) <= 0:
        raise ValueError(f"{attribute.name} must be greater than 0")


def one_of(*words: str) -> Validator:
    """A validator: the text is one of these words."""

    def check(instance: object, attribute: "attrs.Attribute[Any]", value: str) -> None:
        if value not in words:
            raise ValueError(f"{attribute.name} must be {choice(words, value)}")

    return check


def _number(value: float | timedelta) -> float:
    return value.total_seconds() if isinstance(value, timedelta) else value


def _shown_like(value: object) -> Callable[[Any], str]:
    return format_duration if isinstance(value, timedelta) else repr


def filled(instance: object, attribute: "attrs.Attribute[Any]", value: str) -> None:
    """A validator: the text is not empty and has no control characters."""
    if not value:
        raise ValueError(f"{attribute.name} must not be empty")
    clean(instance, attribute, value)


def clean(instance: object, attribute: "attrs.Attribute[Any]", value: str) -> None:
    """A validator: the text has no control characters, which could forge log lines and keys."""
    if not value.isprintable() and any(ord(c) < 32 or ord(c) == 127 for c in value):
        raise ValueError(f"{attribute.name} has control characters: {value!r}")


def writable(instance: object, attribute: "attrs.Attribute[Any]", value: str) -> None:
    """A validator: the text is clean, and every registry can hold it as UTF-8 and in XML."""
    clean(instance, attribute, value)
    if _UNWRITABLE.search(value):
        raise ValueError(f"{attribute.name} has characters that cannot be written: {value!r}")


PORT = within(0, 65535)
