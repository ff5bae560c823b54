"""Flags as Go's package `flag` reads them: `-name value`, `-name=value`, one or two hyphens.

Flags end at the first other argument, or after `--`. A switch takes its value only after `=`.
Messages are those of Go.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum

import attrs

from syncer import shown_address

_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False"})
#: Go's numbers have 64 bits.
_LARGEST = 2**63 - 1

Value = bool | int | str


class Kind(str, Enum):
    """The types of flags, with their names in Go's usage texts."""

    TEXT = "string"
    NUMBER = "int"
    SWITCH = ""


class FlagError(ValueError):
    """A wrong command line, or with `asked` a request for help. The text is for people."""

    def __init__(self, text: str, *, asked: bool = False) -> None:
        super().__init__(text)
        self.asked = asked


@attrs.frozen
class Flag:
    """One flag. `many` joins the values of a repeated flag with commas."""

    name: str
    kind: Kind
    default: Value
    help: str
    many: bool = False


@attrs.frozen
class ParsedFlags:
    """The values of all flags, the flags that were given, and the other arguments."""

    values: Mapping[str, Value]
    given: frozenset[str]
    rest: tuple[str, ...]


def parse_flags(flags: Iterable[Flag], arguments: Sequence[str]) -> ParsedFlags:
    """Parse a command line. Raises `FlagError`."""
    known = {flag.name: flag for flag in flags}
    values: dict[str, Value] = {flag.name: flag.default for flag in known.values()}
    given: set[str] = set()
    left = list(arguments)
    while left and len(left[0]) > 1 and left[0].startswith("-"):
        text = left.pop(0)
        if text == "--":
            break
        name, equals, value = _split(text)
        flag = known.get(name)
        if flag is None:
            if name in ("h", "help"):
                raise FlagError("", asked=True)
            raise FlagError(f"flag provided but not defined: -{shown_address(name)}")
        if not equals:
            if flag.kind is Kind.SWITCH:
                value = "true"
            elif not left:
                raise FlagError(f"flag needs an argument: -{name}")
            else:
                value = left.pop(0)
        found = _CONVERT[flag.kind](value, name)
        again = flag.many and name in given
        values[name] = f"{values[name]},{found}" if again else found
        given.add(name)
    return ParsedFlags(values, frozenset(given), tuple(left))


def describe_flags(flags: Iterable[Flag]) -> str:
    """Return each flag with its type, help and default, as Go's `PrintDefaults` prints them."""
    lines = []
    for flag in sorted(flags, key=lambda flag: flag.name):
        shown = f'"{flag.default}"' if isinstance(flag.default, str) else str(flag.default)
        default = f" (default {shown})" if flag.default else ""
        lines.append(f"  -{flag.name} {flag.kind.value}".rstrip())
        lines.append(f"    \t{flag.help}{default}")
    return "\n".join(lines)


def _split(text: str) -> tuple[str, str, str]:
    name = text[2:] if text.startswith("--") else text[1:]
    if not name or name[0] in "-=":
        raise FlagError(f"bad flag syntax: {shown_address(text)}")
    return name.partition("=")


def _switch(value: str, name: str) -> Value:
    if value not in _TRUE | _FALSE:
        raise FlagError(f'invalid boolean value "{shown_address(value)}" for -{name}: parse error')
    return value in _TRUE


def _number(value: str, name: str) -> Value:
    try:
        found = int(value, 0)
    except ValueError:
        text = f'invalid value "{shown_address(value)}" for flag -{name}: parse error'
        raise FlagError(text) from None
    if not -_LARGEST - 1 <= found <= _LARGEST:
        raise FlagError(f'invalid value "{value}" for flag -{name}: value out of range')
    return found


_CONVERT: Mapping[Kind, Callable[[str, str], Value]] = {
    Kind.TEXT: lambda value, name: value,
    Kind.NUMBER: _number,
    Kind.SWITCH: _switch,
}
