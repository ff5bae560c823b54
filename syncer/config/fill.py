"""Fill an attrs class of `syncer.option` fields from given values, environment and defaults."""

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
#: Metadata of a field that syncer sets itself: it is not an option.
OWN = "syncer.own"


@attrs.frozen
class _Option:
    attribute: "attrs.Attribute[Any]"
    wanted: Any

    @property
    def required(self) -> bool:
        return self.attribute.default is attrs.NOTHING

    @property
    def env(self) -> tuple[str, ...]:
        return tuple(self.attribute.metadata.get("env", ()))


def files_of(
    options_class: type, raw: Mapping[str, Any], env: Mapping[str, str], *marks: str
) -> dict[str, Any]:
    """Return the given paths of options with one of these marks, `secret` or `watched`."""
    return {
        name: given
        for name, option in options_of(options_class).items()
        if any(option.attribute.metadata.get(mark) for mark in marks)
        and (given := raw[name] if name in raw else _from_environment(option, env))
    }


def options_of(options_class: type) -> dict[str, _Option]:
    """Return the options of a class by name. Raises PluginError if a type cannot be resolved."""
    try:
        hints = get_type_hints(options_class)
    except Exception as error:  # noqa: BLE001 - an annotation may do anything
        name = f"{options_class.__module__}.{options_class.__qualname__}"
        problem = f"the types of its options are not importable: {error}"
        raise PluginError(f"{name}: {problem}") from error
    return {
        field.alias: _Option(field, hints.get(field.name, Any))
        for field in attrs.fields(options_class)
        if field.init and OWN not in field.metadata
    }


def fill(
    options_class: type[T],
    raw: Mapping[str, Any],
    *,
    where: KeyPath,
    env: Mapping[str, str],
    other_keys: Iterable[str] = (),
    **own: Any,
) -> T:
    """Return an options class made from given values, the environment and defaults.

    Values in `raw` may be `Given`; any other counts as read from the file in `where`. An option
    without a value in `raw` is looked up in `env`. `other_keys` are syncer's own keys in the same
    table: candidates for the nearest match. `own` are values of fields that are not options. Raises
    one ConfigError with a line for each unknown, missing and wrong value.
    """
    options = options_of(options_class)
    known = [*options, *other_keys]
    problems = [
        (where / key).say(f"unknown option{did_you_mean(key, known)}", origin_of(value))
        for key, value in raw.items()
        if key not in options
    ]
    values, wrong = _convert(options, raw, where, env)
    problems += wrong
    problems += _errors_of_all_fields(options, values, raw, where)
    if problems:
        raise ConfigError("\n".join(problems))
    try:
        return options_class(**values, **own)  # the class has the last word
    except (ValueError, TypeError) as error:
        raise ConfigError(where.say(_reason(error))) from error


def _convert(
    options: Mapping[str, _Option], raw: Mapping[str, Any], where: KeyPath, env: Mapping[str, str]
) -> tuple[dict[str, Any], list[str]]:
    """Return the values in their types, and the errors of those that are wrong or missing."""
    values, problems = {}, []
    convert = Conversion(env)
    for name, option in options.items():
        value = raw[name] if name in raw else _from_environment(option, env)
        if value is not None:
            try:
                values[name] = convert(plain(value), option.wanted, text=is_text(value))
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                problems.append((where / name).say(str(error), origin_of(value)))
        elif option.required:
            problems.append((where / name).say(_missing(option)))
    return values, problems


def _from_environment(option: _Option, env: Mapping[str, str]) -> Given | None:
    name = next((name for name in option.env if env.get(name)), None)
    return None if name is None else Given(env[name], name, text=True)


def _missing(option: _Option) -> str:
    also = f", here or as {' or '.join(option.env)}" if option.env else ""
    about = option.attribute.metadata.get("help", "")
    return f"must be given{also}" + (f" ({about})" if about else "")


def _errors_of_all_fields(
    options: Mapping[str, _Option],
    values: Mapping[str, Any],
    raw: Mapping[str, Any],
    where: KeyPath,
) -> list[str]:
    """Return all errors of fields' own converters and validators; attrs stops at the first."""
    problems = []
    instance = SimpleNamespace(**values)
    for name, value in values.items():
        attribute = options[name].attribute
        convert: Any = attribute.converter
        if hasattr(convert, "takes_self"):
            continue  # only the class can run a converter that needs the instance
        try:
            converted = value if convert is None else convert(value)
            if attribute.validator is not None:
                attribute.validator(instance, attribute, converted)
        except (ValueError, TypeError) as error:
            reason = re.sub(rf"^'?{re.escape(attribute.name)}'?:? ", "", _reason(error))
            problems.append((where / name).say(reason, origin_of(raw.get(name))))
        except AttributeError:
            continue  # it compares with a field that was not given
    return problems


def _reason(error: Exception) -> str:
    # attrs' own validators also pass the attribute and the value: only the text is for people
    return str(error.args[0]) if error.args else type(error).__name__
