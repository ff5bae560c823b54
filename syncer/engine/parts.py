"""The parts of an engine: sources and sinks, each with its configuration."""

from collections.abc import Collection, Mapping

import attrs

from syncer.api.contracts import Sink, Source
from syncer.api.errors import ConfigError
from syncer.api.fields import as_frozenset
from syncer.api.kinds import MOST_INSTANCES
from syncer.api.workloads import Status
from syncer.desired.addresses import AddressRules
from syncer.desired.filters import Filter
from syncer.desired.translate import OWN
from syncer.engine.election import Lock
from syncer.plan.adjust import Translate
from syncer.plan.adoption import Adoption


@attrs.frozen(kw_only=True)
class SourcePart:
    """A source with its configuration."""

    source: Source
    rules: AddressRules = attrs.Factory(AddressRules)
    filter: Filter = attrs.Factory(Filter)
    mirror_health: bool = True
    one_offs: bool = False
    most_instances: int = MOST_INSTANCES
    former_scopes: tuple[str, ...] = ()
    former_identities: tuple[str, ...] = ()
    ids: str = OWN

    @classmethod
    def of(cls, source: "Source | SourcePart") -> "SourcePart":
        """Return the part of a source, with the defaults if it comes without a configuration."""
        return source if isinstance(source, SourcePart) else cls(source=source)


@attrs.frozen(kw_only=True)
class SinkPart:
    """A sink with its configuration. Empty `sources` mean all of them.

    Instances are not listed in a status of `withhold`. With `keep_last` the last instance of a
    service that is up stays so while its workload lives. The holder of `lock` is the only one of
    several syncers that writes. `adoption` says which entries without a mark are taken over.
    """

    sink: Sink
    policy: str = "sync"
    sources: tuple[str, ...] = ()
    withhold: frozenset[Status] = attrs.field(default=frozenset(), converter=as_frozenset)
    keep_last: bool = False
    translate: Translate | None = None
    lock: Lock | None = None
    adoption: Adoption = attrs.Factory(Adoption)

    @classmethod
    def of(cls, sink: "Sink | SinkPart") -> "SinkPart":
        """Return the part of a sink, with the defaults if it comes without a configuration."""
        return sink if isinstance(sink, SinkPart) else cls(sink=sink)


def check_parts(parts: Mapping[str, SinkPart], sources: Collection[str]) -> None:
    """Raise ConfigError for an unknown source, and for a lock that cannot be taken."""
    locks: dict[str, str] = {}
    for name, part in parts.items():
        if unknown := [source for source in part.sources if source not in sources]:
            raise ConfigError(f"sinks.{name}.sources: there is no source {', '.join(unknown)}")
        if part.lock is None:
            continue
        if part.sink.locks is None:
            raise ConfigError(f"sinks.{name}.lock: this kind of sink has no locks")
        if other := locks.get(part.lock.name):
            # In one registry the second sink would wait for the first for ever.
            text = f"{part.lock.name!r} is the lock of sink {other} already: each needs its own"
            raise ConfigError(f"sinks.{name}.lock: {text}")
        locks[part.lock.name] = name
