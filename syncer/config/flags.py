"""Turn flags into tables like those of the file."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from syncer.api.errors import ConfigError, PluginError
from syncer.api.kinds import SinkType, SourceType
from syncer.config.settings import KindLookup
from syncer.config.tree import Given, Tree, given_tree, plain

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://", re.ASCII)
_FLAG = re.compile(r"(?:(?P<name>[^:=]+):)?(?P<kind>[^:=]+)(?:=(?P<value>.*))?", re.DOTALL)

UriKind = SourceType | SinkType


def kind_tables(table: str, texts: Sequence[str], configured: Any, kinds: KindLookup) -> Tree:
    """Return the tables in `sources` or `sinks` that `--source` or `--sink` ask for.

    A text is `[NAME:]KIND[=VALUE]` or a URI. KIND may be the name of a configured table, whose
    kind is then used. A name used again gets a number, unless it was given as NAME.
    """
    flag = f"--{table[:-1]}"
    look_up, by_uri = (
        (kinds.source, kinds.source_for) if table == "sources" else (kinds.sink, kinds.sink_for)
    )
    tables: Tree = {}
    for text in texts:
        name, kind, value = _split(flag, text, configured, look_up, by_uri)
        options: Tree = {"kind": kind.name}
        if value is not None:
            options = {**_uri_options(flag, kind, value), **options}
        wanted = name or kind.name
        if name and name in tables and text.startswith(f"{name}:"):
            raise ConfigError(f"{flag} {name}: given twice; give each another name")
        tables[_free(wanted, tables)] = given_tree(options, flag, text=True)
    return tables


def _split(
    flag: str,
    text: str,
    configured: Any,
    look_up: Callable[[str], UriKind],
    by_uri: Callable[[str], UriKind],
) -> tuple[str, UriKind, str | None]:
    """Return the configured name ("" if any will do), the kind and the value of one flag."""
    try:
        if _URI.match(text):
            return "", by_uri(text), text
        parts = _FLAG.fullmatch(text)
        if parts is None:
            raise ConfigError("must be [NAME:]KIND[=VALUE] or a URI like scheme://...")
        word = parts["kind"]
        name = parts["name"] or word
        return name, look_up(_kind_of(configured, word)), parts["value"]
    except ConfigError as error:
        shown = text.partition("=")[0].partition("://")[0]  # what follows may be a secret
        raise ConfigError(f"{flag} {shown}: {error}") from error


def _kind_of(configured: Any, word: str) -> str:
    table = configured.get(word) if isinstance(configured, Mapping) else None
    kind = plain(table.get("kind")) if isinstance(table, Mapping) else None
    return kind if isinstance(kind, str) and kind else word


def _uri_options(flag: str, kind: UriKind, value: str) -> Mapping[str, Any]:
    if kind.from_uri is None:
        raise ConfigError(f"{flag} {kind.name}: takes no value; use --set for its options")
    try:
        return dict(kind.from_uri(value))
    except ValueError as error:
        raise ConfigError(f"{flag} {kind.name}: {error}") from error
    except Exception as error:
        what = f"its value could not be read: from_uri raised {type(error).__name__}"
        raise PluginError(f"{flag} {kind.name}: {what}") from error


def _free(name: str, taken: Mapping[str, Given]) -> str:
    number = 2
    found = name
    while found in taken:
        found, number = f"{name}-{number}", number + 1
    return found


def common_settings(flags: Mapping[str, Any]) -> dict[str, Tree]:
    """Return what flags like `--internal` say of every source and every sink, by table."""

    def given(*names: str) -> Tree:
        return {name: Given(flags[name], f"--{name}", text=True) for name in names if flags[name]}

    addresses = given("internal", "advertise")
    sources = given("include", "exclude") | ({"addresses": addresses} if addresses else {})
    return {"sources": sources, "sinks": given("policy")}
