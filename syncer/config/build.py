"""From one tree of settings to `Config`, table by table, with all that is wrong told at once."""

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from syncer.api.errors import ConfigError
from syncer.api.kinds import LabelParser, SinkType, SourceType
from syncer.api.text import did_you_mean
from syncer.config.fill import fill
from syncer.config.settings import (
    PARSER_KEYS,
    SINK_KEYS,
    SOURCE_KEYS,
    TABLES,
    Config,
    General,
    ParserConfig,
    ParserSettings,
    PluginSettings,
    SinkConfig,
    SinkSettings,
    SourceConfig,
    SourceSettings,
    bad_name,
)
from syncer.config.tree import KeyPath, Tree, origin_of
from syncer.config.web_rules import WebRules
from syncer.desired.addresses import AddressRules
from syncer.engine.probes.rules import ProbeRules
from syncer.plan.guard import GuardRules

if TYPE_CHECKING:
    from syncer.plugin.manager import Plugins

T = TypeVar("T")


def disabled_plugins(
    given: Mapping[str, Any], where: KeyPath, environ: Mapping[str, str]
) -> tuple[str, ...]:
    """The plugins not to load, as the table `plugins` says; known before any kind is looked up."""
    table = given.get("plugins", {})
    if not isinstance(table, Mapping):
        raise ConfigError((where / "plugins").say("must be a table", origin_of(table)))
    return fill(PluginSettings, table, where=where / "plugins", env=environ).disable


