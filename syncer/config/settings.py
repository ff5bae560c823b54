"""syncer's own settings, table by table, and the frozen `Config` that they make."""

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol, TypeVar

import attrs

from syncer.api.fields import EMPTY, as_tuple, filled, frozen_map, one_of, within
from syncer.api.kinds import MOST_INSTANCES, LabelParser, SinkType, SourceType
from syncer.api.options import Secret, option
from syncer.api.workloads import Status
from syncer.config.files import Digests
from syncer.config.fill import OWN
from syncer.config.web_rules import WebRules
from syncer.desired.addresses import AddressRules
from syncer.desired.filters import Filter
from syncer.desired.translate import ANY as ANY_IDS
from syncer.desired.translate import OWN as OWN_IDS
from syncer.engine.probes.rules import ProbeRules
from syncer.plan.guard import GuardRules

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def bad_name(name: object) -> str:
    """Return why this is not a valid name of a source, sink, parser or kind; "" if it is."""
    if isinstance(name, str) and _NAME.fullmatch(name):
        return ""
    return "invalid name: use letters, digits, '_', '.' and '-', beginning with a letter or digit"


def _patterns(instance: object, attribute: "attrs.Attribute[Any]", value: Any) -> None:
    Filter(**{attribute.name: value})


def _no_duplicates(instance: object, attribute: "attrs.Attribute[Any]", value: Any) -> None:
    if twice := [name for name in value or () if value.count(name) > 1]:
        raise ValueError(f"names {twice[0]!r} twice")


def _not_up(instance: object, attribute: "attrs.Attribute[Any]", value: tuple[Status, ...]) -> None:
    if Status.UP in value:
        raise ValueError("up cannot be withheld: such instances are always listed")


@attrs.frozen(kw_only=True)
class PluginSettings:
    """The table `plugins`."""

    disable: tuple[str, ...] = option(
        (),
        help="Entry-point names of plugins to disable; the variable adds to the list in the file",
        env=("SYNCER_DISABLE_PLUGINS",),
    )


@attrs.frozen(kw_only=True)
class ParserSettings:
    """The keys of the table `parsers`; it also has a table for each parser's own options."""

    order: tuple[str, ...] | None = option(
        None,
        help="Label parsers in order of precedence; unset: all installed ones, by name",
        validator=_no_duplicates,
    )


def _own(default: Any = attrs.NOTHING, **more: Any) -> Any:
    """Return a field that syncer sets itself: it is not an option."""
    if isinstance(default, type):
        default = attrs.Factory(default)
    return attrs.field(default=default, metadata={OWN: True}, **more)


@attrs.frozen(kw_only=True)
class _PartConfig:
    """Settings shared by sources, sinks and label parsers.

    `options` is the kind's own options class, filled. `key_files` has a digest of each file with
    a secret or certificates that the kind reads by itself: a changed file makes the part another
    one. `watched` are those of them whose change asks for a reload.
    """

    name: str = _own()
    options: Any = _own(None, repr=False)
    key_files: Digests = _own(EMPTY, converter=frozen_map, repr=False)
    watched: tuple[Path, ...] = _own((), converter=as_tuple, repr=False)


@attrs.frozen(kw_only=True)
class ParserConfig(_PartConfig):
    """A configured label parser."""


@attrs.frozen(kw_only=True)
class SourceConfig(_PartConfig):
    """A configured source: the settings that all kinds share, and the options of its kind."""

    kind: str = option("", help="Kind of source; by default the table's name")
    former_scopes: tuple[str, ...] = option(
        (), help="Former names of this host: their entries are managed as this host's own"
    )
    former_identities: tuple[str, ...] = option(
        (), help="Former identities of this engine or cluster: their entries are its own; *: any"
    )
    include: tuple[str, ...] = option(
        (),
        help="Include only what matches name:, image:, service:, tag:GLOB, label:KEY[=GLOB]",
        validator=_patterns,
    )
    exclude: tuple[str, ...] = option(
        (), help="Exclude what matches one of these patterns, in the same form", validator=_patterns
    )
    allow_names: tuple[str, ...] = option(
        (),
        help="Service names that may be registered: patterns, ignoring case; empty: any",
        validator=_patterns,
    )
    deny_names: tuple[str, ...] = option(
        (), help="Service names that must not be registered, in the same form", validator=_patterns
    )
    ids: str = option(
        OWN_IDS,
        help="Ids that labels may choose: own (none of the form HOST:WORKLOAD:PORT of another"
        " workload), or any",
        validator=one_of(OWN_IDS, ANY_IDS),
    )
    healthcheck: str = option(
        "mirror",
        help="The runtime's own health checks: mirror them to the registry, or ignore them",
        validator=one_of("mirror", "ignore"),
    )
    one_offs: bool = option(
        False, help="Register one-off containers (docker compose run) without being asked to"
    )
    most_instances: int = option(
        MOST_INSTANCES,
        help="How many instances of one workload are registered, 1 to 65535",
        validator=within(1, 65535),
    )
    addresses: AddressRules = _own(AddressRules)


