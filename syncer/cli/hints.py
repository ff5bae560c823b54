"""Words that people type by habit of other programs, and those that syncer has for the same."""

from typing import Any

import click

from syncer.cli.help import MORE, Command, write_examples

SETTINGS: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
#: Commands of other programs, and ours for the same.
_COMMANDS = {
    "list": "services",
    "ls": "services",
    "ps": "services",
    "validate": "check-config",
    "check": "check-config",
    "diff": "plan",
    "sync": "apply",
    "start": "run",
    "deregister": "drain",
}
#: Options of other programs, and what to use here.
_OPTIONS = {
    "--dry-run": "`syncer plan` shows what would change, and changes nothing",
    "--log-level": "use --verbose (of `syncer run`) for more lines",
    "--debug": "use --verbose (of `syncer run`) for more lines",
    "--output": "use --json (of `plan`, `services`, `explain` and others)",
    "-o": "use --json (of `plan`, `services`, `explain` and others)",
    "--format": "use --json, or --log-format of `syncer run`",
}


class Commands(click.Group):
    """A group whose `help` and `version` are commands too, and that knows other programs' words."""

    command_class = Command

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write examples, and where to read on."""
        write_examples("syncer", formatter)
        formatter.write_paragraph()
        formatter.write_text(MORE)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take `help COMMAND` for `COMMAND --help`, and `version` for `--version`."""
        if args[:1] == ["help"]:
            args = [*args[1:2], "--help"]
        elif args == ["version"]:
            args = ["--version"]
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Name our command for an unknown one of another program."""
        if (ours := _COMMANDS.get(args[0])) and args[0] not in self.commands:
            ctx.fail(f"No such command {args[0]!r}. Did you mean {ours!r}?")
        return super().resolve_command(ctx, args)


def hint_of(error: click.ClickException) -> str:
    """Return what to use in place of an unknown option of another program, as a line; else ""."""
    known = isinstance(error, click.NoSuchOption) and _OPTIONS.get(error.option_name)
    return f"Hint: {known}.\n" if known else ""
