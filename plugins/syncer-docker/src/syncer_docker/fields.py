"""Access to the JSON objects of the Docker API.

Missing and null fields count as empty: engines of different versions leave out different fields.
Fields of the wrong type raise `ValueError`.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from sys import intern
from typing import Any

Json = Mapping[str, Any]

_MOMENT = re.compile(r"([-\d]{10}T[:\d]{8})(?:\.(\d+))?(Z|[-+]\d\d:\d\d)")


def section(fields: Json, key: str) -> Json:
    """Return the object at `key`."""
    return as_object(fields.get(key), key)


def as_object(value: Any, name: str) -> Json:
    """Return `value`, an object; `name` is its name in errors."""
    return _typed(value, name, dict, "an object") or {}


def items(fields: Json, key: str) -> list[Any]:
    """Return the list at `key`."""
    return as_list(fields.get(key), key)


def as_list(value: Any, name: str) -> list[Any]:
    """Return `value`, a list; `name` is its name in errors."""
    return _typed(value, name, list, "a list") or []


def text(fields: Json, key: str) -> str:
    """Return the text at `key`."""
    return _typed(fields.get(key), key, str, "text") or ""


def moment(value: str) -> datetime | None:
    """Return a time that the engine wrote; `None` for the zero time and for what is no time."""
    found = _MOMENT.fullmatch(value)
    if found is None or value.startswith("0001-"):
        return None
    date, fraction, zone = found.groups()
    micro = (fraction or "").ljust(6, "0")[:6]
    try:
        return datetime.fromisoformat(f"{date}.{micro}{zone.replace('Z', '+00:00')}")
    except ValueError:
        return None


def _typed(value: Any, name: str, kind: type, called: str) -> Any:
    if value is not None and not isinstance(value, kind):
        raise ValueError(f"{name} is not {called}")
    return value


def environment(config: Json) -> dict[str, str]:
    """Return the variables in `Env`."""
    lines = (str(line).partition("=") for line in items(config, "Env"))
    return {intern(name): value for name, _, value in lines}
