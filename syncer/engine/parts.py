"""What an engine is made of: sources and sinks, each with what the configuration says of it."""

from collections.abc import Collection, Mapping
from typing import Protocol

import attrs

from syncer.api.checks import CheckResult, Probe
from syncer.api.contracts import Sink, Source
from syncer.api.errors import ConfigError
from syncer.api.fields import as_frozenset
from syncer.api.model import Status
from syncer.desired.addresses import AddressRules
from syncer.desired.filters import Filter
from syncer.engine.election import Lock
from syncer.plan.adjust import Translate
from syncer.plan.adoption import Adoption


@attrs.frozen(kw_only=True)
class SourcePart:
    """A source with what the configuration says of it."""

    source: Source
    rules: AddressRules = attrs.Factory(AddressRules)
    filter: Filter = attrs.Factory(Filter)
    mirror_health: bool = True
    former_scopes: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class SinkPart:
    """A sink with what the configuration says of it. `sources` empty: all of them.

    `withhold` are the statuses in which instances are not listed. With `keep_last` the last
    instance of a service that is up stays so while it lives. `lock` decides between several syncers
    which one writes. `adoption` says which entries without a mark are taken over.
    """

    sink: Sink
    policy: str = "sync"
    sources: tuple[str, ...] = ()
    withhold: frozenset[Status] = attrs.field(default=frozenset(), converter=as_frozenset)
    keep_last: bool = False
    translate: Translate | None = None
    lock: Lock | None = None
    adoption: Adoption = attrs.Factory(Adoption)


def source_part(source: Source | SourcePart) -> SourcePart:
    """The source, with the defaults if nothing is said of it."""
    return source if isinstance(source, SourcePart) else SourcePart(source=source)


def sink_parts(
    sinks: Mapping[str, Sink | SinkPart], sources: Collection[str]
) -> dict[str, SinkPart]:
    """The sinks, with the defaults where nothing is said. Raises ConfigError for what cannot be."""
    parts: dict[str, SinkPart] = {}
    for name, sink in sinks.items():
        part = sink if isinstance(sink, SinkPart) else SinkPart(sink=sink)
        if unknown := [source for source in part.sources if source not in sources]:
            text = f"there is no source {', '.join(unknown)}"
            raise ConfigError(f"sinks.{name}.sources: {text}")
        if part.lock:
            _expect_own_lock(name, part.sink, part.lock, parts)
        parts[name] = part
    return parts


def _expect_own_lock(name: str, sink: Sink, lock: Lock, others: Mapping[str, SinkPart]) -> None:
    where = f"sinks.{name}.lock"
    if sink.locks is None:
        raise ConfigError(f"{where}: this kind of sink has no locks")
    for other, part in others.items():
        if part.lock and part.lock.name == lock.name:
            # In one registry the second would wait for the first for ever.
            text = f"{lock.name!r} is the lock of sink {other} already: each needs its own"
            raise ConfigError(f"{where}: {text}")


class Prober(Protocol):
    """What runs the probes of all sinks; `want` replaces what one sink wants."""

    def want(self, who: str, probes: Collection[Probe]) -> None:
        """From now on probe these for `who`, and nothing else."""

    def result(self, probe: Probe) -> CheckResult | None:
        """What is known of a probe that is wanted; None: nothing yet."""


class NoProber:
    """For a sink whose checks are never syncer's to run."""

    def want(self, who: str, probes: Collection[Probe]) -> None:
        """Nothing is probed."""

    def result(self, probe: Probe) -> CheckResult | None:
        """Nothing is known."""
