"""The settings of syncer itself, table by table, and the frozen `Config` that they make.

Options of a kind are not known here: they stay as they were given until the kind's own options
class is filled with them.
"""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs

from syncer.api.fields import EMPTY, as_tuple, filled, frozen_map
from syncer.api.model import Status
from syncer.api.options import Secret, format_duration, option
from syncer.api.text import did_you_mean
from syncer.config.files import Digests
from syncer.config.fill import OWN
from syncer.config.web_rules import WebRules
from syncer.desired.addresses import AddressRules
from syncer.desired.filters import Filter
from syncer.engine.probes.rules import ProbeRules
from syncer.plan.guard import GuardRules

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_Validator = Callable[[Any, "attrs.Attribute[Any]", Any], None]


def bad_name(name: object) -> str:
    """Why this cannot be the name of a source, sink, parser or kind; "" if it can."""
    if isinstance(name, str) and _NAME.fullmatch(name):
        return ""
    return "names begin with a letter or digit and go on with these, '_', '.' and '-'"


def _one_of(*words: str) -> _Validator:
    def check(instance: object, attribute: "attrs.Attribute[Any]", value: str) -> None:
        if value not in words:
            hint = did_you_mean(value, words)
            raise ValueError(f"must be one of {', '.join(words)}, not {value!r}{hint}")

    return check


def _lasting(least: float, most: float) -> _Validator:
    def check(instance: object, attribute: "attrs.Attribute[Any]", value: timedelta) -> None:
        if not least <= value.total_seconds() <= most:
            bounds = f"{format_duration(least)} to {format_duration(most)}"
            raise ValueError(f"must be {bounds}, not {format_duration(value)}")

    return check


def _patterns(instance: object, attribute: "attrs.Attribute[Any]", value: tuple[str, ...]) -> None:
    Filter(include=value)


def _name_patterns(
    instance: object, attribute: "attrs.Attribute[Any]", value: tuple[str, ...]
) -> None:
    Filter(allow_names=value)


def _named(instance: object, attribute: "attrs.Attribute[Any]", value: tuple[str, ...]) -> None:
    if twice := [name for name in value if value.count(name) > 1]:
        raise ValueError(f"names {twice[0]!r} twice")


def _not_up(instance: object, attribute: "attrs.Attribute[Any]", value: tuple[Status, ...]) -> None:
    if Status.UP in value:
        raise ValueError("up is what is listed always")


@attrs.frozen(kw_only=True)
class PluginSettings:
    """The table `plugins`."""

    disable: tuple[str, ...] = option(
        (),
        help="Entry-point names of plugins that are not loaded; the variable adds to the file",
        env=("SYNCER_DISABLE_PLUGINS",),
    )


@attrs.frozen(kw_only=True)
class ParserSettings:
    """The table `parsers`, beside a table for each parser's own options."""

    order: tuple[str, ...] | None = option(
        None,
        help="Label parsers to ask, first to last; unset: all that are installed, by name",
        validator=attrs.validators.optional(_named),
    )


def _own(default: Any = attrs.NOTHING, **more: Any) -> Any:
    """Return a field that is not an option: syncer sets it."""
    if isinstance(default, type):
        default = attrs.Factory(default)
    return attrs.field(default=default, metadata={OWN: True}, **more)


@attrs.frozen(kw_only=True)
class _Part:
    """What sources, sinks and label parsers have in common.

    `options` is the kind's own options class, filled. `key_files` has a digest of each file with
    a secret that the kind reads by itself: a changed file makes the part another one.
    """

    name: str = _own()
    options: Any = _own(None, repr=False)
    key_files: Digests = _own(EMPTY, converter=frozen_map, repr=False)


@attrs.frozen(kw_only=True)
class ParserConfig(_Part):
    """A label parser with its options."""


