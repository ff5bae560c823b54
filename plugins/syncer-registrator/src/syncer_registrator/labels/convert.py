"""How the text of a setting becomes a value, and what is said if it cannot.

A bad value loses only its own setting. Times are in seconds. The limits of numbers and times
are those of the values in the core.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import attrs

from syncer import parse_duration
from syncer_registrator.labels.keys import Setting
from syncer_registrator.labels.problems import Problems, Unusable, told, unfit

T = TypeVar("T")

LONGEST_NAME = 255
LONGEST_TEXT = 4096
#: No number, time or word needs more; longer ones are costly to refuse.
_LONGEST_WORD = 64

_TRUE = frozenset({"true", "t", "yes", "y", "on", "1"})
_FALSE = frozenset({"false", "f", "no", "n", "off", "0"})


class Reader:
    """Reads the known settings of one layer.

    Each method takes the field of a core value that the setting is for, where there is one,
    and the keys to look under: the first that is given counts. None: not given, empty or bad.
    """

    def __init__(self, settings: Mapping[str, Setting], problems: Problems) -> None:
        self.settings = settings
        self.problems = problems

    def given(self, *keys: str) -> Setting | None:
        """The first of these settings that is there, unless it is empty."""
        setting = next((self.settings[key] for key in keys if key in self.settings), None)
        return setting if setting and setting.value.strip() else None

    def text(self, *keys: str, longest: int = LONGEST_TEXT, lines: bool = False) -> str:
        """A text as it is; empty if there is none."""

        def usable(value: str) -> str:
            reason = unfit(value, longest, lines=lines)
            if reason:
                raise ValueError(reason)
            return value

        return self.value(usable, *keys) or ""

    def flag(self, *keys: str) -> bool | None:
        """True or false, in the words for them."""
        return self.value(truth, *keys)

    def switch(self, *keys: str) -> bool | None:
        """Like `flag`, but any other word is taken as true, as registrator takes it."""
        setting = self.given(*keys)
        if setting is None:
            return None
        try:
            return truth(setting.value)
        except ValueError as error:
            reason = told(error, show_value=not setting.from_env)
            self.problems.add(setting.origin, f"{reason}; taken as true")
            return True

    def number(self, kind: type, field: str, *keys: str) -> int | None:
        """A whole number within the limits of the field."""
        return self.value(lambda text: limited(kind, field, whole(text)), *keys)

    def seconds(self, kind: type, field: str, *keys: str) -> float | None:
        """A length of time within the limits of the field."""
        return self.value(lambda text: limited(kind, field, duration(text)), *keys)

    def value(self, convert: Callable[[str], T], *keys: str) -> T | None:
        """What `convert` makes of the setting; a ValueError of it becomes a problem."""
        setting = self.given(*keys)
        if setting is None:
            return None
        try:
            return convert(setting.value)
        except ValueError as error:
            self.problems.add(setting.origin, told(error, show_value=not setting.from_env))
            return None


def word(text: str) -> str:
    """The text without spaces around it. Raises ValueError if it is too long or not clean."""
    reason = unfit(text.strip(), _LONGEST_WORD)
    if reason:
        raise ValueError(reason)
    return text.strip()


def truth(text: str) -> bool:
    """Whether the word means true. Raises ValueError if it means neither."""
    answer = word(text).lower()
    if answer not in _TRUE | _FALSE:
        raise Unusable("true or false", answer)
    return answer in _TRUE


def whole(text: str) -> int:
    """A whole number in decimal digits. Raises ValueError for anything else."""
    digits = word(text)
    if not (digits.isascii() and digits.isdigit()):
        raise Unusable("a whole number", digits)
    return int(digits)


def duration(text: str) -> float:
    """Seconds. Raises ValueError for what is no length of time."""
    length = word(text)
    try:
        return parse_duration(length)
    except ValueError:
        raise Unusable("a length of time, such as 30s or 1m30s", length) from None


def limited(kind: type, field: str, value: T) -> T:
    """The value, if this field of the class takes it. Raises ValueError where the class would."""
    attribute: attrs.Attribute[Any] = getattr(attrs.fields(kind), field)
    try:
        if attribute.validator:
            attribute.validator(None, attribute, value)
    except ValueError as error:
        limits = str(error).removeprefix(f"{field} must be ").partition(", not ")[0]
        raise Unusable(limits, str(value)) from None
    return value
