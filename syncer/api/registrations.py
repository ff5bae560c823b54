"""The values that sinks hold: instances, each with a mark that names its owner.

An `Offer` with its final address is an `Instance`, the unit that is registered and compared.
"""

import hashlib
import json
from collections.abc import Mapping
from enum import Enum
from typing import Any

import attrs

from syncer.api.checks import Check, Native
from syncer.api.fields import (
    EMPTY,
    PORT,
    as_frozenset,
    as_tuple,
    bracketed,
    canonical_address,
    filled,
    frozen_map,
    unique,
    within,
    writable,
)
from syncer.api.keys import Place, WorkloadKey
from syncer.api.workloads import Status

#: The key of `Instance.meta` under which sinks keep the status of instances that are not up, if
#: the registry itself has no status.
STATUS_KEY = "syncer-status"
#: Made once: making it takes longer than to encode an instance.
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


@attrs.frozen(kw_only=True)
class Origin:
    """The source and workload of an instance; `name` is for display."""

    source: str
    workload: str
    name: str = ""


@attrs.frozen(kw_only=True)
class Instance:
    """One address and port of a service: the unit that is registered, compared and owned.

    Equality covers the fields that a registry keeps. It ignores `status`, which is reported by
    `Sink.report` or written by `Sink.adjust`, `origin`, which is in the mark, `problems`, which
    lists unsupported requests, `by_labels`, `given_id` and `own_ports`. Tags are compared as a set,
    but keep their order. Port 0 means that the service has no port.
    """

    id: str = attrs.field(validator=filled)
    service: str = attrs.field(validator=filled)
    address: str = attrs.field(converter=canonical_address, validator=filled)
    port: int = attrs.field(default=0, validator=PORT)
    protocol: str = "tcp"
    tags: tuple[str, ...] = attrs.field(default=(), converter=unique, eq=frozenset)
    meta: Mapping[str, str] = attrs.field(default=EMPTY, converter=frozen_map)
    #: As the user asked for them; `Native` once a check translator has seen them.
    checks: tuple[Check | Native, ...] = attrs.field(default=(), converter=as_tuple)
    weight: int | None = attrs.field(default=None, validator=within(0, 65535))
    warning_weight: int | None = attrs.field(default=None, validator=within(0, 65535))
    tag_override: bool = False
    status: Status = attrs.field(default=Status.UP, eq=False)
    origin: Origin | None = attrs.field(default=None, eq=False)
    #: Whether the workload's labels chose the address or the port.
    by_labels: bool = attrs.field(default=False, eq=False)
    #: Whether labels, or the source, chose the id: it is not one that syncer makes of the workload.
    given_id: bool = attrs.field(default=False, eq=False)
    #: The ports of its address that are the workload's; `None`: all, as the address is its own.
    own_ports: frozenset[int] | None = attrs.field(default=None, eq=False)
    problems: tuple[str, ...] = attrs.field(default=(), converter=as_tuple, eq=False)

    @property
    def place(self) -> Place:
        """Address and port, for comparison."""
        return Place(self.address, self.port)

    @property
    def endpoint(self) -> str:
        """Address and port for display, IPv6 in brackets."""
        return f"{bracketed(self.address)}:{self.port}"

    @property
    def shown_status(self) -> str:
        """The status that consumers see: one kept in `meta` hides that of the registry itself."""
        return self.meta.get(STATUS_KEY, self.status.value)

    def digest(self) -> str:
        """Return a fingerprint of all fields that a user can set: 32 hexadecimal digits.

        Fields with their default value are left out, so a field that a later version adds
        changes no digest until it is set.
        """
        text = _ENCODER.encode(_described(self))
        return hashlib.sha256(text.encode()).hexdigest()[:32]


@attrs.frozen
class FoundAs:
    """The names and the addresses under which consumers find an instance in one sink."""

    names: frozenset[str] = attrs.field(converter=as_frozenset)
    addresses: frozenset[str] = attrs.field(converter=as_frozenset)


