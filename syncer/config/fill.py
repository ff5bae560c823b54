"""From given values to an options class, and from an options class to its documentation.

An options class is an attrs class whose fields are made by `syncer.option`.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from enum import Enum
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import attrs

from syncer.api.errors import ConfigError, PluginError
from syncer.api.options import Secret, format_duration
from syncer.api.text import did_you_mean
from syncer.config.convert import Conversion, bare_type
from syncer.config.tree import Given, KeyPath, is_text, origin_of, plain

T = TypeVar("T")

_TYPE_TEXTS: dict[Any, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    timedelta: "length of time",
    Path: "path",
    Secret: "secret",
}


@attrs.frozen
class _Field:
    attribute: "attrs.Attribute[Any]"
    wanted: Any

    @property
    def required(self) -> bool:
        return self.attribute.default is attrs.NOTHING

    @property
    def env(self) -> tuple[str, ...]:
        return tuple(self.attribute.metadata.get("env", ()))


@attrs.frozen
class OptionInfo:
    """One option as people read of it: texts only. An empty default means that it is unset."""

    name: str
    type: str
    default: str
    env: tuple[str, ...]
    help: str


def option_types(options_class: type) -> dict[str, Any]:
    """The options by name, each with its type; PluginError if a type cannot be resolved."""
    return {name: field.wanted for name, field in _fields(options_class).items()}


def secret_files(
    options_class: type, raw: Mapping[str, Any], env: Mapping[str, str]
) -> dict[str, Any]:
    """The files with secrets that these options name, by option; from `raw` or the environment."""
    return {
        name: given
        for name, field in _fields(options_class).items()
        if field.attribute.metadata.get("secret")
        and (given := raw[name] if name in raw else _from_environment(field, env))
    }


def _fields(options_class: type) -> dict[str, _Field]:
    try:
        hints = get_type_hints(options_class)
    except Exception as error:  # noqa: BLE001 - an annotation may do anything
        name = f"{options_class.__module__}.{options_class.__qualname__}"
        raise PluginError(
            f"{name}: the types of its options are not importable: {error}"
        ) from error
    return {
        field.alias: _Field(field, hints.get(field.name, Any))
        for field in attrs.fields(options_class)
        if field.init
    }


def fill(
    options_class: type[T],
    raw: Mapping[str, Any],
    *,
    where: KeyPath,
    env: Mapping[str, str],
    beside: Iterable[str] = (),
) -> T:
    """An options class made from what was given, the environment and its defaults.

    Values in `raw` may be `Given`; those that are not count as from the file in `where`. The
    variables that an option names are asked in `env` if `raw` has no value for it. `beside` are
    keys that the table may have beside the options, for the nearest match. Raises one
    ConfigError with a line for each unknown, missing and wrong value.
    """
    fields = _fields(options_class)
    known = [*fields, *beside]
    problems = [
        (where / key).say(f"unknown option{did_you_mean(key, known)}", origin_of(value))
        for key, value in raw.items()
        if key not in fields
    ]
    values: dict[str, Any] = {}
    convert = Conversion(env)
    for name, field in fields.items():
        value = raw[name] if name in raw else _from_environment(field, env)
        if value is not None:
            try:
                values[name] = convert(plain(value), field.wanted, text=is_text(value))
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                problems.append((where / name).say(str(error), origin_of(value)))
        elif field.required:
            problems.append((where / name).say(_missing(field)))
    problems += _refused(fields, values, raw, where)
    if problems:
        raise ConfigError("\n".join(problems))
    try:
        return options_class(**values)
    except (ValueError, TypeError) as error:
        raise ConfigError(where.say(_reason(error))) from error


def _from_environment(field: _Field, env: Mapping[str, str]) -> Given | None:
    name = next((name for name in field.env if env.get(name)), None)
    return None if name is None else Given(env[name], name, text=True)


def _missing(field: _Field) -> str:
    also = f", here or as {' or '.join(field.env)}" if field.env else ""
    about = field.attribute.metadata.get("help", "")
    return f"must be given{also}" + (f" ({about})" if about else "")


def _refused(
    fields: Mapping[str, _Field], values: Mapping[str, Any], raw: Mapping[str, Any], where: KeyPath
) -> list[str]:
    """What the fields' own converters and validators say, of all fields and not only of the first.

    The class itself would stop at the first; it is asked too, in the end.
    """
    problems = []
    instance = SimpleNamespace(**values)
    for name, value in values.items():
        attribute = fields[name].attribute
        convert: Any = attribute.converter
        if hasattr(convert, "takes_self"):
            continue  # a converter that needs the instance: the class itself is the judge
        try:
            seen = value if convert is None else convert(value)
            if attribute.validator is not None:
                attribute.validator(instance, attribute, seen)
        except (ValueError, TypeError) as error:
            reason = re.sub(rf"^'?{re.escape(attribute.name)}'?:? ", "", _reason(error))
            problems.append((where / name).say(reason, origin_of(raw.get(name))))
        except AttributeError:
            continue  # it compares with a field that was not given
    return problems


def _reason(error: Exception) -> str:
    # attrs' own validators hand over the attribute and the value too: only the text is for people
    return str(error.args[0]) if error.args else type(error).__name__


def describe_options(options_class: type) -> list[OptionInfo]:
    """What there is to set in an options class, in the order of its fields."""
    return [
        OptionInfo(
            name=name,
            type=_type_text(field.wanted),
            default="required" if field.required else _default_text(field.attribute.default),
            env=field.env,
            help=field.attribute.metadata.get("help", ""),
        )
        for name, field in _fields(options_class).items()
    ]


def _type_text(wanted: Any) -> str:
    bare = bare_type(wanted)
    if isinstance(bare, type) and issubclass(bare, Enum):
        return " | ".join(str(member.value) for member in bare)
    if get_origin(bare) is tuple:
        return f"list of {_type_text(get_args(bare)[0])}"
    if get_origin(bare) is dict:
        return f"table of {_type_text(get_args(bare)[1])}"
    return _TYPE_TEXTS.get(bare, str(getattr(bare, "__name__", bare)))


def _default_text(value: Any) -> str:
    """The default as it would stand in a file."""
    if isinstance(value, attrs.Factory):  # type: ignore[arg-type]  # a class, typed as a function
        value = None if value.takes_self else value.factory()
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_default_text, value))}]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} = {_default_text(v)}" for key, v in value.items()) + "}"
    if isinstance(value, timedelta):
        value = format_duration(value)
    if isinstance(value, Enum):
        value = value.value
    return '"***"' if isinstance(value, Secret) and value else f'"{value or ""}"'
