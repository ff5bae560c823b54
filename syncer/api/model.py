"""The values that everything else passes around, all frozen.

A `Workload` is described by a runtime. Label parsers find `Offer`s on it. An offer with its final
address is an `Instance`, the unit that is registered and compared. A sink lists `Registration`s:
instances with a `Mark` that names the owner.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any, Generic, TypeVar

import attrs

from syncer.api.checks import Check, Native
from syncer.api.fields import (
    EMPTY,
    PORT,
    as_frozenset,
    as_tuple,
    bracketed,
    canonical_address,
    clean,
    filled,
    frozen_map,
    unique,
    within,
    writable,
)
from syncer.api.keys import Place, WorkloadKey

T = TypeVar("T")


class State(str, Enum):
    """The state of a workload."""

    CREATED = "created"
    RUNNING = "running"
    PAUSED = "paused"
    #: A stop signal was sent and the workload still runs.
    STOPPING = "stopping"
    RESTARTING = "restarting"
    EXITED = "exited"
    DEAD = "dead"

    @property
    def offered(self) -> bool:
        """Whether a workload in this state offers its services, perhaps with a status."""
        return self in (State.RUNNING, State.PAUSED, State.STOPPING)


class Health(str, Enum):
    """The result of the runtime's own health check."""

    STARTING = "starting"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"


#: The key of `Instance.meta` under which sinks keep the status of instances that are not up, if
#: the registry itself has no status.
STATUS_KEY = "syncer-status"


class Status(str, Enum):
    """Whether an instance can be used; sinks translate it into their registry's words."""

    UP = "up"
    STARTING = "starting"
    UNHEALTHY = "unhealthy"
    PAUSED = "paused"
    DRAINING = "draining"


@attrs.frozen(kw_only=True)
class Binding:
    """A host address and port that a container's port is published on.

    `0.0.0.0` is every IPv4 address, `::` every IPv6 address, "" is every address.
    """

    address: str = attrs.field(default="", converter=canonical_address)
    port: int = attrs.field(validator=within(1, 65535))


@attrs.frozen(kw_only=True)
class Port:
    """A port that the workload listens on, with its bindings on the host, if any."""

    number: int = attrs.field(validator=within(1, 65535))
    protocol: str = "tcp"
    bindings: tuple[Binding, ...] = attrs.field(default=(), converter=as_tuple)


@attrs.frozen(kw_only=True)
class Network:
    """The workload's addresses in one network; empty if it has none of that family.

    `direct` means that the network publishes no ports, and that clients of other hosts reach these
    addresses (macvlan).
    """

    name: str
    ipv4: str = attrs.field(default="", converter=canonical_address)
    ipv6: str = attrs.field(default="", converter=canonical_address)
    direct: bool = False


@attrs.frozen(kw_only=True)
class Host:
    """The host that a source's workloads run on.

    `addresses` maps interface names to their addresses, in the system's order.
    `default_address` is the source address of packets along the default route. Both are empty if
    the source cannot know them (a remote engine). `names` are the host names that may be
    advertised; no source sets it.
    """

    name: str
    addresses: Mapping[str, tuple[str, ...]] = attrs.field(default=EMPTY, converter=frozen_map)
    default_address: str = attrs.field(default="", converter=canonical_address)
    names: frozenset[str] = attrs.field(default=frozenset(), converter=as_frozenset)


@attrs.frozen(kw_only=True)
class Offer:
    """A service that a label parser found on a workload, before it has an address.

    `port` is the workload's own port. `register_address` and `register_port` take precedence over
    the address rules. `internal` asks for the container's address (`None` if as configured),
    `network` chooses the network. `because` says where the offer comes from, for display; equality
    ignores it.
    """

    service: str = attrs.field(validator=filled)
    port: int = attrs.field(default=0, validator=PORT)
    protocol: str = "tcp"
    id: str = attrs.field(default="", validator=clean)
    register_address: str = attrs.field(default="", converter=canonical_address, validator=clean)
    register_port: int | None = attrs.field(default=None, validator=PORT)
    internal: bool | None = None
    network: str = ""
    tags: tuple[str, ...] = attrs.field(default=(), converter=unique)
    meta: Mapping[str, str] = attrs.field(default=EMPTY, converter=frozen_map)
    checks: tuple[Check, ...] = attrs.field(default=(), converter=as_tuple)
    weight: int | None = attrs.field(default=None, validator=within(0, 65535))
    warning_weight: int | None = attrs.field(default=None, validator=within(0, 65535))
    #: Whether tags that others change in the registry are kept.
    tag_override: bool = False
    #: Whether the runtime's own health check is shown in the registry.
    mirror_health: bool = True
    because: str = attrs.field(default="", eq=False)


