"""Convert one given value to the type of its option, or say what it must be.

A value from a file is typed already, and must have the right type. A value from a flag or the
environment is text, and is read as the option's type: `true`, `8`, `a,b`, `k=v,k=w`. Values are
taken literally: nothing in them is expanded. No message shows a secret.
"""

import math
import types
from collections.abc import Callable, Mapping
from datetime import timedelta
from enum import Enum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin

from syncer.api.errors import PluginError
from syncer.api.options import Secret, parse_duration
from syncer.api.secrets import remember_login, sendable
from syncer.api.text import choice, shown

if TYPE_CHECKING:
    from cattrs import Converter

_WORDS = {"true": True, "yes": True, "on": True, "1": True}
_WORDS |= {"false": False, "no": False, "off": False, "0": False}


class Conversion:
    """Converts the values of one table; `{ env = ... }` is looked up in `env`."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self._converters: dict[bool, Converter] = {}

    def __call__(self, value: Any, wanted: Any, *, text: bool) -> Any:
        """Return the value as the wanted type. Raises ValueError that says what it must be.

        With `text`, a text is parsed as the wanted type. Raises PluginError for a type that is not
        supported: that is the plugin's mistake.
        """
        # Slow to import, and not needed for `--help`.
        from cattrs import StructureHandlerNotFoundError

        if text not in self._converters:
            self._converters[text] = _converter(text, self._env)
        try:
            return self._converters[text].structure(value, bare_type(wanted))
        except StructureHandlerNotFoundError as error:
            raise PluginError(f"options of the type {wanted} are not supported") from error


def bare_type(wanted: Any) -> Any:
    """Return the type without its `| None`."""
    if get_origin(wanted) in (Union, types.UnionType):
        rest = [kind for kind in get_args(wanted) if kind is not types.NoneType]
        return rest[0] if len(rest) == 1 else wanted
    return wanted


def separated(text: str) -> list[str]:
    """Return the non-empty parts of a comma-separated list, stripped."""
    return [part for part in map(str.strip, text.split(",")) if part]


def _converter(text: bool, env: Mapping[str, str]) -> "Converter":
    from cattrs import Converter

    converter = Converter(detailed_validation=False)

    def listed(value: Any, wanted: Any) -> tuple[Any, ...]:
        items = separated(value) if text and isinstance(value, str) else value
        if not isinstance(items, (list, tuple)):
            raise ValueError(f'must be a list like ["a", "b"], not {shown(value)}')
        return tuple(converter.structure(item, get_args(wanted)[0]) for item in items)

    def table(value: Any, wanted: Any) -> dict[Any, Any]:
        items = _pairs(value) if text and isinstance(value, str) else value
        if not isinstance(items, Mapping):
            raise ValueError(f"must be a table, not {shown(value)}")
        inner = get_args(wanted)[1]
        return {key: converter.structure(item, inner) for key, item in items.items()}

    simple: dict[type, Callable[[Any], Any]] = {
        str: _text,
        bool: lambda value: _boolean(value, text),
        int: lambda value: _whole(value, text),
        float: lambda value: _number(value, text),
        timedelta: _duration,
        Path: _path,
        Secret: lambda value: _secret(value, env),
    }
    for kind, hook in simple.items():
        converter.register_structure_hook(kind, _unless_enum(hook))
    converter.register_structure_hook_func(_is_enum, _member)
    converter.register_structure_hook_func(partial(_made_of, tuple), listed)
    converter.register_structure_hook_func(partial(_made_of, dict), table)
    return converter


def _unless_enum(hook: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
    # An enum of text is also a subclass of `str`, and cattrs would take it for text.
    return lambda value, wanted: _member(value, wanted) if _is_enum(wanted) else hook(value)


def _made_of(container: type, wanted: Any) -> bool:
    return get_origin(wanted) is container


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"must be text in quotes, not {shown(value)}")
    if "://" in value:
        remember_login(value)
    return value


def _boolean(value: Any, text: bool) -> bool:
    found = _WORDS.get(value.strip().lower()) if text and isinstance(value, str) else value
    if not isinstance(found, bool):
        raise ValueError(f"must be true or false, not {shown(value)}")
    return found


def _whole(value: Any, text: bool) -> int:
    try:
        found = int(value, 10) if text and isinstance(value, str) else value
    except ValueError:
        found = None
    if not isinstance(found, int) or isinstance(found, bool):
        raise ValueError(f"must be a whole number, not {shown(value)}")
    return found


def _number(value: Any, text: bool) -> float:
    try:
        found = float(value) if text and isinstance(value, str) else value
    except ValueError:
        found = None
    if not isinstance(found, (int, float)) or isinstance(found, bool) or not math.isfinite(found):
        raise ValueError(f"must be a number, not {shown(value)}")
    return float(found)


def _duration(value: Any) -> timedelta:
    if isinstance(value, timedelta):
        return value
    try:
        if isinstance(value, (str, int, float)) and not isinstance(value, bool):
            return timedelta(seconds=parse_duration(value))
    except (ValueError, OverflowError):
        pass
    raise ValueError(f"must be a duration like 30s, 5m or 1h30m, not {shown(value)}")


def _path(value: Any) -> Path:
    if not isinstance(value, (str, Path)) or not str(value):
        raise ValueError(f"must be a path in quotes, not {shown(value)}")
    return Path(value)


def _is_enum(wanted: Any) -> bool:
    return isinstance(wanted, type) and issubclass(wanted, Enum)


def _member(value: Any, wanted: type[Enum]) -> Enum:
    try:
        return wanted(value)
    except ValueError:
        words = [str(member.value) for member in wanted]
        raise ValueError(f"must be {choice(words, value)}") from None


def _pairs(text: str) -> dict[str, str]:
    pairs = {}
    for part in separated(text):
        key, equals, value = part.partition("=")
        if not equals:
            raise ValueError(f"must be a list like key=value,key=value, not {shown(text)}")
        pairs[key.strip()] = value.strip()
    return pairs


def _secret(value: Any, env: Mapping[str, str]) -> Secret:
    if isinstance(value, Secret):
        return value
    if isinstance(value, str):
        return Secret(sendable(value))
    if not isinstance(value, Mapping) or list(value) not in (["file"], ["env"]):
        raise ValueError('must be text in quotes, { file = "..." } or { env = "..." }')
    (where, name), *_ = value.items()
    if not isinstance(name, str) or not name:
        raise ValueError(f"{where} must be text in quotes")
    if where == "file":
        return Secret(_read_secret(Path(name)))
    if not env.get(name, "").strip():
        raise ValueError(f"the environment variable {name} is not set")
    try:
        return Secret(sendable(env[name]))
    except ValueError as error:
        raise ValueError(f"the environment variable {name} {error}") from None


def _read_secret(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror or error}") from error
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8 text") from None
    if not text:
        raise ValueError(f"{path} is empty")
    try:
        return sendable(text)
    except ValueError as error:
        raise ValueError(f"{path} {error}") from None
