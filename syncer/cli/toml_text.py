"""Write settings as the text of a TOML file."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from syncer.api.options import Secret, format_duration
from syncer.config.tree import toml_key, toml_string


def toml_text(settings: Mapping[str, Any]) -> str:
    """Return the file with these tables. A table that only has tables in it gets no heading."""
    return "\n".join(_lines(settings, ())).strip() + "\n"


def value_text(value: Any) -> str:
    """Return one value as TOML writes it, with secrets in clear."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(value_text, value))}]"
    if isinstance(value, timedelta):
        return toml_string(format_duration(value))
    if isinstance(value, Secret):
        return toml_string(value.reveal())
    return str(value) if isinstance(value, (int, float)) else toml_string(str(value))


def _lines(table: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    own = {key: value for key, value in table.items() if not isinstance(value, Mapping)}
    if path and (own or not table):
        yield f"\n[{'.'.join(map(toml_key, path))}]"
    for key, value in own.items():
        yield f"{toml_key(key)} = {value_text(value)}"
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _lines(value, (*path, key))