@attrs.frozen(kw_only=True)
class SinkConfig(_PartConfig):
    """A configured sink: the settings that all kinds share, and the options of its kind."""

    kind: str = option("", help="Kind of sink; by default the table's name")
    policy: str = option(
        "sync",
        help="Allowed changes: sync (all), upsert-only (no removals), create-only",
        validator=one_of("sync", "upsert-only", "create-only"),
    )
    sources: tuple[str, ...] = option(
        (), help="Sources registered in this sink; empty: all", validator=_no_duplicates
    )
    withhold: tuple[Status, ...] = option(
        (),
        help="Do not list instances in these statuses: starting, unhealthy, paused, draining",
        validator=_not_up,
    )
    lock: str = option(
        "", help="Name of a lock in the registry: of all syncers that use it, one at a time writes"
    )
    lock_ttl: timedelta = option(
        timedelta(seconds=15),
        help="How soon another syncer takes over when the lock's holder dies, 10s to 10m",
        validator=within(10, 600),
    )
    keep_last: bool = option(
        False, help="Keep the last instance of a service listed as up while its workload runs"
    )
    adopt: tuple[str, ...] = option(
        (),
        help="Take over unmarked entries HOST:WORKLOAD:PORT of own (this host), same (any random"
        " HOST, with the same service, address and port), or named hosts",
        validator=_no_duplicates,
    )
    adopt_gone: bool = option(
        False, help="Also remove entries of the hosts in adopt that no workload offers any more"
    )


@attrs.frozen(kw_only=True)
class Config:
    """All settings of one syncer; the options are the keys at the top of the file."""

    owner: str = option(
        "syncer",
        help="Owner name stored in each entry; only entries with this owner are managed",
        validator=filled,
    )
    interval: timedelta = option(
        timedelta(seconds=30),
        help="Time between full reads of every source and sink, 0.1s to 24h",
        validator=within(0.1, 86_400),
    )
    on_exit: str = option(
        "keep",
        help="What to do with entries on shutdown: keep or deregister",
        validator=one_of("keep", "deregister"),
    )
    shutdown_timeout: timedelta = option(
        timedelta(seconds=10),
        help="How long to wait for running work on shutdown, 0s to 1h",
        validator=within(0, 3600),
    )
    reload: str = option(
        "auto",
        help="When to reload the file: auto (when it changes, or on SIGHUP), or signal (on SIGHUP)",
        validator=one_of("auto", "signal"),
    )
    guard: GuardRules = _own(GuardRules)
    probes: ProbeRules = _own(ProbeRules)
    web: WebRules = _own(WebRules)
    disabled_plugins: tuple[str, ...] = _own((), converter=as_tuple)
    parsers: tuple[ParserConfig, ...] = _own((), converter=as_tuple)
    sources: Mapping[str, SourceConfig] = _own(EMPTY, converter=frozen_map)
    sinks: Mapping[str, SinkConfig] = _own(EMPTY, converter=frozen_map)
    #: For people: what works, but should be changed.
    warnings: tuple[str, ...] = _own((), converter=as_tuple, eq=False)

    @property
    def key_files(self) -> frozenset[Path]:
        """The files with secrets or certificates that kinds read by themselves."""
        return frozenset(path for part in self._parts for path in part.key_files)

    @property
    def watched(self) -> tuple[Path, ...]:
        """Those of them whose change asks for a reload."""
        return tuple(path for part in self._parts for path in part.watched)

    @property
    def _parts(self) -> tuple[_PartConfig, ...]:
        return (*self.parsers, *self.sources.values(), *self.sinks.values())


UriKind = SourceType | SinkType
#: A kind that has options.
Kind = UriKind | LabelParser
#: The kinds that have options, by the table that configures them.
KINDS: Mapping[str, type[Kind]] = {
    "sources": SourceType,
    "sinks": SinkType,
    "parsers": LabelParser,
}
K = TypeVar("K", bound=Kind)
U = TypeVar("U", bound=UriKind)


class KindLookup(Protocol):
    """The look-ups of kinds that a configuration needs. Each raises ConfigError or PluginError."""

    def kind(self, role: type[K], name: str) -> K:
        """Return the kind of this role, e.g. `SinkType`, and name."""

    def by_scheme(self, role: type[U], uri: str) -> U:
        """Return the kind of this role for this URI."""

    def names(self, role: type[K]) -> tuple[str, ...]:
        """Return the names of all kinds of this role."""


def asks_same(one: SourceConfig | SinkConfig, other: SourceConfig | SinkConfig) -> bool:
    """Whether both are of the same kind with the same options. Secrets may differ."""
    mine, theirs = _without_secrets(one.options), _without_secrets(other.options)
    return (one.kind, mine) == (other.kind, theirs)


def _without_secrets(options: Any) -> list[Any]:
    values = (getattr(options, field.name) for field in attrs.fields(type(options)))
    return [value for value in values if not isinstance(value, Secret)]


def _keys(table: type) -> tuple[str, ...]:
    return tuple(field.name for field in attrs.fields(table) if OWN not in field.metadata)


#: Keys that the tables of sources and sinks have in addition to the options of the kind.
SOURCE_KEYS = (*_keys(SourceConfig), "addresses")
SINK_KEYS = _keys(SinkConfig)
PARSER_KEYS = _keys(ParserSettings)
#: Keys and tables at the top of the file.
TOP_KEYS = _keys(Config)
TABLES = ("guard", "probes", "web", "plugins", "parsers", "sources", "sinks")
