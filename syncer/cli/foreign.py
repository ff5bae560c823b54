"""Turns the words of libraries and of the interpreter into syncer's own lines, without secrets.

Without this they write to standard error, in forms of their own, also between lines of JSON.
"""

import logging
import os
import sys
import threading
from collections.abc import Callable
from types import TracebackType

import click

from syncer.api.errors import trace_of
from syncer.api.secrets import hidden
from syncer.api.text import printable

#: Takes a message, and the traceback that belongs to it or "".
Say = Callable[[str, str], None]


class _Lines(logging.Handler):
    """Hands on what is logged. The name of the library goes before its words."""

    def __init__(self, say: Say) -> None:
        super().__init__(logging.WARNING)
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = hidden(record.getMessage().removeprefix("syncer: "))
            error = record.exc_info[1] if record.exc_info else None
        except Exception:  # noqa: BLE001 - a library's arguments may not fit its message
            text, error = hidden(str(record.msg)), None
        named = text if record.name.startswith("syncer") else f"{record.name}: {text}"
        self._say(named, trace_of(error) if error else "")


def listen(say: Say) -> None:
    """Have `say` say all of it from now on, and nobody who listened before."""
    # Read by grpc when it is first imported. Its own lines say nothing that its errors do not.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    root = logging.getLogger()
    for handler in root.handlers[:]:
        if isinstance(handler, _Lines):
            root.removeHandler(handler)
    root.addHandler(_Lines(say))
    logging.captureWarnings(True)

    def unexpected(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        say("unexpected error: this is a bug in syncer or a plugin", trace_of(error))

    def in_thread(found: threading.ExceptHookArgs) -> None:
        if found.exc_value is not None and found.exc_type is not SystemExit:
            say(f"a thread ended: {found.thread and found.thread.name}", trace_of(found.exc_value))

    sys.excepthook, threading.excepthook = unexpected, in_thread


def to_stderr(message: str, trace: str) -> None:
    """Say it in a command other than `run`."""
    click.echo(f"syncer: {printable(message)}", err=True)
    if trace:
        click.echo(trace.rstrip(), err=True)
