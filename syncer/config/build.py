"""Build a `Config` from one tree of settings, table by table. All errors are raised at once."""

from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import attrs

from syncer.api.errors import ConfigError
from syncer.api.kinds import LabelParser, SinkType, SourceType
from syncer.api.text import did_you_mean
from syncer.config.exposure import exposed
from syncer.config.files import digests
from syncer.config.fill import files_of, fill
from syncer.config.settings import (
    PARSER_KEYS,
    SINK_KEYS,
    SOURCE_KEYS,
    TABLES,
    TOP_KEYS,
    Config,
    K,
    Kind,
    KindLookup,
    ParserConfig,
    ParserSettings,
    SinkConfig,
    SourceConfig,
    bad_name,
)
from syncer.config.tree import KeyPath, Tree, origin_of, plain
from syncer.config.variables import unknown_variables
from syncer.config.web_rules import WebRules
from syncer.desired.addresses import AddressRules
from syncer.engine.probes.rules import ProbeRules
from syncer.plan.guard import GuardRules

T = TypeVar("T")
P = TypeVar("P", SourceConfig, SinkConfig)
A = TypeVar("A", ParserConfig, SourceConfig, SinkConfig)

_INSTALL_A_PARSER = (
    "pip install syncer-registrator for labels like SERVICE_NAME, or syncer-labels for syncer.*"
    " (if one is installed, `syncer plugins` says why it is not used)"
)


