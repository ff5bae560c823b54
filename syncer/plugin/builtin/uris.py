"""The options in `--source file=...`, `--sink file+hosts:///etc/hosts` and similar values."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote


def source_options(text: str) -> Mapping[str, Any]:
    """Parse a path or `file:PATH?scope=...`. Raises `ValueError` without a path."""
    return _split(text)[1]


def sink_options(text: str) -> Mapping[str, Any]:
    """Parse a path or `file[+FORMAT]://PATH?unhealthy=...`. Raises `ValueError` without a path."""
    scheme, options = _split(text)
    _, plus, format_name = scheme.partition("+")
    return {"format": format_name, **options} if plus else options


def memory_options(text: str) -> Mapping[str, Any]:
    """Raise `ValueError` for any value: the sink has no options."""
    if text.removeprefix("memory://"):
        raise ValueError("the memory sink takes no value: use `--sink memory`")
    return {}


def _split(text: str) -> tuple[str, dict[str, Any]]:
    """Return the scheme, and the options: path and query."""
    scheme, found, rest = text.partition("://")
    if not found:
        scheme, path, query = "file", text, ""
    else:
        path, _, query = rest.partition("?")
        path = unquote(path)
    if not path:
        raise ValueError(f"{text!r} names no file: use file=PATH or file:///PATH")
    return scheme, {"path": path, **dict(parse_qsl(query, keep_blank_values=True))}