def _described(value: Any) -> Any:
    """Return the value as JSON types, without fields that have their default value."""
    if isinstance(value, str):  # most are, and the abstract class below is slow to ask
        return value
    if isinstance(value, Mapping):
        return {key: _described(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_described(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)  # 10.0 equals 10, so their digests must be equal
    if not attrs.has(type(value)):
        return value
    found = {}
    for field in attrs.fields(type(value)):
        item = getattr(value, field.name)
        if field.eq and item != field.default:
            found[field.name] = sorted(item) if field.name == "tags" else _described(item)
    return found


@attrs.frozen(kw_only=True)
class Mark:
    """The owner and origin of an entry, stored with it in the sink.

    `via` names the registry that it was mirrored from: such an entry is never mirrored again, so
    no loop can arise. `hold` keeps an operator's request (`drain`) for as long as the workload
    lives. `identity` tells sources of one scope apart; it is empty if the source has none. A sink
    stores `fields()` without interpreting them, so a later version can add one without a change
    to any plugin.
    """

    owner: str = attrs.field(validator=[filled, writable])
    scope: str = attrs.field(validator=[filled, writable])
    source: str = attrs.field(validator=[filled, writable])
    workload: str = attrs.field(validator=[filled, writable])
    digest: str = attrs.field(validator=[filled, writable])
    via: str = attrs.field(default="", validator=writable)
    hold: str = attrs.field(default="", validator=writable)
    identity: str = attrs.field(default="", validator=writable)

    @property
    def home(self) -> tuple[str, str]:
        """Scope and identity: two hosts may share a scope, but not a lease."""
        return self.scope, self.identity

    @property
    def key(self) -> WorkloadKey:
        """The workload that the entry comes from."""
        return WorkloadKey(self.source, self.workload)

    def fields(self) -> dict[str, str]:
        """Return the mark as text by field name, without empty fields."""
        return {name: text for name, text in attrs.asdict(self).items() if text}

    @classmethod
    def from_fields(cls, fields: Mapping[str, str]) -> "Mark | None":
        """Return the stored mark. `None` if these fields are not a complete mark.

        Unknown fields, which a later version may have written, are ignored.
        """
        try:
            names = {f.name for f in attrs.fields(cls)}
            return cls(**{name: fields[name] for name in names & fields.keys()})
        except Exception:  # noqa: BLE001 - others may write anything
            return None


@attrs.frozen(kw_only=True)
class Registration:
    """An entry of a sink: an instance and its mark. Without a mark it is not syncer's.

    `version` is the sink's token for compare-and-set; equality ignores it. `damaged` describes a
    fault that the fields of the instance cannot show. `failing` is the name and output of the
    registry's own check that keeps it from being up, for people; equality ignores it, too.
    """

    instance: Instance
    mark: Mark | None = None
    version: str = attrs.field(default="", eq=False)
    damaged: str = ""
    failing: str = attrs.field(default="", eq=False)

    @property
    def id(self) -> str:
        """The id of the entry."""
        return self.instance.id

    @property
    def up(self) -> bool:
        """Whether consumers find it as an instance that can be used."""
        return self.instance.status is Status.UP and STATUS_KEY not in self.instance.meta


class Unhealthy(str, Enum):
    """The treatment of instances that are not up: the values of a sink's option `unhealthy`."""

    KEEP = "keep"
    DROP = "drop"


def with_status(instance: Instance, unhealthy: Unhealthy) -> Instance | None:
    """Return the instance for a registry that has no status of its own.

    A status other than up is kept in `meta` under `STATUS_KEY`, so that its changes are seen.
    `None` if such an instance is to be dropped.
    """
    if instance.status is Status.UP:
        return instance
    if unhealthy is Unhealthy.DROP:
        return None
    meta = {**instance.meta, STATUS_KEY: instance.status.value}
    return attrs.evolve(instance, meta=meta)
