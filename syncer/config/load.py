"""From flags, file, environment and defaults to one `Config`.

A value given by a flag (`--set`, then `--source` and `--sink`) takes precedence over one in the
file, that over one in a `SYNCER__...` variable, that over one in a variable that the option itself
names, and that over the default. This is decided key by key: a flag that names a source or sink of
the file overrides the keys that it gives. The table's other keys, and other tables, stay.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from itertools import chain, count
from pathlib import Path
from typing import Any

import attrs

from syncer.api.errors import ConfigError, PluginError
from syncer.api.fields import EMPTY
from syncer.api.kinds import SinkType, SourceType
from syncer.api.secrets import remember_login
from syncer.api.text import shown_address
from syncer.config.build import ConfigBuilder
from syncer.config.fill import fill
from syncer.config.flag_hints import right_form
from syncer.config.settings import Config, KindLookup, PluginSettings, UriKind
from syncer.config.tree import (
    Given,
    KeyPath,
    Tree,
    files_named,
    from_assignments,
    from_environment,
    from_file,
    given_tree,
    in_order,
    origin_of,
    overlaid,
    plain,
)
from syncer.config.web_rules import WebRules

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://", re.ASCII)
_FLAG = re.compile(r"(?:(?P<name>[^:=]+):)?(?P<kind>[^:=]+)(?:=(?P<value>.*))?", re.DOTALL)


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
    top: Tree | None = None,
    common: Mapping[str, Tree] = EMPTY,
    environ: Mapping[str, str],
) -> Settings:
    """Read file, flags and environment. No plugin is needed: they may say which to disable.

    `sources` and `sinks` are texts in the form `[NAME:]KIND[=VALUE]` or URIs. KIND may also be a
    configured name. A kind given twice gets the names `consul` and `consul-2`. `assignments` are
    `KEY.PATH=VALUE` and take precedence over `top`, which has flags like `--owner`. Raises
    ConfigError.
    """
    file = from_file(path) if path else {}
    set_flags = overlaid(top or {}, from_assignments(assignments))
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


def web_rules(settings: Settings) -> WebRules:
    """Return the table `web`, checked alone: no plugin is needed."""
    table = settings.tree.get("web", {})
    where = KeyPath(("web",), str(settings.path or ""))
    if not isinstance(table, Mapping):
        raise ConfigError(where.say("must be a table", origin_of(table)))
    return fill(WebRules, table, where=where, env=settings.environ)


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


def kind_tables(table: str, texts: Sequence[str], configured: Any, kinds: KindLookup) -> Tree:
    """Return the tables in `sources` or `sinks` that `--source` or `--sink` ask for.

    A text is `[NAME:]KIND[=VALUE]` or a URI. KIND may be the name of a configured table, whose
    kind is then used. A name used again gets a number, unless it was given as NAME.
    """
    flag = f"--{table[:-1]}"
    role: type[UriKind] = SourceType if table == "sources" else SinkType
    tables: Tree = {}
    for text in texts:
        name, kind, value = _split(flag, text, configured, role, kinds)
        options = {} if value is None else _uri_options(flag, kind, value)
        if name and name in tables and text.startswith(f"{name}:"):
            raise ConfigError(f"{flag} {name}: given twice; give each another name")
        free = _free(name or kind.name, tables)
        tables[free] = given_tree({**options, "kind": kind.name}, flag, text=True)
    return tables


def _split(
    flag: str, text: str, configured: Any, role: type[UriKind], kinds: KindLookup
) -> tuple[str, UriKind, str | None]:
    """Return the configured name ("" if any will do), the kind and the value of one flag."""
    remember_login(text)
    try:
        if _URI.match(text):
            return "", kinds.by_scheme(role, text), text
        parts = _FLAG.fullmatch(text)
        if parts is None:
            raise ConfigError("must be [NAME:]KIND[=VALUE] or a URI like scheme://...")
        word = parts["kind"]
        kind = kinds.kind(role, _kind_of(configured, word))
        return parts["name"] or word, kind, parts["value"]
    except ConfigError as error:
        shown = re.split("=|://", text, maxsplit=1)[0]  # what follows may be a secret
        hint = right_form(flag, text, role, kinds) if shown_address(text) == text else ""
        raise ConfigError(f"{flag} {shown_address(shown)}: {hint or error}") from error


def _kind_of(configured: Any, word: str) -> str:
    table = configured.get(word) if isinstance(configured, Mapping) else None
    kind = plain(table.get("kind")) if isinstance(table, Mapping) else None
    return kind if isinstance(kind, str) and kind else word


def _uri_options(flag: str, kind: UriKind, value: str) -> Mapping[str, Any]:
    if kind.from_uri is None:
        raise ConfigError(f"{flag} {kind.name}: takes no value; use --set for its options")
    remember_login(value)
    try:
        return dict(kind.from_uri(value))
    except ValueError as error:
        raise ConfigError(f"{flag} {kind.name}: {error}") from error
    except Exception as error:
        what = f"its value could not be read: from_uri raised {type(error).__name__}"
        raise PluginError(f"{flag} {kind.name}: {what}") from error


def _free(name: str, taken: Mapping[str, Given]) -> str:
    numbered = (f"{name}-{number}" for number in count(2))
    return next(found for found in chain([name], numbered) if found not in taken)


def top_settings(flags: Mapping[str, Any]) -> Tree:
    """Return what flags like `--owner` say of the top of the file and its tables.

    `settings` are those of another program's command line, which has no such flags.
    """
    given = {
        name: Given(flags[name], f"--{name}", text=True)
        for name in ("owner", "interval")
        if flags[name]
    }
    tree: Tree = {**flags.get("settings", {}), **given}
    if listen := flags.get("web"):
        tree["web"] = {"listen": Given(listen, "--web", text=True)}
    return tree


def common_settings(flags: Mapping[str, Any]) -> dict[str, Tree]:
    """Return what flags like `--internal` say of every source and every sink, by table."""

    def given(*names: str) -> Tree:
        return {name: Given(flags[name], f"--{name}", text=True) for name in names if flags[name]}

    addresses = given("internal", "advertise")
    sources = given("include", "exclude") | ({"addresses": addresses} if addresses else {})
    return {"sources": sources, "sinks": given("policy")}