class ConfigBuilder:
    """Takes one tree of settings apart, and collects errors and warnings on the way."""

    def __init__(
        self, tree: Tree, kinds: KindLookup, *, path: Path | None, environ: Mapping[str, str]
    ) -> None:
        self._tree, self._kinds, self._path, self._environ = tree, kinds, path, environ
        self._top = KeyPath((), str(path) if path else "")
        self._problems: list[str] = []
        self._warnings: list[str] = []

    def config(self, need: Collection[str], disabled_plugins: tuple[str, ...] = ()) -> Config:
        """Return the configuration. Raises ConfigError with a line for each error in any table.

        `need` says which of `sources` and `sinks` must be configured.
        """
        for key, value in self._tree.items():
            if key not in (*TOP_KEYS, *TABLES):
                problem = f"unknown setting{did_you_mean(key, (*TOP_KEYS, *TABLES))}"
                self._problem(self._top / key, problem, value)
        top = {key: value for key, value in self._tree.items() if key in TOP_KEYS}
        config = self._fill(Config, top, self._top)
        guard = self._fill(GuardRules, self._table("guard"), self._top / "guard")
        probes = self._fill(ProbeRules, self._table("probes"), self._top / "probes")
        web = self._fill(WebRules, self._table("web"), self._top / "web")
        parsers = self._parsers()
        sources = self._each("sources", self._source)
        sinks = self._each("sinks", self._sink)
        self._check(sinks, need)
        if not parsers and "sources" in need:
            self._check_labels_are_read(sources)
        if self._problems or config is None or guard is None or probes is None or web is None:
            raise ConfigError("\n".join(dict.fromkeys(self._problems)))
        return attrs.evolve(
            config,
            guard=guard,
            probes=probes,
            web=web,
            disabled_plugins=disabled_plugins,
            parsers=tuple(filter(None, parsers)),
            sources=sources,
            sinks=sinks,
            warnings=(
                *self._warnings,
                *web.warnings(),
                *unknown_variables(self._environ, self._kinds),
            ),
        )

    def _check(self, sinks: Mapping[str, SinkConfig], need: Collection[str]) -> None:
        """Check what only the whole shows: sources and sinks exist, and sinks name real sources."""
        for table, example in (("sources", "docker"), ("sinks", "consul")):
            if table in need and not self._tree.get(table):
                flag, name = f"--{table[:-1]} {example}", f"[{table}.{example}]"
                problem = f"no {table[:-1]} configured: pass {flag}, or add {name} to the"
                self._problem(self._top, f"{problem} configuration file")
        sources = self._table("sources")
        for sink in sinks.values():
            for name in sink.sources:
                if sources and name not in sources:
                    problem = f"no source {name!r}{did_you_mean(name, sources)}"
                    given = self._table("sinks", sink.name).get("sources")
                    self._problem(self._top / "sinks" / sink.name / "sources", problem, given)

    def _check_labels_are_read(self, sources: Mapping[str, SourceConfig]) -> None:
        """Refuse sources whose containers nobody would read: syncer would run and do nothing."""
        for name, source in sources.items():
            if not self._kinds.kind(SourceType, source.kind).needs_parser:
                continue
            if "order" in self._table("parsers"):
                where, advice = self._top / "parsers" / "order", "name one, or leave this out"
            else:
                where, advice = self._top / "sources" / name, _INSTALL_A_PARSER
            text = f"no container can be registered without a label parser: {advice}"
            self._problem(where, text)

    def _parsers(self) -> list[ParserConfig | None]:
        tables, where = self._table("parsers"), self._top / "parsers"
        top = {key: value for key, value in tables.items() if key in PARSER_KEYS}
        settings = self._fill(ParserSettings, top, where)
        order = self._kinds.names(LabelParser)
        if settings is not None and settings.order is not None:
            order = settings.order
        found: list[ParserConfig | None] = []
        for name in order:
            at = where / "order" if "order" in top else where / name
            kind = self._look_up(LabelParser, name, at, tables.get("order"))
            own, parser = self._table("parsers", name), ParserConfig(name=name)
            found.append(self._with_options(parser, kind, own, where / name))
        for name, table in tables.items():
            if name not in PARSER_KEYS and name not in order:
                known = did_you_mean(name, (*order, *PARSER_KEYS))
                self._problem(where / name, f"not among the label parsers in use{known}", table)
        return found

    def _source(self, name: str, table: Tree, where: KeyPath) -> SourceConfig | None:
        given = self._table("sources", name, "addresses")
        rules = self._fill(AddressRules, given, where / "addresses")
        own = {"name": name, "addresses": rules}
        return self._part(SourceConfig, SourceType, SOURCE_KEYS, table, where, own)

    def _sink(self, name: str, table: Tree, where: KeyPath) -> SinkConfig | None:
        return self._part(SinkConfig, SinkType, SINK_KEYS, table, where, {"name": name})

    def _part(
        self,
        part_class: type[P],
        role: type[SourceType | SinkType],
        keys: tuple[str, ...],
        table: Tree,
        where: KeyPath,
        own: Tree,
    ) -> P | None:
        common = {key: value for key, value in table.items() if key in keys and key not in own}
        part = self._fill(part_class, common, where, **own)
        if part is None:
            return None
        part = attrs.evolve(part, kind=part.kind or part.name)
        kind = self._look_up(role, part.kind, where / "kind", table.get("kind"))
        options = {key: value for key, value in table.items() if key not in keys}
        return self._with_options(part, kind, options, where, keys)

    def _with_options(
        self, part: A, kind: Kind | None, raw: Tree, where: KeyPath, other_keys: Iterable[str] = ()
    ) -> A | None:
        """Return the part with its kind's options filled; `None` if there is an error."""
        if kind is None:
            return None
        options = self._fill(kind.options, raw, where, other_keys)
        # Digests are taken before the kind reads the files: a later change is not missed.
        keys = digests(self._named(kind, raw, "secret", "watched"))
        watched = self._named(kind, raw, "watched")
        warn: Callable[[], Iterable[str]] = getattr(options, "warnings", tuple)
        self._warnings += map(where.say, warn())
        return attrs.evolve(part, options=options, key_files=keys, watched=watched)

    def _named(self, kind: Kind, raw: Tree, *marks: str) -> tuple[Path, ...]:
        found = files_of(kind.options, raw, self._environ, *marks)
        return tuple(Path(str(plain(name))) for name in found.values())

    def _each(self, what: str, make: Callable[[str, Tree, KeyPath], T | None]) -> dict[str, T]:
        found: dict[str, T] = {}
        for name, table in self._table(what).items():
            where = self._top / what / name
            problem = bad_name(name) or ("" if isinstance(table, Mapping) else "must be a table")
            if problem:
                self._problem(where, problem, table)
            elif (part := make(name, dict(table), where)) is not None:
                found[name] = part
        return found

    def _table(self, *keys: str) -> Tree:
        """Return the table at this path, empty if there is none; anything else is an error."""
        found: Any = self._tree
        where = self._top
        for key in keys:
            found, where = found.get(key, {}), where / key
            if not isinstance(found, Mapping):
                self._problem(where, "must be a table", found)
                return {}
        return dict(found)

    def _fill(
        self, options: type[T], raw: Tree, where: KeyPath, others: Iterable[str] = (), **own: Any
    ) -> T | None:
        """Return the filled class, or `None` if there is an error in it."""
        try:
            filled = fill(options, raw, where=where, env=self._environ, other_keys=others, **own)
        except ConfigError as error:
            self._problems.append(str(error))
            return None
        self._warnings += exposed(options, raw, where, self._path, self._environ)
        return filled

    def _look_up(self, role: type[K], name: str, where: KeyPath, given: Any) -> K | None:
        try:
            return self._kinds.kind(role, name)
        except ConfigError as error:
            self._problem(where, str(error), given)
            return None

    def _problem(self, where: KeyPath, text: str, given: Any = None) -> None:
        self._problems.append(where.say(text, origin_of(given)))
