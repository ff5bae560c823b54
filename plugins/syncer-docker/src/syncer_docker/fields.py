"""Access to the JSON objects of the Docker API.

Missing and null fields count as empty: engines of different versions leave out different fields.
Fields of the wrong type raise `ValueError`.
"""

from collections.abc import Mapping
from sys import intern
from typing import Any

Json = Mapping[str, Any]


def section(fields: Json, key: str) -> Json:
    """Return the object at `key`."""
    return as_object(fields.get(key), key)


def as_object(value: Any, name: str) -> Json:
    """Return `value`, an object; `name` is its name in errors."""
    return _typed(value, name, Mapping, "an object") or {}


def items(fields: Json, key: str) -> list[Any]:
    """Return the list at `key`."""
    return as_list(fields.get(key), key)


def as_list(value: Any, name: str) -> list[Any]:
    """Return `value`, a list; `name` is its name in errors."""
    return _typed(value, name, list, "a list") or []


def text(fields: Json, key: str) -> str:
    """Return the text at `key`."""
    return _typed(fields.get(key), key, str, "text") or ""


def _typed(value: Any, name: str, kind: type, called: str) -> Any:
    if value is not None and not isinstance(value, kind):
        raise ValueError(f"{name} is not {called}")
    return value


def environment(config: Json) -> dict[str, str]:
    """Return the variables in `Env`."""
    lines = (str(line).partition("=") for line in items(config, "Env"))
    return {intern(name): value for name, _, value in lines}
