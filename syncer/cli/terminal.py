"""Print the output of commands: coloured on a terminal, plain in a pipe."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count, groupby, islice
from typing import Any

import click
from rich.console import Console

from syncer.api.secrets import hidden
from syncer.api.text import printable
from syncer.engine.engine import Listener
from syncer.events import AnyEvent, ChangeApplied

#: The width of a pipe: no line is ever cut or folded.
_ENDLESS = 100_000
#: Lines printed at once: each printing takes longer than a line does.
_AT_ONCE = 200


def _console(*, stderr: bool = False) -> Console:
    """Return a console that neither folds nor colours unless its output is a terminal."""
    made = Console(stderr=stderr, highlight=False, soft_wrap=True, emoji=False)
    if not made.is_terminal:
        made.width, made.no_color = _ENDLESS, True
    return made


def line(text: str) -> None:
    """Print one plain line."""
    click.echo(printable(hidden(text, data=True)))


def emit(found: Any) -> None:
    """Print JSON types as JSON; anything else is lines with markup, and tables."""
    if isinstance(found, dict) or isinstance(found, list) and found and isinstance(found[0], dict):
        click.echo(hidden(json.dumps(found, indent=2), data=True))
        return
    console = _console()
    for are_lines, items in groupby(found, lambda item: isinstance(item, str)):
        while some := tuple(islice(items, _AT_ONCE if are_lines else 1)):
            console.print("\n".join(some) if are_lines else some[0])


@contextmanager
def progress() -> Iterator[Listener]:
    """Return a listener that counts changes on standard error, if that is a terminal."""
    console = _console(stderr=True)
    if not console.is_terminal:
        yield lambda event: None
        return
    with console.status("listing") as status:
        applied = count(1)

        def listen(event: AnyEvent) -> None:
            if isinstance(event, ChangeApplied):
                status.update(f"{next(applied)} changes applied")

        yield listen
