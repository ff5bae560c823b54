"""The command `init`: a configuration file to begin with."""

from importlib.resources import files
from pathlib import Path

import click

from syncer.api.errors import SyncerError
from syncer.cli.help import Command


@click.command(cls=Command, short_help="Write an example configuration file.")
@click.argument("file", default="syncer.toml", metavar="[FILE]", type=click.Path())
def init(file: str) -> int:
    """Write an example configuration with comments to FILE, syncer.toml by default.

    `-` prints it. A file that exists is not overwritten. Commands read /etc/syncer/syncer.toml if
    no other file is named.
    """
    text = files("syncer.cli").joinpath("example.toml").read_text(encoding="utf-8")
    if file == "-":
        click.echo(text, nl=False)
        return 0
    try:
        with Path(file).open("x", encoding="utf-8") as out:
            out.write(text)
    except FileExistsError:
        raise SyncerError(f"{file} exists, and is not overwritten") from None
    except OSError as error:
        raise SyncerError(f"{file}: {error.strerror or error}") from error
    click.echo(f"wrote {file}; edit it, then: syncer check-config --config {file}")
    return 0
