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
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ValueError(f"{name} is not an object")
    return value


def items(fields: Json, key: str) -> list[Any]:
    """Return the list at `key`."""
    return as_list(fields.get(key), key)


def as_list(value: Any, name: str) -> list[Any]:
    """Return `value`, a list; `name` is its name in errors."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise ValueError(f"{name} is not a list")
    return value


def text(fields: Json, key: str) -> str:
    """Return the text at `key`."""
    value = fields.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"{key} is not text")
    return value


def environment(config: Json) -> dict[str, str]:
    """Return the variables in `Env`."""
    lines = (str(line).partition("=") for line in items(config, "Env"))
    return {intern(name): value for name, _, value in lines}
