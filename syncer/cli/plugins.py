"""Show plugins, their kinds, and the options of each kind, for `syncer plugins`."""

from collections.abc import Iterator
from textwrap import fill, indent
from typing import Any

import attrs
import click
from rich.table import Table

from syncer.api.text import did_you_mean
from syncer.cli.show import rows_table, safe
from syncer.config.describe import describe_options
from syncer.config.settings import KINDS, Kind
from syncer.plugin.manager import Plugins


def kinds(plugins: Plugins) -> Iterator[tuple[str, Kind]]:
    """Yield every kind that has options, with its table in the configuration file."""
    for table, role in KINDS.items():
        for kind in plugins.kinds(role).values():
            yield f"{table}.{kind.name}", kind


def plugins_table(plugins: Plugins) -> Table:
    """Return a table with a row for each plugin."""
    return rows_table(
        ("plugin", "distribution", "version", "state", "offers"),
        (
            (p.name, p.distribution, p.version, p.state, p.error or ", ".join(p.kinds))
            for p in plugins.report()
        ),
    )


def option_lines(plugins: Plugins, name: str = "") -> Iterator[str]:
    """Yield each kind with its options, or only kinds of this name (`docker`, `sinks.consul`)."""
    for table, kind in kinds(plugins):
        if name in ("", kind.name, table):
            yield f"[bold]{table}[/]"
            yield indent(fill(safe(kind.summary), 76), "  ")
            for info in describe_options(kind.options):
                plain = info.default in ("", '""', "[]", "required")
                default = info.default.strip('"[]') if plain else f"default {info.default}"
                about = ", ".join(filter(None, (info.type, default, *info.env)))
                yield f"  [bold]{safe(info.name)}[/]  {safe(about)}"
                yield indent(fill(safe(info.help), 72), "      ")


def one_kind(plugins: Plugins, name: str) -> list[str]:
    """Return the lines of the kinds of this name. Raises UsageError if there is none."""
    if lines := [*option_lines(plugins, name)]:
        return lines
    known = {kind.name for _, kind in kinds(plugins)}
    raise click.UsageError(f"no kind is called {name!r}{did_you_mean(name, known)}")


def as_json(plugins: Plugins) -> dict[str, Any]:
    """Return all of it as JSON types."""
    return {
        "plugins": [attrs.asdict(info) for info in plugins.report()],
        "kinds": {
            table: {
                "summary": kind.summary,
                "options": [attrs.asdict(info) for info in describe_options(kind.options)],
            }
            for table, kind in kinds(plugins)
        },
    }
