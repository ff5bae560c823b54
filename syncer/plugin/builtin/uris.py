"""How `--source file=...`, `--sink file+hosts:///etc/hosts` and the like become options."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote


def source_options(text: str) -> Mapping[str, Any]:
    """A path, or `file:PATH?scope=...`; raises ValueError if there is no path."""
    return _split(text)[1]


def sink_options(text: str) -> Mapping[str, Any]:
    """A path, or `file[+FORMAT]://PATH?unhealthy=...`; raises ValueError if there is no path."""
    scheme, options = _split(text)
    _, plus, format_name = scheme.partition("+")
    return {"format": format_name, **options} if plus else options


def memory_options(text: str) -> Mapping[str, Any]:
    """Nothing can be said: raises ValueError if something is."""
    if text.removeprefix("memory://"):
        raise ValueError("the memory sink takes no value: write `--sink memory`")
    return {}


def _split(text: str) -> tuple[str, dict[str, Any]]:
    """The scheme, and the path with all that stands behind the question mark."""
    scheme, found, rest = text.partition("://")
    if not found:
        scheme, path, query = "file", text, ""
    else:
        path, _, query = rest.partition("?")
        path = unquote(path)
    if not path:
        raise ValueError(f"{text!r} names no file: write file=PATH or file:///PATH")
    return scheme, {"path": path, **dict(parse_qsl(query, keep_blank_values=True))}
