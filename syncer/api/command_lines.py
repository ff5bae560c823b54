"""Command lines of programs that syncer replaces: what a plugin reads and the command runs."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from syncer.api.fields import as_tuple


@attrs.frozen(kw_only=True)
class Invocation:
    """What a command line of another program asks for, in words of ours.

    `sources` and `sinks` are written as after `--source` and `--sink`, `settings` are tables as in
    the configuration file, over what these say. With `text` there is nothing to run: it is shown,
    and the command ends with `exit_code`. `only_print` shows the configuration and runs nothing.
    `warnings` are for people.
    """

    sources: tuple[str, ...] = attrs.field(default=(), converter=as_tuple)
    sinks: tuple[str, ...] = attrs.field(default=(), converter=as_tuple)
    settings: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    only_print: bool = False
    warnings: tuple[str, ...] = attrs.field(default=(), converter=as_tuple)
    text: str = ""
    exit_code: int = 0


@attrs.frozen(kw_only=True)
class CommandLine:
    """The command line of a program that syncer replaces.

    `create` reads its arguments, in an environment. It raises ConfigError for what cannot be had.
    """

    name: str
    create: Callable[[Sequence[str], Mapping[str, str]], Invocation]
    summary: str = ""
