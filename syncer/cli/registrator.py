"""The command lines of programs that syncer replaces, each a command of ours.

Such a command takes the other program's own arguments, whatever their rules are, and then runs as
`syncer run` with what they ask for. What takes time to import is imported when it is needed.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from syncer.cli.shared import installed

if TYPE_CHECKING:
    from syncer.api.kinds import Invocation
    from syncer.plugin.manager import Plugins


class _Foreign(click.Command):
    """Takes its arguments as they are: another program's rules hold for them."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.params["arguments"] = tuple(args)
        return []


@click.command("registrator", cls=_Foreign, add_help_option=False)
@click.argument("arguments", nargs=-1, metavar="[OPTIONS] URI")
@click.pass_context
def registrator(ctx: click.Context, arguments: Sequence[str]) -> int:
    """Run with registrator's own command line, and take over what it registered.

    `-help` lists its flags; `-print-config` prints the configuration file that does the same.
    """
    return _run(ctx, "registrator", arguments)


def _run(ctx: click.Context, name: str, arguments: Sequence[str]) -> int:
    """Run as the command line of the program of this name asks."""
    plugins = installed()
    asked = plugins.command_line(name).create(arguments, os.environ)
    if asked.text:
        click.echo(asked.text, err=bool(asked.exit_code))
        return asked.exit_code
    for warning in asked.warnings:
        click.echo(f"syncer: warning: {warning}", err=True)
    if asked.only_print:
        from syncer.cli.toml_text import toml_text

        click.echo(toml_text(config_of(asked, plugins)), nl=False)
        return 0
    root = ctx.find_root().command
    assert isinstance(root, click.Group)
    code: int = ctx.invoke(
        root.commands["run"],
        path=None,
        sources=asked.sources,
        sinks=asked.sinks,
        assignments=tuple(_assignments(asked.settings)),
        log_format=os.environ.get("SYNCER_LOG_FORMAT") or "console",
    )
    return code


def config_of(asked: "Invocation", plugins: "Plugins") -> dict[str, Any]:
    """The tables of a configuration file that do the same."""
    from syncer.config.flags import kind_tables
    from syncer.config.tree import overlaid, plain

    tables = {
        "sources": kind_tables("--source", asked.sources, None, plugins.source, plugins.source_for),
        "sinks": kind_tables("--sink", asked.sinks, None, plugins.sink, plugins.sink_for),
    }
    found: dict[str, Any] = plain(overlaid(tables, asked.settings))
    for name, table in (*found["sources"].items(), *found["sinks"].items()):
        if table.get("kind") == name:
            del table["kind"]  # the name says it
    return found


def _assignments(settings: Mapping[str, Any], before: str = "") -> Iterator[str]:
    """The settings as after `--set`."""
    from syncer.cli.toml_text import value_text

    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from _assignments(value, f"{before}{key}.")
        else:
            yield f"{before}{key}={value if isinstance(value, str) else value_text(value)}"
