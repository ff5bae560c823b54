"""How fields of values are brought to their canonical form, and refused when they cannot be.

Converters make equality the comparison: two values that mean the same are equal. Validators
say which field is wrong and how.
"""

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

import attrs

EMPTY: Mapping[str, Any] = MappingProxyType({})
_BYTE = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
#: An IPv4 address, which has one form only.
_IPV4 = re.compile(rf"{_BYTE}(\.{_BYTE}){{3}}")


def frozen_map(value: Mapping[Any, Any]) -> Mapping[Any, Any]:
    """A copy that cannot be changed; keys keep their order, which equality ignores."""
    if not value:
        return EMPTY  # one for all: most instances have no meta
    return value if isinstance(value, MappingProxyType) else MappingProxyType(dict(value))


def as_tuple(values: Iterable[Any]) -> tuple[Any, ...]:
    """The values as a tuple: `tuple` in a form that type checkers follow through attrs."""
    return tuple(values)


def as_frozenset(values: Iterable[Any]) -> frozenset[Any]:
    """The values as a frozen set, in the same way."""
    return frozenset(values)


def unique(values: Iterable[str]) -> tuple[str, ...]:
    """The values in the order given, each once."""
    found = tuple(dict.fromkeys(values))
    return values if isinstance(values, tuple) and values == found else found  # no second copy


def canonical_address(address: str) -> str:
    """An IP address in its shortest form and without brackets; a host name as it is."""
    if _IPV4.fullmatch(address):
        return address  # most are, and with thousands of them it shows
    bare = address.strip().removeprefix("[").removesuffix("]")
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        return bare


def bracketed(address: str) -> str:
    """The address as it stands in a URL or before a port: IPv6 in brackets (RFC 3986, 3.2.2)."""
    return f"[{address}]" if ":" in address else address


def within(least: float, most: float) -> Callable[[Any, "attrs.Attribute[Any]", Any], None]:
    """A validator: the number lies between the two bounds, or is None."""

    def check(instance: object, attribute: "attrs.Attribute[Any]", value: float | None) -> None:
        if value is not None and not least <= value <= most:
            raise ValueError(f"{attribute.name} must be {least} to {most}, not {value!r}")

    return check


def filled(instance: object, attribute: "attrs.Attribute[Any]", value: str) -> None:
    """A validator: the text is not empty and has no control characters."""
    if not value:
        raise ValueError(f"{attribute.name} must not be empty")
    clean(instance, attribute, value)


def clean(instance: object, attribute: "attrs.Attribute[Any]", value: str) -> None:
    """A validator: the text has no control characters, which would forge log lines and keys."""
    if not value.isprintable() and any(ord(c) < 32 or ord(c) == 127 for c in value):
        raise ValueError(f"{attribute.name} has control characters: {value!r}")


PORT = within(0, 65535)
