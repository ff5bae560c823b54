"""`--source` and `--sink`: what they say, as tables like those of the file."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from syncer.api.errors import ConfigError, PluginError
from syncer.api.kinds import SinkType, SourceType
from syncer.config.settings import Config
from syncer.config.tree import Given, Tree, given_tree, plain

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://", re.ASCII)
_FLAG = re.compile(r"(?:(?P<name>[^:=]+):)?(?P<kind>[^:=]+)(?:=(?P<value>.*))?", re.DOTALL)

Kind = SourceType | SinkType


def flagged(
    flag: str,
    texts: Sequence[str],
    configured: Any,
    look_up: Callable[[str], Kind],
    by_uri: Callable[[str], Kind],
) -> Tree:
    """The tables that these flags ask for, each with its kind and the options of its value.

    A text is `[NAME:]KIND[=VALUE]` or a URI. KIND may be the name of a configured table, whose
    kind then counts. A name used again gets a number, unless it was given as NAME.
    """
    tables: Tree = {}
    for text in texts:
        name, kind, value = _split(flag, text, configured, look_up, by_uri)
        options: Tree = {"kind": kind.name}
        if value is not None:
            options = {**_from_uri(flag, kind, value), **options}
        wanted = name or kind.name
        if name and name in tables and text.startswith(f"{name}:"):
            raise ConfigError(f"{flag} {name}: given twice; give each another name")
        tables[_free(wanted, tables)] = given_tree(options, flag, text=True)
    return tables


def _split(
    flag: str,
    text: str,
    configured: Any,
    look_up: Callable[[str], Kind],
    by_uri: Callable[[str], Kind],
) -> tuple[str, Kind, str | None]:
    """The configured name ("" if any will do), the kind and the value of one flag."""
    try:
        if _URI.match(text):
            return "", by_uri(text), text
        parts = _FLAG.fullmatch(text)
        if parts is None:
            raise ConfigError("must be [NAME:]KIND[=VALUE] or a URI like scheme://...")
        word = parts["kind"]
        name = parts["name"] or word
        return name, look_up(_configured_kind(configured, word)), parts["value"]
    except ConfigError as error:
        shown = text.partition("=")[0].partition("://")[0]  # what follows may be a secret
        raise ConfigError(f"{flag} {shown}: {error}") from error


def _configured_kind(configured: Any, word: str) -> str:
    table = configured.get(word) if isinstance(configured, Mapping) else None
    kind = plain(table.get("kind")) if isinstance(table, Mapping) else None
    return kind if isinstance(kind, str) and kind else word


def _from_uri(flag: str, kind: Kind, value: str) -> Mapping[str, Any]:
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


#: Flag -> the field of each source's address rules, of each source, of each sink.
_ADDRESSES = ("internal", "advertise")


_SOURCES = ("include", "exclude")


_SINKS = ("policy",)


def for_all(config: Config, flags: Mapping[str, Any]) -> Config:
    """The configuration with these flags applied. Raises ConfigError naming the flag."""
    rules = _given(flags, _ADDRESSES)
    filters = _given(flags, _SOURCES)
    sinks = _given(flags, _SINKS)
    try:
        return attrs.evolve(
            config,
            sources={
                name: attrs.evolve(part, addresses=attrs.evolve(part.addresses, **rules), **filters)
                for name, part in config.sources.items()
            },
            sinks={name: attrs.evolve(part, **sinks) for name, part in config.sinks.items()},
        )
    except ValueError as error:
        named = ", ".join(f"--{name}" for name in (*rules, *filters, *sinks))
        raise ConfigError(f"{named}: {error}") from error


def _given(flags: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: flags[name] for name in names if flags[name]}
