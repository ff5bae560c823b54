"""What the commands have in common: flags, the engine that they describe, and how they end.

What takes time to import is imported when it is needed.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from syncer.config.settings import Config
    from syncer.engine.engine import Engine, Listener
    from syncer.engine.queries import Once
    from syncer.plugin.manager import Plugins

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

#: What a command ends with when a sink refused or gave no answer.
FAILED = 1

_SHARED = (
    click.option(
        "-c",
        "--config",
        "path",
        type=click.Path(path_type=Path),
        envvar="SYNCER_CONFIG",
        help="Configuration file (TOML).",
    ),
    click.option(
        "--source",
        "sources",
        multiple=True,
        metavar="KIND[=VALUE]",
        envvar="SYNCER_SOURCE",
        help="Where workloads come from: docker, docker=tcp://host:2375, file=services.toml.",
    ),
    click.option(
        "--sink",
        "sinks",
        multiple=True,
        metavar="KIND[=VALUE]|URI",
        envvar="SYNCER_SINK",
        help="Where they are registered: consul, consul://host:8500, file=targets.json.",
    ),
    click.option("--owner", help="Who we are; only registrations with this mark are ours."),
    click.option("--internal", is_flag=True, help="Register the containers' own addresses."),
    click.option("--advertise", metavar="ADDRESS", help="Address, interface or CIDR to register."),
    click.option("--include", multiple=True, metavar="PATTERN", help="Only what fits, name:web-*."),
    click.option("--exclude", multiple=True, metavar="PATTERN", help="All but what fits."),
    click.option(
        "--policy",
        type=click.Choice(["sync", "upsert-only", "create-only"]),
        help="Which changes are allowed.",
    ),
    click.option("--interval", metavar="TIME", help="Time between full reads: 30s, 5m."),
    click.option(
        "--set",
        "assignments",
        multiple=True,
        metavar="KEY.PATH=VALUE",
        help="Any setting of the configuration file.",
    ),
)


def shared(command: F) -> F:
    """The options that say what is synced with what."""
    for decorate in reversed(_SHARED):
        command = decorate(command)
    return command


def installed() -> "Plugins":
    """The plugins that are installed here and not disabled."""
    from syncer.config.convert import separated
    from syncer.plugin.manager import Plugins

    return Plugins.discover(separated(os.environ.get("SYNCER_DISABLE_PLUGINS", "")))


def make_engine(
    given: Mapping[str, Any], *listeners: "Listener", need: Sequence[str] = ("sources", "sinks")
) -> "tuple[Config, Engine]":
    """The engine that flags, file and environment describe."""
    from syncer.plugin.assembly import assemble

    config, plugins = read_config(given, need)
    return config, assemble(config, plugins, environ=os.environ, listeners=listeners)


def read_config(
    given: Mapping[str, Any], need: Sequence[str] = ("sources", "sinks")
) -> "tuple[Config, Plugins]":
    """What flags, file and environment say, and the plugins that there are."""
    from syncer.config.flags import for_all
    from syncer.config.load import load

    plugins = installed()
    general = [f"{key}={given[key]}" for key in ("owner", "interval") if given[key]]
    config = load(
        given["path"],
        sources=given["sources"],
        sinks=given["sinks"],
        assignments=[*general, *given["assignments"]],
        environ=os.environ,
        plugins=plugins,
        need=need,
    )
    return for_all(config, given), plugins


def parts_of(config: "Config") -> dict[str, str]:
    """The names of what is configured."""
    return {
        "sources": ",".join(config.sources),
        "sinks": ",".join(config.sinks),
        "parsers": ",".join(parser.name for parser in config.parsers),
    }


def has_failed(reports: "Once[Any]") -> bool:
    """Whether something was refused, had no answer, is held by the guard, or left half done."""
    return bool(reports.errors) or any(
        one.failed or one.plan.unfinished for one in reports.values()
    )


def closing(engine: "Engine", work: Callable[[], T]) -> T:
    """Do this work; the engine is closed afterwards."""
    try:
        return work()
    finally:
        engine.stop()
