"""Commands that take the command line of a program that syncer replaces.

Such a command reads the other program's own arguments, by its rules, and then runs as `syncer run`
with the settings that they stand for. Slow imports are inside the functions that need them.
"""

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from syncer.cli.help import Command
from syncer.cli.shared import installed

if TYPE_CHECKING:
    from syncer.api.kinds import Invocation
    from syncer.plugin.manager import Plugins


class _Foreign(Command):
    """Takes its arguments unparsed: another program's rules apply to them."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.params["arguments"] = tuple(args)
        return []


@click.command(
    cls=_Foreign, add_help_option=False, short_help="Run with registrator's command line."
)
@click.argument("arguments", nargs=-1, metavar="[OPTIONS] URI")
@click.pass_context
def registrator(ctx: click.Context, arguments: Sequence[str]) -> int:
    """Run with registrator's command line, and take over the entries that it made.

    `-help` lists its flags; `-print-config` prints the equivalent configuration file.
    """
    from syncer.api.kinds import CommandLine

    plugins = installed()
    asked = plugins.kind(CommandLine, "registrator").create(arguments, os.environ)
    if asked.text:
        click.echo(asked.text, err=bool(asked.exit_code))
        return asked.exit_code
    for warning in asked.warnings:
        click.echo(f"syncer: warning: {warning}", err=True)
    if asked.only_print:
        from syncer.config.toml_text import toml_text

        click.echo(toml_text(config_of(asked, plugins)), nl=False)
        return 0
    root: Any = ctx.find_root().command
    code: int = ctx.invoke(
        root.commands["run"],
        path=None,
        sources=asked.sources,
        sinks=asked.sinks,
        settings=_with_origins(asked.settings, asked.origins),
        log_format=os.environ.get("SYNCER_LOG_FORMAT"),
    )
    return code


def config_of(asked: "Invocation", plugins: "Plugins") -> dict[str, Any]:
    """Return the tables of the equivalent configuration file."""
    from syncer.config.load import kind_tables
    from syncer.config.tree import overlaid, plain

    tables = {
        table: kind_tables(table, texts, None, plugins)
        for table, texts in (("sources", asked.sources), ("sinks", asked.sinks))
    }
    found: dict[str, Any] = plain(overlaid(tables, asked.settings))
    for name, table in (*found["sources"].items(), *found["sinks"].items()):
        if table.get("kind") == name:
            del table["kind"]  # the table's name says it
    return found


def _with_origins(settings: Mapping[str, Any], origins: Mapping[str, str], before: str = "") -> Any:
    """Return the settings, each with the flag of the other program that it comes from."""
    from syncer.config.tree import Given

    return {
        key: _with_origins(value, origins, f"{before}{key}.")
        if isinstance(value, Mapping)
        else Given(value, origins.get(f"{before}{key}", "the command line"))
        for key, value in settings.items()
    }
