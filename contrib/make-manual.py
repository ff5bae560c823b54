"""Writes the manual pages of the commands: make-manual.py FOLDER.

`make manual` runs it. Shell completions come from `syncer completion SHELL`.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import click
from click_man.core import write_man_pages

from syncer import __version__
from syncer.api import errors
from syncer.cli.commands import cli
from syncer.cli.help import EXIT_CODES, MORE, example_lines
from syncer.cli.shared import DEFAULT_FILE


def sections(name: str, command: click.Command) -> Iterator[str]:
    """Yield what click-man leaves out: examples, files, environment and exit codes."""
    options = [one for one in command.params if isinstance(one, click.Option) and not one.hidden]
    if examples := [*example_lines(name)]:
        yield ".SH EXAMPLES\n.nf\n" + "\n".join(map(_text, examples)) + "\n.fi\n"
    if any(one.name == "path" for one in options):
        yield f".SH FILES\n.TP\n{DEFAULT_FILE}\nThe configuration, unless --config names another.\n"
    variables = [one for one in options if isinstance(one.envvar, str)]
    if variables:
        yield ".SH ENVIRONMENT\n" + "".join(
            f".TP\n{one.envvar}\nStands for {_text(one.opts[-1])}.\n" for one in variables
        )
    yield ".SH EXIT STATUS\n"
    of_errors = {
        str(error.exit_code): (error.__doc__ or "").splitlines()[0]
        for error in (errors.ConfigError, errors.PluginError)
    }
    for code, meaning in sorted((EXIT_CODES | of_errors).items(), key=lambda item: int(item[0])):
        yield f".TP\n{code}\n{_text(meaning.replace('`', ''))}\n"
    yield f".SH SEE ALSO\n{_text(MORE)}\n"


def _text(text: str) -> str:
    """Return a line as it is: no request of roff, and hyphens that can be copied."""
    return text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")


def main(folder: Path) -> None:
    """Write a page for `syncer` and one for each command."""
    folder.mkdir(parents=True, exist_ok=True)
    for command in (cli, *cli.commands.values()):
        command.short_help = command.get_short_help_str(100)  # click-man would cut it
    write_man_pages("syncer", cli, version=__version__, target_dir=str(folder))
    for name, command in {"syncer": cli, **cli.commands}.items():
        page = folder / ("syncer.1" if command is cli else f"syncer-{name}.1")
        page.write_text(page.read_text() + "".join(sections(name, command)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
