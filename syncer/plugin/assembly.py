"""Assemble an engine from a configuration and the installed plugins."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from syncer.api.errors import PluginError, SyncerError
from syncer.api.kinds import Context, LabelParser, SinkType, SourceType
from syncer.config.load import load, read_settings
from syncer.config.settings import Config, ParserConfig, SinkConfig, SourceConfig
from syncer.desired.filters import Filter
from syncer.desired.translate import Parse
from syncer.engine.election import Lock
from syncer.engine.engine import Engine, Listener
from syncer.engine.parts import SinkPart, SourcePart
from syncer.events import AnyEvent
from syncer.plan.adoption import Adoption
from syncer.plugin.manager import Plugins

T = TypeVar("T")


def assemble(config: Config, plugins: Plugins, *, listeners: Sequence[Listener] = ()) -> Engine:
    """Return the engine that a configuration describes. No source or sink is asked for anything.

    Raises ConfigError if an option turns out wrong, PluginError if a plugin fails to make its part.
    """
    return Engine(
        {name: _source(part, config.owner, plugins) for name, part in config.sources.items()},
        {name: _sink(part, config.owner, plugins) for name, part in config.sinks.items()},
        parsers=[(part.name, _parser(part, plugins)) for part in config.parsers],
        owner=config.owner,
        interval=config.interval.total_seconds(),
        guard=config.guard,
        probes=config.probes,
        on_exit=config.on_exit,
        shutdown_timeout=config.shutdown_timeout.total_seconds(),
        listeners=(*listeners, _notifying(plugins, listeners)),
    )


def _notifying(plugins: Plugins, listeners: Sequence[Listener]) -> Listener:
    """Return a listener that passes events to the plugins, and failures of those to the others."""

    def notify(event: AnyEvent) -> None:
        for warned in plugins.notify(event):
            for listener in listeners:
                listener(warned)

    return notify


def _source(part: SourceConfig, owner: str, plugins: Plugins) -> SourcePart:
    kind, context = plugins.kind(SourceType, part.kind), Context(name=part.name, owner=owner)
    source = _create(f"source {part.name}", kind.create, part.options, context)
    return SourcePart(
        source=source,
        rules=part.addresses,
        filter=Filter(
            include=part.include,
            exclude=part.exclude,
            allow_names=part.allow_names,
            deny_names=part.deny_names,
        ),
        mirror_health=part.healthcheck == "mirror",
        one_offs=part.one_offs,
        most_instances=part.most_instances,
        former_scopes=part.former_scopes,
        former_identities=part.former_identities,
        ids=part.ids,
    )


def _sink(part: SinkConfig, owner: str, plugins: Plugins) -> SinkPart:
    kind, context = plugins.kind(SinkType, part.kind), Context(name=part.name, owner=owner)
    sink = _create(f"sink {part.name}", kind.create, part.options, context)
    translator = plugins.check_translator(part.kind)
    return SinkPart(
        sink=sink,
        policy=part.policy,
        sources=part.sources,
        withhold=frozenset(part.withhold),
        keep_last=part.keep_last,
        translate=translator.create(part.options) if translator else None,
        lock=Lock(name=part.lock, ttl=part.lock_ttl) if part.lock else None,
        adoption=Adoption(hosts=part.adopt, gone=part.adopt_gone),
    )


def _parser(part: ParserConfig, plugins: Plugins) -> Parse:
    create = plugins.kind(LabelParser, part.name).create
    return _create(f"label parser {part.name}", create, part.options)


def _create(what: str, create: Callable[..., T], *arguments: Any) -> T:
    """Return what a plugin creates. Foreign exceptions become a PluginError that names the part."""
    try:
        return create(*arguments)
    except SyncerError:
        raise
    except Exception as error:
        raise PluginError(f"cannot create {what}: {type(error).__name__}: {error}") from error


def open_engine(
    path: Path | str | None = None,
    *,
    sources: Sequence[str] = (),
    sinks: Sequence[str] = (),
    settings: Sequence[str] = (),
    listeners: Sequence[Listener] = (),
    environ: Mapping[str, str] | None = None,
) -> Engine:
    """Return the engine that a configuration file and flags describe, as for the command line.

    `sources` and `sinks` are written as after `--source` and `--sink`, `settings` as after `--set`.
    `environ` is the process's environment by default. Raises ConfigError with a line for each
    error, or PluginError.
    """
    read = read_settings(
        Path(path) if path else None,
        sources=sources,
        sinks=sinks,
        assignments=settings,
        environ=os.environ if environ is None else environ,
    )
    plugins = Plugins.discover(read.environ, read.disabled_plugins)
    return assemble(load(read, plugins), plugins, listeners=listeners)
