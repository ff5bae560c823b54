"""Settings as the text of a TOML file."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from syncer.api.options import Secret, format_duration

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def toml_text(settings: Mapping[str, Any]) -> str:
    """The file with these tables; a table with nothing in it of its own has no heading."""
    return "\n".join(_lines(settings, ())).strip() + "\n"


def value_text(value: Any) -> str:
    """One value as TOML writes it, secrets in clear."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(value_text, value))}]"
    if isinstance(value, timedelta):
        return value_text(format_duration(value))
    if isinstance(value, Secret):
        return value_text(value.reveal())
    if isinstance(value, (int, float)):
        return str(value)
    return _quoted(str(value))


def _lines(table: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    own = {key: value for key, value in table.items() if not isinstance(value, Mapping)}
    if path and (own or not table):
        yield f"\n[{'.'.join(map(_key, path))}]"
    for key, value in own.items():
        yield f"{_key(key)} = {value_text(value)}"
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _lines(value, (*path, key))


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _quoted(key)


def _quoted(text: str) -> str:
    """A basic string: JSON's, but that TOML takes no DEL as it is."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
