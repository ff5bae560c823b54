"""From given values to an options class, and from an options class to its documentation.

An options class is an attrs class whose fields are made by `syncer.option`.
"""

import re
from collections.abc import Iterable, Mapping
from types import SimpleNamespace
from typing import Any, TypeVar, get_type_hints

import attrs

from syncer.api.errors import ConfigError, PluginError
from syncer.api.text import did_you_mean
from syncer.config.convert import Conversion
from syncer.config.tree import Given, KeyPath, is_text, origin_of, plain

T = TypeVar("T")


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


def option_types(options_class: type) -> dict[str, Any]:
    """The options by name, each with its type; PluginError if a type cannot be resolved."""
    return {name: field.wanted for name, field in fields_of(options_class).items()}


def secret_files(
    options_class: type, raw: Mapping[str, Any], env: Mapping[str, str]
) -> dict[str, Any]:
    """The files with secrets that these options name, by option; from `raw` or the environment."""
    return {
        name: given
        for name, field in fields_of(options_class).items()
        if field.attribute.metadata.get("secret")
        and (given := raw[name] if name in raw else _from_environment(field, env))
    }


def fields_of(options_class: type) -> dict[str, _Field]:
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
    fields = fields_of(options_class)
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
