"""Flags, engine and exit codes that commands share. Slow imports are inside functions."""

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from syncer import __version__
from syncer.cli import completion
from syncer.cli.help import SharedOption

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

#: Seconds for which the Tab key waits for names.
PATIENCE = 2.0

#: The configuration file that is read if no other is named.
DEFAULT_FILE = Path("/etc/syncer/syncer.toml")


def configured_file(path: str | None, flags: Mapping[str, Any]) -> Path | None:
    """Return the configuration file to read: the named one, or the default one if it exists.

    The default one is not read for a command line that names sources and sinks: the
    file's own sources and sinks would be added to them.
    """
    if path is not None:
        return Path(path) if path else None
    if flags["sources"] and flags["sinks"]:
        return None
    try:
        DEFAULT_FILE.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        pass  # it may exist: reading it will say why it cannot be read
    return DEFAULT_FILE


_option = partial(click.option, cls=SharedOption)
_CONFIG = _option(
    "-c",
    "--config",
    "path",
    type=click.Path(),
    envvar="SYNCER_CONFIG",
    show_envvar=True,
    help=f"Configuration file in TOML. [default: {DEFAULT_FILE} if it exists; '' for none]",
)
_SHARED = (
    _CONFIG,
    _option(
        "--source",
        "sources",
        multiple=True,
        shell_complete=completion.sources,
        metavar="KIND[=VALUE]",
        envvar="SYNCER_SOURCE",
        show_envvar=True,
        help="Where workloads run, e.g. docker, docker=tcp://host:2375 or file=services.toml.",
    ),
    _option(
        "--sink",
        "sinks",
        multiple=True,
        shell_complete=completion.sinks,
        metavar="KIND[=VALUE]|URI",
        envvar="SYNCER_SINK",
        show_envvar=True,
        help="Where to register them, e.g. consul, consul://host:8500 or file=targets.json.",
    ),
    _option(
        "--owner",
        help="Owner name stored in each entry; only entries with this owner are managed."
        " [default: syncer]",
    ),
    _option("--internal", is_flag=True, help="Register the containers' own addresses and ports."),
    _option(
        "--advertise",
        metavar="ADDRESS",
        help="Register this address: an IP, a host name, an interface or a CIDR.",
    ),
    _option(
        "--include",
        multiple=True,
        metavar="PATTERN",
        help="Include only matching workloads, e.g. name:web-*.",
    ),
    _option("--exclude", multiple=True, metavar="PATTERN", help="Exclude matching workloads."),
    _option(
        "--policy",
        type=click.Choice(["sync", "upsert-only", "create-only"]),
        help="Changes that are allowed. [default: sync]",
    ),
    _option(
        "--interval",
        metavar="TIME",
        help="Time between full comparisons, e.g. 30s or 5m. [default: 30s]",
    ),
    _option(
        "--set",
        "assignments",
        multiple=True,
        shell_complete=completion.settings,
        metavar="KEY.PATH=VALUE",
        help="Set any key of the configuration file, e.g. sinks.consul.datacenter=east; so does the"
        " variable SYNCER__SINKS__CONSUL__DATACENTER.",
    ),
)


def shared(*unused: str) -> Callable[[F], F]:
    """Return a decorator that adds the options that say what is synced with what.

    The `unused` ones make no difference to the command: they are taken, and not shown in its help.
    """

    def add(command: F) -> F:
        @wraps(command)
        def with_file(path: str | None, **given: Any) -> Any:
            return command(path=configured_file(path, given), **given)

        for decorate in reversed(_SHARED):
            with_file = decorate(with_file)
        for option in getattr(with_file, "__click_params__", ()):
            option.hidden = option.name in unused
        return cast("F", with_file)

    return add


def settings_of_file(command: F) -> F:
    """Add the option --config, and pass the file's table `web` as `rules`. No plugin is loaded."""

    @wraps(command)
    def with_rules(path: str | None, **given: Any) -> Any:
        from syncer.config.load import read_settings, web_rules

        file = configured_file(path, {"sources": (), "sinks": ()})
        return command(rules=web_rules(read_settings(file, environ=os.environ)), **given)

    return cast("F", _CONFIG(with_rules))


def names(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Offer services and containers when Tab is pressed; none if they are not there in time."""
    flags: dict[str, Any] = dict(ctx.params)
    found: list[str] = []

    def look() -> None:
        with suppress(Exception):
            flags["path"] = configured_file(flags["path"], flags)
            _, engine = make_engine(flags)
            # Explaining nothing lists every source, and asks no sink.
            found.extend(closing(engine, lambda: (engine.explain(""), engine.names())[1]))

    # An engine that hangs must not hold up a shell: then the thread ends with the process.
    asking = threading.Thread(target=look, daemon=True)
    asking.start()
    asking.join(PATIENCE)
    return completion.fitting(tuple(found), incomplete)


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
    from syncer.config.load import common_settings, read_settings, top_settings
    from syncer.plugin.manager import Plugins

    settings = read_settings(
        flags["path"],
        sources=flags["sources"],
        sinks=flags["sinks"],
        assignments=flags["assignments"],
        top=top_settings(flags),
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
        or reports.partial
        or any(one.failed or one.plan.unfinished for one in reports.values())
    )


def closing(engine: "Engine", work: Callable[[], T]) -> T:
    """Do this work, and close the engine afterwards."""
    try:
        return work()
    finally:
        engine.stop()
