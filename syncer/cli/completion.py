"""Words that the shell offers when Tab is pressed: kinds, settings, services and containers.

Whatever goes wrong offers nothing: an error in the middle of a command line helps nobody.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from shlex import quote
from typing import Any

import click


def sources(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Offer kinds of sources, and the beginnings of their URIs."""
    from syncer.api.kinds import SourceType

    return fitting(_kinds(SourceType), incomplete)


def sinks(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Offer kinds of sinks, and the beginnings of their URIs."""
    from syncer.api.kinds import SinkType

    return fitting(_kinds(SinkType), incomplete)


def settings(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Offer key paths of the configuration, up to their `=`."""
    return fitting(_paths(), incomplete)


def fitting(words: Iterable[str], incomplete: str) -> list[str]:
    """Return the words that begin so; none if they cannot be found out.

    Nor one that the shell would read as more than a word: names may come from anybody's labels.
    """
    with suppress(Exception):
        return [word for word in words if word.startswith(incomplete) and quote(word) == word]
    return []


def _kinds(role: "type[Any]") -> Iterator[str]:
    from syncer.plugin.manager import Plugins

    plugins = Plugins.discover(os.environ)
    for name in plugins.names(role):
        yield name
        yield from (f"{scheme}://" for scheme in plugins.kind(role, name).schemes)


def _paths() -> Iterator[str]:
    from syncer.config.describe import describe_options, describe_settings
    from syncer.config.settings import KINDS
    from syncer.plugin.manager import Plugins

    tables = describe_settings()
    plugins = Plugins.discover(os.environ)
    for table, role in KINDS.items():
        for kind in plugins.names(role):
            common = {"sources": "sources.NAME", "sinks": "sinks.NAME"}.get(table, "")
            own = describe_options(plugins.kind(role, kind).options)
            for info in (*own, *(tables[common] if common else ())):
                yield f"{table}.{kind}.{info.name}="
    for place, infos in tables.items():
        if "NAME" not in place:
            yield from (f"{place}.{info.name}=".lstrip(".") for info in infos)
