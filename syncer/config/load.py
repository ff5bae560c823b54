"""From flags, file, environment and defaults to one `Config`.

A value given by a flag (`--set`, then `--source` and `--sink`) goes before one in the file, that
before one in a `SYNCER__...` variable, that before one in a variable that the option itself names,
and that before the default. This is decided key by key: a flag that names a source or sink of
the file overrides the keys that it gives and leaves the rest, other tables of the file stay.
"""

import stat
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from syncer.api.contracts import LabelParser, SinkType, SourceType
from syncer.api.errors import ConfigError
from syncer.api.fields import unique
from syncer.api.options import Secret
from syncer.config.build import Sections, disabled_plugins
from syncer.config.convert import bare_type, separated
from syncer.config.files import digests
from syncer.config.fill import fill, option_types, secret_files
from syncer.config.flags import flagged
from syncer.config.settings import (
    SINK_KEYS,
    SOURCE_KEYS,
    Config,
    ParserConfig,
    SinkConfig,
    SourceConfig,
)
from syncer.config.tree import (
    Given,
    KeyPath,
    files_named,
    from_assignments,
    from_environment,
    from_file,
    in_order,
    origin_of,
    overlaid,
    plain,
)
from syncer.config.web_rules import WebRules

if TYPE_CHECKING:
    from syncer.plugin.manager import Plugins

Kind = SourceType | SinkType | LabelParser
Part = SourceConfig | SinkConfig | ParserConfig

_DISABLE = "SYNCER_DISABLE_PLUGINS"
_KEYS: dict[type, tuple[str, ...]] = {
    SourceConfig: SOURCE_KEYS,
    SinkConfig: SINK_KEYS,
    ParserConfig: (),
}


def load(
    path: Path | None = None,
    *,
    sources: Sequence[str] = (),
    sinks: Sequence[str] = (),
    assignments: Sequence[str] = (),
    environ: Mapping[str, str],
    plugins: "Plugins",
    need: Collection[str] = ("sources", "sinks"),
) -> Config:
    """The configuration, checked in whole: the kinds' options are filled on trial too.

    `sources` and `sinks` are flags in the form `[NAME:]KIND[=VALUE]` or a whole URI. KIND may
    also be a name that is configured already. A kind given twice gets the names `consul` and
    `consul-2`. `assignments` are `KEY.PATH=VALUE`. `plugins` is told which plugins are disabled
    and asked for every kind that is named. `need` says which of sources and sinks there must be.

    Raises one ConfigError with a line for each thing that is wrong, or PluginError.
    """
    top = KeyPath((), str(path) if path else "")
    set_flags = from_assignments(assignments)
    file = from_file(path) if path else {}
    given = overlaid(file, set_flags)
    given = overlaid(from_environment(environ, given), given)
    listed = disabled_plugins(given, top, environ)
    disabled = unique((*listed, *separated(environ.get(_DISABLE, ""))))
    plugins.disable(disabled)
    for what, texts, look_up, by_uri in (
        ("sources", sources, plugins.source, plugins.source_for),
        ("sinks", sinks, plugins.sink, plugins.sink_for),
    ):
        tables = flagged(f"--{what[:-1]}", texts, given.get(what), look_up, by_uri)
        given = overlaid(given, {what: tables} if tables else {})
        if isinstance(given.get(what), Mapping):
            # Their order counts: of two equal claims, that of the first source wins.
            given[what] = in_order(given[what], file.get(what), tables)
    given = overlaid(given, set_flags)  # --set says it more exactly than --sink
    secrets = digests(files_named(given))  # before they are read
    try:
        config = Sections(given, top, environ, plugins).config(need)
    except ConfigError as error:
        raise ConfigError(str(error), secrets) from error
    parts = _parts(config, plugins)
    return attrs.evolve(
        config,
        disabled_plugins=disabled,
        warnings=(
            *_exposed(parts, path, environ),
            *_exposed_in(WebRules, given.get("web", {}), top / "web", path),
            *config.web.warnings(),
        ),
        secret_files=secrets,
        key_files=[
            Path(str(plain(name)))
            for part, kind in parts
            for name in secret_files(kind.options, part.options, environ).values()
        ],
    )


def options_of(configured: Part, kind: Kind, environ: Mapping[str, str]) -> Any:
    """The options of a configured source, sink or parser, made for its kind's `create`."""
    return fill(
        kind.options,
        configured.options,
        where=configured.where,
        env=environ,
        beside=_KEYS[type(configured)],
    )


def _parts(config: Config, plugins: "Plugins") -> list[tuple[Part, Kind]]:
    """Every source, sink and parser with its kind."""
    return [
        *((source, plugins.source(source.kind)) for source in config.sources.values()),
        *((sink, plugins.sink(sink.kind)) for sink in config.sinks.values()),
        *((parser, plugins.label_parser(parser.name)) for parser in config.parsers),
    ]


def _exposed(
    parts: Iterable[tuple[Part, Kind]], path: Path | None, environ: Mapping[str, str]
) -> Iterator[str]:
    """Warnings about secrets that others can read where they were given."""
    for part, kind in parts:
        yield from _exposed_in(kind.options, part.options, part.where, path)
        for name, given in secret_files(kind.options, part.options, environ).items():
            if problem := _exposed_file(plain(given)):
                yield (part.where / name).say(problem, origin_of(given))


def _exposed_in(
    options_class: type, table: Mapping[str, Any], where: KeyPath, path: Path | None
) -> Iterator[str]:
    for name, wanted in option_types(options_class).items():
        given = table.get(name)
        if bare_type(wanted) is Secret and (problem := _exposure(given, path)):
            yield (where / name).say(problem, origin_of(given))


def _exposure(given: Any, path: Path | None) -> str:
    """Who else can read this secret, and what to do about it; "" if nobody can."""
    value, instead = plain(given), 'use { file = "..." } or { env = "..." }'
    if isinstance(value, Mapping):
        return _exposed_file(value.get("file"))
    origin = given.origin if isinstance(given, Given) else ""
    if origin.startswith("--"):
        return f"a secret on the command line is shown to everybody who lists processes: {instead}"
    if path is not None and origin == str(path) and _is_public(path):
        return f"a secret in a file that everybody may read: {instead}"
    return ""


def _exposed_file(name: Any) -> str:
    """What is wrong with the rights of a file that has a secret in it; "" if nothing is."""
    if isinstance(name, (str, Path)) and _is_public(Path(name)):
        return f"everybody may read the file {name}: take that right from it (chmod o-r)"
    return ""


def _is_public(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & stat.S_IROTH)
    except (OSError, ValueError):  # a name may be none
        return False
