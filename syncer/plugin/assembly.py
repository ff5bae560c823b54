"""From a configuration and the installed plugins to an engine."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from syncer.api.contracts import Sink, Source
from syncer.api.errors import PluginError, SyncerError
from syncer.api.kinds import Context
from syncer.config.convert import separated
from syncer.config.load import load, options_of
from syncer.config.settings import Config, ParserConfig, SinkConfig, SourceConfig
from syncer.desired.filters import Filter
from syncer.desired.translate import Parse
from syncer.engine.election import Lock
from syncer.engine.engine import Engine, Listener
from syncer.engine.parts import SinkPart, SourcePart
from syncer.events import AnyEvent
from syncer.plan.adoption import Adoption
from syncer.plugin.manager import Plugins


def assemble(
    config: Config,
    plugins: Plugins,
    *,
    environ: Mapping[str, str],
    listeners: Sequence[Listener] = (),
) -> Engine:
    """The engine that a configuration describes. No source or sink is asked for anything yet.

    Raises ConfigError for wrong options, PluginError for a plugin that fails to make its part.
    """
    return Engine(
        {name: _source(config, part, plugins, environ) for name, part in config.sources.items()},
        {name: _sink(config, part, plugins, environ) for name, part in config.sinks.items()},
        parsers=[(part.name, _parser(part, plugins, environ)) for part in config.parsers],
        owner=config.owner,
        interval=config.interval.total_seconds(),
        guard=config.guard,
        probes=config.probes,
        on_exit=config.on_exit,
        shutdown_timeout=config.shutdown_timeout.total_seconds(),
        listeners=(*listeners, _notifying(plugins, listeners)),
    )


def _notifying(plugins: Plugins, listeners: Sequence[Listener]) -> Listener:
    """A listener that tells the plugins, and tells the others of plugins that fail at it."""

    def notify(event: AnyEvent) -> None:
        for warned in plugins.notify(event):
            for listener in listeners:
                listener(warned)

    return notify


def _source(
    config: Config, part: SourceConfig, plugins: Plugins, environ: Mapping[str, str]
) -> SourcePart:
    kind = plugins.source(part.kind)
    options = options_of(part, kind, environ)
    context = Context(name=part.name, owner=config.owner)
    source: Source = _made(f"source {part.name}", lambda: kind.create(options, context))
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
        former_scopes=part.former_scopes,
    )


def _sink(
    config: Config, part: SinkConfig, plugins: Plugins, environ: Mapping[str, str]
) -> SinkPart:
    kind = plugins.sink(part.kind)
    options = options_of(part, kind, environ)
    context = Context(name=part.name, owner=config.owner)
    sink: Sink = _made(f"sink {part.name}", lambda: kind.create(options, context))
    translator = plugins.check_translator(part.kind)
    return SinkPart(
        sink=sink,
        policy=part.policy,
        sources=part.sources,
        withhold=frozenset(part.withhold),
        keep_last=part.keep_last,
        translate=translator.create(options) if translator else None,
        lock=Lock(name=part.lock, ttl=part.lock_ttl) if part.lock else None,
        adoption=Adoption(hosts=part.adopt, gone=part.adopt_gone),
    )


def _parser(part: ParserConfig, plugins: Plugins, environ: Mapping[str, str]) -> Parse:
    kind = plugins.label_parser(part.name)
    options = options_of(part, kind, environ)
    parse: Parse = _made(f"label parser {part.name}", lambda: kind.create(options))
    return parse


def _made(what: str, make: Callable[[], Any]) -> Any:
    """What a plugin makes. Its own kinds of error become a PluginError that names the part."""
    try:
        return make()
    except SyncerError:
        raise
    except Exception as error:
        raise PluginError(f"{what} cannot be made: {type(error).__name__}: {error}") from error


def open_engine(
    path: Path | str | None = None,
    *,
    sources: Sequence[str] = (),
    sinks: Sequence[str] = (),
    settings: Sequence[str] = (),
    listeners: Sequence[Listener] = (),
    environ: Mapping[str, str] = os.environ,
) -> Engine:
    """The engine of a configuration file and flags, as the command line would make it.

    `sources` and `sinks` are written as after `--source` and `--sink`, `settings` as after `--set`.
    Raises ConfigError with a line for each thing that is wrong, or PluginError.
    """
    plugins = Plugins.discover(separated(environ.get("SYNCER_DISABLE_PLUGINS", "")))
    config = load(
        Path(path) if path else None,
        sources=sources,
        sinks=sinks,
        assignments=settings,
        environ=environ,
        plugins=plugins,
    )
    return assemble(config, plugins, environ=environ, listeners=listeners)
