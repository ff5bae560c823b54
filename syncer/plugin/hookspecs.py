"""The doors for plugins.

A plugin is a module named by an entry point of the group `syncer`:

    [project.entry-points.syncer]
    myregistry = "syncer_myregistry"

It implements any of the hooks below, each marked by `@syncer.hookimpl`, and returns frozen records:

    import syncer

    @syncer.hookimpl
    def syncer_sinks():
        return [syncer.SinkType(name="myregistry", options=MyOptions, create=MySink)]

Each implementation is called by itself; one that raises is reported with its distribution, and
the others go on. Hook wrappers are refused: nothing may change what another plugin offers.
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
    """The kinds of source that this plugin offers; asked once, when kinds are looked up."""
    return ()


@hookspec
def syncer_sinks() -> Iterable["SinkType"]:
    """The kinds of sink that this plugin offers; asked once, when kinds are looked up."""
    return ()


@hookspec
def syncer_label_parsers() -> Iterable["LabelParser"]:
    """The label dialects that this plugin reads; asked once, when kinds are looked up."""
    return ()


@hookspec
def syncer_check_translators() -> Iterable["CheckTranslator"]:
    """The check translators that this plugin offers, at most one for each kind of sink."""
    return ()


@hookspec
def syncer_command_lines() -> Iterable["CommandLine"]:
    """The command lines of programs that syncer replaces, which this plugin can read."""
    return ()


@hookspec
def syncer_event(event: "AnyEvent") -> None:
    """Something happened (see `syncer.events`). Called in the thread where it did: be quick."""
