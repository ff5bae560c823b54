"""Flags, engine and exit codes that commands share. Slow imports are inside functions."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from syncer import __version__

if TYPE_CHECKING:
    from syncer.config.load import Settings
    from syncer.config.settings import Config
    from syncer.engine.engine import Engine, Listener
    from syncer.engine.queries import Once
    from syncer.events.logs import Log
    from syncer.plugin.manager import Plugins

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

#: Exit code if a source or sink failed or refused.
FAILED = 1

_SHARED = (
    click.option(
        "-c",
        "--config",
        "path",
        type=click.Path(path_type=Path),
        envvar="SYNCER_CONFIG",
        show_envvar=True,
        help="Configuration file in TOML.",
    ),
    click.option(
        "--source",
        "sources",
        multiple=True,
        metavar="KIND[=VALUE]",
        envvar="SYNCER_SOURCE",
        show_envvar=True,
        help="Where workloads run, e.g. docker, docker=tcp://host:2375 or file=services.toml.",
    ),
    click.option(
        "--sink",
        "sinks",
        multiple=True,
        metavar="KIND[=VALUE]|URI",
        envvar="SYNCER_SINK",
        show_envvar=True,
        help="Where to register them, e.g. consul, consul://host:8500 or file=targets.json.",
    ),
    click.option(
        "--owner",
        help="Owner name stored in each entry; only entries with this owner are managed."
        " [default: syncer]",
    ),
    click.option(
        "--internal", is_flag=True, help="Register the containers' own addresses and ports."
    ),
    click.option(
        "--advertise",
        metavar="ADDRESS",
        help="Register this address: an IP, a host name, an interface or a CIDR.",
    ),
    click.option(
        "--include",
        multiple=True,
        metavar="PATTERN",
        help="Include only matching workloads, e.g. name:web-*.",
    ),
    click.option("--exclude", multiple=True, metavar="PATTERN", help="Exclude matching workloads."),
    click.option(
        "--policy",
        type=click.Choice(["sync", "upsert-only", "create-only"]),
        help="Changes that are allowed. [default: sync]",
    ),
    click.option(
        "--interval",
        metavar="TIME",
        help="Time between full comparisons, e.g. 30s or 5m. [default: 30s]",
    ),
    click.option(
        "--set",
        "assignments",
        multiple=True,
        metavar="KEY.PATH=VALUE",
        help="Set any key of the configuration file, e.g. sinks.consul.token=...",
    ),
)


def shared(command: F) -> F:
    """Add the options that say what is synced with what."""
    for decorate in reversed(_SHARED):
        command = decorate(command)
    return command


def make_engine(
    flags: Mapping[str, Any], *listeners: "Listener", need: Sequence[str] = ("sources", "sinks")
) -> "tuple[Config, Engine]":
    """Return the engine that flags, file and environment describe, with its configuration."""
    from syncer.config.load import load
    from syncer.plugin.assembly import assemble

    settings, plugins = settings_and_plugins(flags)
    config = load(settings, plugins, need)
    return config, assemble(config, plugins, listeners=listeners)


def settings_and_plugins(flags: Mapping[str, Any]) -> "tuple[Settings, Plugins]":
    """Read what flags, file and environment say, and find the plugins that they leave enabled."""
    from syncer.config.load import common_settings, read_settings
    from syncer.plugin.manager import Plugins

    general = [f"{key}={flags[key]}" for key in ("owner", "interval") if flags[key]]
    settings = read_settings(
        flags["path"],
        sources=flags["sources"],
        sinks=flags["sinks"],
        assignments=[*general, *flags["assignments"]],
        common=common_settings(flags),
        environ=os.environ,
    )
    return settings, Plugins.discover(os.environ, settings.disabled_plugins)


def installed() -> "Plugins":
    """Return the plugins that are installed here and not disabled by the environment."""
    from syncer.plugin.manager import Plugins

    return Plugins.discover(os.environ)


def say_start(log: "Log", config: "Config") -> None:
    """Log the version and the names of the configured parts."""
    sources, sinks, parsers = (parts := parts_of(config)).values()
    text = f"syncer {__version__}: {', '.join(sources)} -> {', '.join(sinks)}"
    if parsers:
        text += f" (labels: {', '.join(parsers)})"
    log.say("syncer starts", text, version=__version__, **parts)


def parts_of(config: "Config") -> dict[str, list[str]]:
    """Return the names of the configured parts."""
    return {
        "sources": list(config.sources),
        "sinks": list(config.sinks),
        "parsers": [parser.name for parser in config.parsers],
    }


def has_failed(reports: "Once[Any]") -> bool:
    """Whether anything failed, was refused, is held by the guard, or was left half done."""
    return (
        bool(reports.errors)
        or is_partial(reports)
        or any(one.failed or one.plan.unfinished for one in reports.values())
    )


def is_partial(once: "Once[Any]") -> bool:
    """Whether it is unknown what some workload offers."""
    return any(trouble.unknown for trouble in once.troubles)


def closing(engine: "Engine", work: Callable[[], T]) -> T:
    """Do this work, and close the engine afterwards."""
    try:
        return work()
    finally:
        engine.stop()