@attrs.frozen(kw_only=True)
class SourceConfig(_Part):
    """A configured source: settings that every kind has, and the options of its kind."""

    kind: str = option("", help="Kind of source; unset: the configured name")
    former_scopes: tuple[str, ...] = option(
        (), help="Earlier names of this host, whose registrations are ours too"
    )
    include: tuple[str, ...] = option(
        (),
        help="Only what fits one: name:, image:, service:, tag:GLOB, label:KEY, label:KEY=GLOB",
        validator=_patterns,
    )
    exclude: tuple[str, ...] = option(
        (), help="Workloads to leave out, in the same form", validator=_patterns
    )
    allow_names: tuple[str, ...] = option(
        (),
        help="Service names that may be registered: patterns, case does not count; empty: any",
        validator=_name_patterns,
    )
    deny_names: tuple[str, ...] = option(
        (),
        help="Service names that may not be registered, in the same form",
        validator=_name_patterns,
    )
    healthcheck: str = option(
        "mirror",
        help="The runtime's own health checks: mirror them in the registry, or ignore them",
        validator=_one_of("mirror", "ignore"),
    )
    addresses: AddressRules = _own(AddressRules)


@attrs.frozen(kw_only=True)
class SinkConfig(_Part):
    """A configured sink: settings that every kind has, and the options of its kind."""

    kind: str = option("", help="Kind of sink; unset: the configured name")
    policy: str = option(
        "sync",
        help="Allowed changes: sync (all), upsert-only (no removals), create-only",
        validator=_one_of("sync", "upsert-only", "create-only"),
    )
    sources: tuple[str, ...] = option(
        (), help="Configured sources whose services go here; empty: all", validator=_named
    )
    withhold: tuple[Status, ...] = option(
        (),
        help="In these statuses instances are not listed: starting, unhealthy, paused, draining",
        validator=_not_up,
    )
    lock: str = option(
        "", help="Name of a lock in the registry: of the syncers that name it one writes here"
    )
    lock_ttl: timedelta = option(
        timedelta(seconds=15),
        help="How soon another takes over from one that is gone, 10s to 10m",
        validator=_lasting(10, 600),
    )
    keep_last: bool = option(
        False, help="Whether the last instance of a service that is up stays so while it lives"
    )
    adopt: tuple[str, ...] = option(
        (),
        help="Take over unmarked entries HOST:WORKLOAD:PORT that are wanted: of own (this host),"
        " same (any random HOST, with the same service, address and port), or names of hosts",
        validator=_named,
    )
    adopt_gone: bool = option(
        False, help="Remove entries of the hosts in adopt that no workload offers any more"
    )


@attrs.frozen(kw_only=True)
class Config:
    """All settings of one syncer; the options are the keys at the top of the file.

    `warnings` are for people: what works, but should be changed.
    """

    owner: str = option(
        "syncer", help="Who we are: only registrations with this mark are ours", validator=filled
    )
    interval: timedelta = option(
        timedelta(seconds=30),
        help="Time between full reads of every source and sink, 0.1s to 24h",
        validator=_lasting(0.1, 86_400),
    )
    on_exit: str = option(
        "keep",
        help="What becomes of our registrations at a regular end: keep or deregister",
        validator=_one_of("keep", "deregister"),
    )
    shutdown_timeout: timedelta = option(
        timedelta(seconds=10),
        help="How long running work may take at the end, 0s to 1h",
        validator=_lasting(0, 3600),
    )
    reload: str = option(
        "auto",
        help="When a running syncer reads the file again: auto (it changes, or SIGHUP), or signal",
        validator=_one_of("auto", "signal"),
    )
    guard: GuardRules = _own(GuardRules)
    probes: ProbeRules = _own(ProbeRules)
    web: WebRules = _own(WebRules)
    disabled_plugins: tuple[str, ...] = _own((), converter=as_tuple)
    parsers: tuple[ParserConfig, ...] = _own((), converter=as_tuple)
    sources: Mapping[str, SourceConfig] = _own(EMPTY, converter=frozen_map)
    sinks: Mapping[str, SinkConfig] = _own(EMPTY, converter=frozen_map)
    warnings: tuple[str, ...] = _own((), converter=as_tuple, eq=False)

    @property
    def key_files(self) -> frozenset[Path]:
        """The files with secrets that kinds read by themselves."""
        parts = (*self.parsers, *self.sources.values(), *self.sinks.values())
        return frozenset(path for part in parts for path in part.key_files)


def asks_same(one: SourceConfig | SinkConfig, other: SourceConfig | SinkConfig) -> bool:
    """Whether both are of the same kind with the same options. Secrets may differ."""
    return one.kind == other.kind and _without_secrets(one.options) == _without_secrets(
        other.options
    )


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
