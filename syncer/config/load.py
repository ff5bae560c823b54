"""From flags, file, environment and defaults to one `Config`.

A value given by a flag (`--set`, then `--source` and `--sink`) takes precedence over one in the
file, that over one in a `SYNCER__...` variable, that over one in a variable that the option itself
names, and that over the default. This is decided key by key: a flag that names a source or sink of
the file overrides the keys that it gives. The table's other keys, and other tables, stay.
"""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from syncer.api.errors import ConfigError
from syncer.api.fields import EMPTY
from syncer.config.build import ConfigBuilder
from syncer.config.fill import fill
from syncer.config.flags import kind_tables
from syncer.config.settings import Config, KindLookup, PluginSettings
from syncer.config.tree import (
    KeyPath,
    Tree,
    files_named,
    from_assignments,
    from_environment,
    from_file,
    in_order,
    origin_of,
    overlaid,
)


@attrs.frozen(kw_only=True, repr=False)
class Settings:
    """The settings of file, flags and environment, read but not yet checked.

    `tree` has all except `--source` and `--sink`, which cannot be read without the kinds. `common`
    has the flags that apply to every source or every sink.
    """

    path: Path | None
    file: Tree
    assignments: Tree
    tree: Tree
    sources: tuple[str, ...]
    sinks: tuple[str, ...]
    common: Mapping[str, Tree]
    environ: Mapping[str, str]
    disabled_plugins: tuple[str, ...]

    @property
    def secret_files(self) -> tuple[Path, ...]:
        """The files that `{ file = "..." }` names. `load` reads them."""
        return tuple(files_named(self.tree))


def read_settings(
    path: Path | None = None,
    *,
    sources: Sequence[str] = (),
    sinks: Sequence[str] = (),
    assignments: Sequence[str] = (),
    common: Mapping[str, Tree] = EMPTY,
    environ: Mapping[str, str],
) -> Settings:
    """Read file, flags and environment. No plugin is needed: they may say which to disable.

    `sources` and `sinks` are texts in the form `[NAME:]KIND[=VALUE]` or URIs. KIND may also be a
    configured name. A kind given twice gets the names `consul` and `consul-2`. `assignments` are
    `KEY.PATH=VALUE`. Raises ConfigError.
    """
    file, set_flags = from_file(path) if path else {}, from_assignments(assignments)
    given = overlaid(file, set_flags)
    tree = overlaid(from_environment(environ, given), given)
    return Settings(
        path=path,
        file=file,
        assignments=set_flags,
        tree=tree,
        sources=tuple(sources),
        sinks=tuple(sinks),
        common=common,
        environ=environ,
        disabled_plugins=_disabled_plugins(tree.get("plugins", {}), path),
    )


def _disabled_plugins(table: Any, path: Path | None) -> tuple[str, ...]:
    """Return the plugins to disable; `Plugins.discover` adds those of the variable."""
    where = KeyPath(("plugins",), str(path) if path else "")
    if not isinstance(table, Mapping):
        raise ConfigError(where.say("must be a table", origin_of(table)))
    return fill(PluginSettings, table, where=where, env={}).disable


def load(
    settings: Settings, kinds: KindLookup, need: Collection[str] = ("sources", "sinks")
) -> Config:
    """Check the settings, fill the options of every kind named, and return the configuration.

    `need` says which of sources and sinks must be configured. Raises one ConfigError with a line
    for each error, or PluginError.
    """
    tree = settings.tree
    for table, texts in (("sources", settings.sources), ("sinks", settings.sinks)):
        flagged = kind_tables(table, texts, tree.get(table), kinds)
        tree = overlaid(tree, {table: flagged} if flagged else {})
        if isinstance(tree.get(table), Mapping):
            # The order matters: of two equal claims, that of the first source wins.
            tree[table] = in_order(tree[table], settings.file.get(table), flagged)
    tree = overlaid(tree, settings.assignments)  # --set is more exact than --sink
    for table, common in settings.common.items():
        if isinstance(named := tree.get(table), Mapping):
            tree[table] = {
                name: overlaid(part, common) if isinstance(part, Mapping) else part
                for name, part in named.items()
            }
    builder = ConfigBuilder(tree, kinds, path=settings.path, environ=settings.environ)
    return builder.config(need, settings.disabled_plugins)
