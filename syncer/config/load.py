"""From flags, file, environment and defaults to one `Config`.

A value given by a flag (`--set`, then `--source` and `--sink`) goes before one in the file, that
before one in a `SYNCER__...` variable, that before one in a variable that the option itself names,
and that before the default. This is decided key by key: a flag that names a source or sink of
the file overrides the keys that it gives and leaves the rest, other tables of the file stay.
"""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from syncer.api.errors import ConfigError
from syncer.api.fields import unique
from syncer.config.build import Sections, disabled_plugins
from syncer.config.convert import separated
from syncer.config.exposure import exposed, exposed_in
from syncer.config.files import digests
from syncer.config.fill import fill, secret_files
from syncer.config.flags import flagged
from syncer.config.settings import (
    SINK_KEYS,
    SOURCE_KEYS,
    Config,
    Kind,
    ParserConfig,
    Part,
    SinkConfig,
    SourceConfig,
)
from syncer.config.tree import (
    KeyPath,
    files_named,
    from_assignments,
    from_environment,
    from_file,
    in_order,
    overlaid,
    plain,
)
from syncer.config.web_rules import WebRules

if TYPE_CHECKING:
    from syncer.plugin.manager import Plugins


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
            *exposed(parts, path, environ),
            *exposed_in(WebRules, given.get("web", {}), top / "web", path),
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
