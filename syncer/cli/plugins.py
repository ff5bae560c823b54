"""Show plugins, their kinds, and the options of each kind, for `syncer plugins`."""

from collections.abc import Iterator
from typing import Any

import attrs
from rich.table import Table

from syncer.api.kinds import LabelParser, SinkType, SourceType
from syncer.cli.show import rows_table
from syncer.config.describe import describe_options
from syncer.config.settings import Kind
from syncer.plugin.manager import Plugins


def kinds(plugins: Plugins) -> Iterator[tuple[str, Kind]]:
    """Yield every kind that has options, with its table in the configuration file."""
    roles: dict[str, type[Kind]]
    roles = {"sources": SourceType, "sinks": SinkType, "parsers": LabelParser}
    for table, role in roles.items():
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


def option_tables(plugins: Plugins) -> Iterator[str | Table]:
    """Yield a heading and a table of its options for each kind."""
    for table, kind in kinds(plugins):
        yield f"\n[bold]{table}[/]  {kind.summary}"
        yield rows_table(
            ("option", "type", "default", "environment", "meaning"),
            (
                (info.name, info.type, info.default, " ".join(info.env), info.help)
                for info in describe_options(kind.options)
            ),
        )


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