@attrs.frozen(kw_only=True)
class Workload:
    """A container, task or process, as its runtime describes it.

    `network_mode` is `host`, `none` or the name of a network; `namespace` is the id of the
    workload whose network this one shares, or "". `offers` is set if the source knows the services
    itself; then no label parser is asked.
    """

    source: str
    scope: str
    id: str = attrs.field(validator=filled)
    name: str
    state: State = State.RUNNING
    health: Health | None = None
    #: The last output of the runtime's health check, for people.
    health_output: str = ""
    #: `None` if the runtime does not tell.
    started: datetime | None = None
    image: str = ""
    hostname: str = ""
    labels: Mapping[str, str] = attrs.field(default=EMPTY, converter=frozen_map)
    #: Never shown: it may contain passwords.
    env: Mapping[str, str] = attrs.field(default=EMPTY, converter=frozen_map, repr=False)
    ports: tuple[Port, ...] = attrs.field(default=(), converter=as_tuple)
    networks: tuple[Network, ...] = attrs.field(default=(), converter=as_tuple)
    network_mode: str = ""
    namespace: str = ""
    offers: tuple[Offer, ...] | None = None
    #: The registry that this workload was read from (`consul:dc1`), or "".
    via: str = ""
    #: Faults that its source found, for people.
    problems: tuple[str, ...] = attrs.field(default=(), converter=as_tuple)

    @property
    def status(self) -> Status:
        """The status of all instances of this workload."""
        if self.state is State.STOPPING:
            return Status.DRAINING
        if self.state is State.PAUSED:
            return Status.PAUSED
        if self.health is Health.UNHEALTHY:
            return Status.UNHEALTHY
        return Status.STARTING if self.health is Health.STARTING else Status.UP


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

    def digest(self) -> str:
        """Return a fingerprint of all fields that a user can set: 32 hexadecimal digits.

        Fields with their default value are left out, so a field that a later version adds
        changes no digest until it is set.
        """
        text = json.dumps(_described(self), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:32]


@attrs.frozen
class FoundAs:
    """The names and the addresses under which consumers find an instance in one sink."""

    names: frozenset[str] = attrs.field(converter=as_frozenset)
    addresses: frozenset[str] = attrs.field(converter=as_frozenset)


def _described(value: Any) -> Any:
    """Return the value as JSON types, without fields that have their default value."""
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
    fault that the fields of the instance cannot show.
    """

    instance: Instance
    mark: Mark | None = None
    version: str = attrs.field(default="", eq=False)
    damaged: str = ""

    @property
    def id(self) -> str:
        """The id of the entry."""
        return self.instance.id

    @property
    def up(self) -> bool:
        """Whether consumers find it as an instance that can be used."""
        return self.instance.status is Status.UP and STATUS_KEY not in self.instance.meta


@attrs.frozen
class Unclear:
    """Why something exists and cannot be described now; `name` is for people, if it is known."""

    why: str
    name: str = ""


@attrs.frozen
class View(Generic[T]):
    """The answer to a listing: all items, or those that are known.

    If `complete` is false there may be more: nothing follows from what is missing. Ids in
    `unclear` exist, but cannot be described now; `reasons` says why, by id. If there is no answer
    an exception is raised; an empty view means that there is nothing. `problems` are lines for
    people about the other side as a whole: of a sink they are logged, and shown by the page and by
    `syncer doctor`. An incomplete view that is sure to show what this process wrote does not hide
    its own.
    """

    items: tuple[T, ...] = attrs.field(converter=as_tuple)
    complete: bool = attrs.field(default=True, kw_only=True)
    unclear: frozenset[str] = attrs.field(default=frozenset(), converter=as_frozenset, kw_only=True)
    reasons: Mapping[str, Unclear] = attrs.field(
        default=EMPTY, converter=frozen_map, kw_only=True, eq=False
    )
    problems: tuple[str, ...] = attrs.field(default=(), converter=as_tuple, kw_only=True)
    hides_own: bool = attrs.field(default=True, kw_only=True)


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
