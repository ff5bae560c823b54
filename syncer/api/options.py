"""How a plugin declares its options: one attrs class, one `option()` for each field.

    @attrs.frozen(kw_only=True)
    class ConsulOptions:
        address: str = option("127.0.0.1:8500", help="The agent", env=("CONSUL_HTTP_ADDR",))
        token: Secret = option(Secret(""), help="ACL token", env=("CONSUL_HTTP_TOKEN",))

syncer fills the class from flags, file, environment and default, in that order. Supported
types: `str`, `int`, `float`, `bool`, `timedelta` (written `30s`, `5m`, `1h30m`, or a number of
seconds), `Secret`, `pathlib.Path`, enums of text, `tuple[str, ...]`, `dict[str, str]`, and any
of these `| None`. A plugin never reads the environment itself.
"""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import attrs

from syncer.api.secrets import remember, sendable

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
#: Longest text accepted: labels, which others write, are parsed by this too.
_LONGEST = 64
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")


class Secret:
    """Text that no log, repr, plan or error shows; only `reveal()` and `login()` return it.

    It has no white space at its ends: what a file or a variable has there is left out.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text.strip()

    def reveal(self) -> str:
        """Return the text, for the one place that sends it; from now on no text shows it."""
        remember(self._text)
        return self._text

    def login(self, password: "Secret") -> tuple[str, str]:
        """Return user and password of `user` or `user:password`; `password`, if given, wins."""
        user, _, found = self._text.partition(":")
        if found:
            self.reveal()
            remember(found)
        return user, password.reveal() or found

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return "Secret('***')" if self._text else "Secret('')"

    __str__ = __repr__


def for_header(instance: object, attribute: "attrs.Attribute[Any]", value: Secret) -> None:
    """A validator: the secret can be sent in a header of HTTP."""
    try:
        sendable(value.reveal(), header=True)
    except ValueError as error:
        raise ValueError(f"{attribute.name}: {error}") from None


def option(
    default: Any = attrs.NOTHING,
    *,
    help: str,
    env: tuple[str, ...] = (),
    secret: bool = False,
    watched: bool = False,
    validator: Callable[[Any, "attrs.Attribute[Any]", Any], Any] | None = None,
    converter: Callable[[Any], Any] | None = None,
) -> Any:
    """Declare an option. Without a default it must be given; `help` is one line.

    The first environment variable in `env` that is set and not empty is used. `secret` marks a
    path to a file with a secret: syncer warns if everybody may read it. `watched` marks a path to a
    file, or a folder of files, such as certificates: when they change, the configuration is
    reloaded. Not for files that the kind itself writes, or reads again by itself.
    """
    metadata = {"help": help, "env": env, "secret": secret, "watched": watched}
    return attrs.field(default=default, validator=validator, converter=converter, metadata=metadata)


def parse_duration(text: str | int | float) -> float:
    """Return the seconds of `30s`, `1h30m`, `500ms`, or of a plain number of seconds.

    Raises ValueError for anything else, negative numbers included.
    """
    if isinstance(text, (int, float)) and not isinstance(text, bool):
        seconds = float(text)
    else:
        seconds = _parse_parts(str(text).strip())
    if not 0 <= seconds < float("inf"):
        raise ValueError(f"not a length of time: {text!r}")
    return seconds


def _parse_parts(text: str) -> float:
    if len(text) > _LONGEST:
        raise ValueError(f"not a length of time: {text[:_LONGEST]!r}...")
    try:
        return float(text)
    except ValueError:
        parts = _PART.findall(text)
        if not parts or "".join(number + unit for number, unit in parts) != text:
            raise ValueError(f"not a length of time: {text!r} (30s, 5m, 1h30m)") from None
        return sum(float(number) * _UNITS[unit] for number, unit in parts)


def format_duration(length: timedelta | float) -> str:
    """Return a length of time in the shortest form that `parse_duration` can read."""
    left = length.total_seconds() if isinstance(length, timedelta) else float(length)
    text = ""
    for unit in ("h", "m"):
        whole, left = divmod(left, _UNITS[unit])
        text += f"{whole:.0f}{unit}" if whole else ""
    seconds = f"{left:.6f}".rstrip("0").rstrip(".")
    return text + (f"{seconds}s" if seconds != "0" or not text else "")