class Sections:
    """Takes one tree of settings apart, and collects what is wrong on the way."""

    def __init__(
        self,
        given: Mapping[str, Any],
        top: KeyPath,
        environ: Mapping[str, str],
        plugins: "Plugins",
    ) -> None:
        self._given = given
        self._top = top
        self._environ = environ
        self._plugins = plugins
        self._problems: list[str] = []

    def config(self, need: Collection[str]) -> Config:
        """All sections; ConfigError with a line for each thing that is wrong in any of them.

        `need` says which of `sources` and `sinks` there must be.
        """
        known = [field.name for field in attrs.fields(General)]
        for key, value in self._given.items():
            if key not in (*known, *TABLES):
                problem = f"unknown setting{did_you_mean(key, (*known, *TABLES))}"
                self._problem(self._top / key, problem, value)
        top = {key: value for key, value in self._given.items() if key in known}
        general = self._filled(General, top, self._top)
        guard = self._filled(GuardRules, self._table("guard"), self._top / "guard")
        probes = self._filled(ProbeRules, self._table("probes"), self._top / "probes")
        web = self._filled(WebRules, self._table("web"), self._top / "web")
        parsers = self._parsers()
        sources = self._each("sources", self._source)
        sinks = self._each("sinks", self._sink)
        self._check(sources, sinks, need)
        if self._problems or general is None or guard is None or probes is None or web is None:
            raise ConfigError("\n".join(dict.fromkeys(self._problems)))
        return Config(
            **attrs.asdict(general, recurse=False),
            guard=guard,
            probes=probes,
            web=web,
            parsers=parsers,
            sources=sources,
            sinks=sinks,
        )

    def _check(
        self,
        sources: Mapping[str, SourceConfig],
        sinks: Mapping[str, SinkConfig],
        need: Collection[str],
    ) -> None:
        """What only the whole shows: enough parts, and parts that name each other rightly."""
        for what in need:
            if not self._given.get(what):
                flag = f"--{what[:-1]} KIND"
                problem = f"no {what[:-1]}: give {flag}, or a table [{what}.NAME] in a file"
                self._problem(self._top, problem)
        for sink in sinks.values():
            for name in sink.sources:
                if sources and name not in self._table("sources"):
                    problem = f"no source {name!r}{did_you_mean(name, sources)}"
                    given = self._table("sinks", sink.name).get("sources")
                    self._problem(sink.where / "sources", problem, given)

    def _parsers(self) -> tuple[ParserConfig, ...]:
        tables = self._table("parsers")
        where = self._top / "parsers"
        top = {key: value for key, value in tables.items() if key in PARSER_KEYS}
        settings = self._filled(ParserSettings, top, where)
        order = self._plugins.label_parser_names()
        if settings is not None and settings.order is not None:
            order = settings.order
        for name in order:
            at = where / "order" if "order" in top else where / name
            found = self._looked_up(self._plugins.label_parser, name, at, tables.get("order"))
            self._check_options(found, self._table("parsers", name), where / name)
        for name, table in tables.items():
            if name not in PARSER_KEYS and name not in order:
                known = did_you_mean(name, (*order, *PARSER_KEYS))
                self._problem(where / name, f"not among the label parsers in use{known}", table)
        return tuple(
            ParserConfig(name=name, options=self._table("parsers", name), where=where / name)
            for name in order
        )

    def _source(self, name: str, table: Tree, where: KeyPath) -> SourceConfig | None:
        rules = self._filled(
            AddressRules, self._table("sources", name, "addresses"), where / "addresses"
        )
        common = {key: value for key, value in table.items() if key in SOURCE_KEYS[:-1]}
        settings = self._filled(SourceSettings, common, where)
        if settings is None:
            return None
        kind = settings.kind or name
        found = self._looked_up(self._plugins.source, kind, where / "kind", table.get("kind"))
        options = {key: value for key, value in table.items() if key not in SOURCE_KEYS}
        self._check_options(found, options, where, SOURCE_KEYS)
        if rules is None:
            return None
        return SourceConfig(
            **{**attrs.asdict(settings, recurse=False), "kind": kind},
            name=name,
            addresses=rules,
            options=options,
            where=where,
        )

    def _sink(self, name: str, table: Tree, where: KeyPath) -> SinkConfig | None:
        common = {key: value for key, value in table.items() if key in SINK_KEYS}
        settings = self._filled(SinkSettings, common, where)
        if settings is None:
            return None
        kind = settings.kind or name
        found = self._looked_up(self._plugins.sink, kind, where / "kind", table.get("kind"))
        options = {key: value for key, value in table.items() if key not in SINK_KEYS}
        self._check_options(found, options, where, SINK_KEYS)
        return SinkConfig(
            **{**attrs.asdict(settings, recurse=False), "kind": kind},
            name=name,
            options=options,
            where=where,
        )

    def _each(self, what: str, make: Callable[[str, Tree, KeyPath], T | None]) -> dict[str, T]:
        found: dict[str, T] = {}
        for name, table in self._table(what).items():
            where = self._top / what / name
            problem = bad_name(name) or ("" if isinstance(table, Mapping) else "must be a table")
            if problem:
                self._problem(where, problem, table)
            elif (made := make(name, dict(table), where)) is not None:
                found[name] = made
        return found

    def _table(self, *keys: str) -> Tree:
        """The table at this path, empty if there is none; a problem if something else is there."""
        found: Any = self._given
        where = self._top
        for key in keys:
            found, where = found.get(key, {}), where / key
            if not isinstance(found, Mapping):
                self._problem(where, "must be a table", found)
                return {}
        return dict(found)

    def _filled(
        self, options_class: type[T], raw: Tree, where: KeyPath, beside: tuple[str, ...] = ()
    ) -> T | None:
        """The filled class, or None if something is wrong with it."""
        try:
            return fill(options_class, raw, where=where, env=self._environ, beside=beside)
        except ConfigError as error:
            self._problems.append(str(error))
            return None

    def _looked_up(
        self, look_up: Callable[[str], T], name: str, where: KeyPath, given: Any
    ) -> T | None:
        try:
            return look_up(name)
        except ConfigError as error:
            self._problem(where, str(error), given)
            return None

    def _check_options(
        self,
        kind: SourceType | SinkType | LabelParser | None,
        options: Tree,
        where: KeyPath,
        beside: tuple[str, ...] = (),
    ) -> None:
        """Fill the kind's options on trial, so that what is wrong in them is told here too."""
        if kind is not None:
            self._filled(kind.options, options, where, beside)

    def _problem(self, where: KeyPath, text: str, given: Any = None) -> None:
        self._problems.append(where.say(text, origin_of(given)))
