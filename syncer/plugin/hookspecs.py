"""The hooks that plugins implement.

A plugin is a module named by an entry point of the group `syncer`:

    [project.entry-points.syncer]
    myregistry = "syncer_myregistry"

It implements any of the hooks below, each marked by `@syncer.hookimpl`, and returns frozen records:

    import syncer

    @syncer.hookimpl
    def syncer_sinks():
        return [syncer.SinkType(name="myregistry", options=MyOptions, create=MySink)]

Each implementation is called on its own. One that raises is reported with its distribution, and
does not affect the others. Hook wrappers are refused: no plugin may change what another offers.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from syncer.api.kinds import CheckTranslator, CommandLine, LabelParser, SinkType, SourceType
    from syncer.events import AnyEvent

PROJECT = "syncer"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def syncer_sources() -> Iterable["SourceType"]:
    """Return the kinds of source that this plugin offers. Called once."""
    return ()


@hookspec
def syncer_sinks() -> Iterable["SinkType"]:
    """Return the kinds of sink that this plugin offers. Called once."""
    return ()


@hookspec
def syncer_label_parsers() -> Iterable["LabelParser"]:
    """Return the label parsers that this plugin offers. Called once."""
    return ()


@hookspec
def syncer_check_translators() -> Iterable["CheckTranslator"]:
    """Return the check translators that this plugin offers, at most one for a kind of sink."""
    return ()


@hookspec
def syncer_command_lines() -> Iterable["CommandLine"]:
    """Return the command lines that this plugin reads, of programs that syncer replaces."""
    return ()


@hookspec
def syncer_event(event: "AnyEvent") -> None:
    """Receive an event of `syncer.events`, in the thread where it happened: be quick."""
