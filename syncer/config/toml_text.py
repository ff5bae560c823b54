"""Write settings as the text of a TOML file."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from enum import Enum
from typing import Any

from syncer.api.options import Secret, format_duration

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def toml_text(settings: Mapping[str, Any]) -> str:
    """Return the file with these tables. A table that only has tables in it gets no heading."""
    return "\n".join(_lines(settings, ())).strip() + "\n"


def toml_value(value: Any) -> str:
    """Return one value as TOML writes it, with secrets in clear."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(toml_value, value))}]"
    if isinstance(value, Mapping):
        items = (f"{toml_key(key)} = {toml_value(item)}" for key, item in value.items())
        return "{" + ", ".join(items) + "}"
    if isinstance(value, timedelta):
        return _quoted(format_duration(value))
    if isinstance(value, Secret):
        return _quoted(value.reveal())
    if isinstance(value, Enum):
        return toml_value(value.value)
    return str(value) if isinstance(value, (int, float)) else _quoted(str(value))


def toml_key(key: str) -> str:
    """Return the key as TOML writes it: in quotes unless it is a bare key."""
    return key if _BARE_KEY.fullmatch(key) else _quoted(key)


def _quoted(text: str) -> str:
    """Return a basic string: as in JSON, but TOML does not allow a bare DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _lines(table: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    own = {key: value for key, value in table.items() if not isinstance(value, Mapping)}
    if path and (own or not table):
        yield f"\n[{'.'.join(map(toml_key, path))}]"
    for key, value in own.items():
        yield f"{toml_key(key)} = {toml_value(value)}"
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _lines(value, (*path, key))
