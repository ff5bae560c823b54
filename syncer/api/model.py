"""The values that everything else passes around: what runs, what it offers, what is registered.

All are frozen. What a runtime said stays in `Workload`; what a label parser found is an
`Offer`; with its final address it is an `Instance`, the unit that is registered, compared and
owned; what a sink reports is a `Registration`, with the `Mark` that says whose it is.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
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
)
from syncer.api.keys import Place, WorkloadKey

T = TypeVar("T")


class State(str, Enum):
    """Where a workload is in its life."""

    CREATED = "created"
    RUNNING = "running"
    PAUSED = "paused"
    #: A stop signal was seen and the workload is still alive.
    STOPPING = "stopping"
    RESTARTING = "restarting"
    EXITED = "exited"
    DEAD = "dead"

    @property
    def offered(self) -> bool:
        """Whether a workload in this state offers its services, with a status or without."""
        return self in (State.RUNNING, State.PAUSED, State.STOPPING)


class Health(str, Enum):
    """The answer of the runtime's own health check."""

    STARTING = "starting"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"


#: Under this key of `Instance.meta` the sinks of registries that know no status keep it, for
#: instances that are not up.
STATUS_KEY = "syncer-status"


class Status(str, Enum):
    """How fit for use an instance is; sinks translate it into their registry's words."""

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
    """The workload's place in one network; an empty address means it has none of that family."""

    name: str
    ipv4: str = attrs.field(default="", converter=canonical_address)
    ipv6: str = attrs.field(default="", converter=canonical_address)


@attrs.frozen(kw_only=True)
class Host:
    """The host that a source's workloads run on, as seen from inside its network.

    `addresses` maps interface names to their addresses, in the system's order.
    `default_address` is the address that a packet along the default route would carry.
    Both are empty where the source cannot know them (a remote engine).
    """

    name: str
    addresses: Mapping[str, tuple[str, ...]] = attrs.field(default=EMPTY, converter=frozen_map)
    default_address: str = attrs.field(default="", converter=canonical_address)


@attrs.frozen(kw_only=True)
class Offer:
    """A service that a label parser found on a workload, before it has an address.

    `port` is the workload's own port. `register_address` and `register_port` override what
    the address rules would find. `internal` (None: as configured) asks for the container's
    address, `network` says on which network. `because` tells people where the offer
    comes from; it is not part of its value.
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
    #: Whether tags changed in the registry by others are to be left alone.
    tag_override: bool = False
    #: Whether the runtime's own health check is shown in the registry.
    mirror_health: bool = True
    because: str = attrs.field(default="", eq=False)


@attrs.frozen(kw_only=True)
class Workload:
    """What a runtime runs, as the runtime describes it.

    `network_mode` is `host`, `none` or the name of a network; `namespace` is the id of the
    workload whose network this one shares, or "". `offers` is set when the source knows the
    services itself; then no label parser is asked.
    """

    source: str
    scope: str
    id: str = attrs.field(validator=filled)
    name: str
    state: State = State.RUNNING
    health: Health | None = None
    image: str = ""
    hostname: str = ""
    labels: Mapping[str, str] = attrs.field(default=EMPTY, converter=frozen_map)
    #: Never shown: people keep passwords in environments.
    env: Mapping[str, str] = attrs.field(default=EMPTY, converter=frozen_map, repr=False)
    ports: tuple[Port, ...] = attrs.field(default=(), converter=as_tuple)
    networks: tuple[Network, ...] = attrs.field(default=(), converter=as_tuple)
    network_mode: str = ""
    namespace: str = ""
    offers: tuple[Offer, ...] | None = None
    #: The registry that this workload was read from (`consul:dc1`), if from one.
    via: str = ""

    @property
    def status(self) -> Status:
        """The status that all instances of this workload have."""
        if self.state is State.STOPPING:
            return Status.DRAINING
        if self.state is State.PAUSED:
            return Status.PAUSED
        if self.health is Health.UNHEALTHY:
            return Status.UNHEALTHY
        return Status.STARTING if self.health is Health.STARTING else Status.UP


@attrs.frozen(kw_only=True)
class Origin:
    """Which workload of which source an instance comes from; `name` is for people."""

    source: str
    workload: str
    name: str = ""


@attrs.frozen(kw_only=True)
class Instance:
    """One address and port of a service: the unit that is registered, compared and owned.

    Equality is over what a registry keeps. Left out of it: `status`, which travels by
    `Sink.report` or in what `Sink.adjust` makes of it, `origin`, which is in the mark,
    `problems`, which says what was asked for and could not be had, and `by_labels`. Tags are
    compared as a set, and kept in the order given. Port 0 means that the service has none.
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
    problems: tuple[str, ...] = attrs.field(default=(), converter=as_tuple, eq=False)

    @property
    def place(self) -> Place:
        """Address and port, to compare places by."""
        return Place(self.address, self.port)

    @property
    def endpoint(self) -> str:
        """Address and port as one writes them, IPv6 in brackets."""
        return f"{bracketed(self.address)}:{self.port}"

    def digest(self) -> str:
        """A fingerprint of all that a user can set: 32 hexadecimal digits.

        Fields that have their default value are left out, so that a field which a later
        version adds changes no digest until somebody sets it.
        """
        text = json.dumps(_described(self), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:32]


def _described(value: Any) -> Any:
    """The value as JSON types, without the fields that are at their default."""
    if isinstance(value, Mapping):
        return {key: _described(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_described(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)  # 10.0 equals 10, and so must their digests
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
    """Whose a registration is and where it came from, stored with it in the sink.

    `via` names the registry that it was mirrored from: such a registration is never mirrored on,
    so that no loop can arise. `hold` keeps what an operator asked for (`drain`) for as long as the
    workload lives. A sink stores `fields()` and reads nothing in them, so that a later
    version can add one without a change to any plugin.
    """

    owner: str = attrs.field(validator=filled)
    scope: str = attrs.field(validator=filled)
    source: str = attrs.field(validator=filled)
    workload: str = attrs.field(validator=filled)
    digest: str = attrs.field(validator=filled)
    via: str = attrs.field(default="", validator=clean)
    hold: str = attrs.field(default="", validator=clean)

    @property
    def key(self) -> WorkloadKey:
        """The workload that the registration comes from."""
        return WorkloadKey(self.source, self.workload)

    def fields(self) -> dict[str, str]:
        """The mark as text by field name, without what is empty."""
        return {name: text for name, text in attrs.asdict(self).items() if text}

    @classmethod
    def from_fields(cls, fields: Mapping[str, str]) -> "Mark | None":
        """The mark that was stored, or None if these fields are not a whole one.

        Unknown fields, which a later version wrote, are passed over.
        """
        try:
            names = {f.name for f in attrs.fields(cls)}
            return cls(**{name: fields[name] for name in names & fields.keys()})
        except (KeyError, ValueError, TypeError, AttributeError):  # others may write anything
            return None


@attrs.frozen(kw_only=True)
class Registration:
    """An instance as a sink holds it, with its mark; no mark means that it is not ours.

    `version` is the sink's own token for compare-and-set and not part of the value. `damaged`
    says in words what is wrong that the instance cannot show.
    """

    instance: Instance
    mark: Mark | None = None
    version: str = attrs.field(default="", eq=False)
    damaged: str = ""

    @property
    def id(self) -> str:
        """The id under which the registration is kept."""
        return self.instance.id

    @property
    def up(self) -> bool:
        """Whether consumers find an instance that is fit for use."""
        return self.instance.status is Status.UP and STATUS_KEY not in self.instance.meta


@attrs.frozen
class View(Generic[T]):
    """The answer to a question about the world: all that was asked for, or as much as is known.

    With `complete` false there may be more; nothing may be concluded from what is missing.
    Ids in `unclear` exist, but cannot be described just now. No answer is an exception,
    never an empty view.
    """

    items: tuple[T, ...] = attrs.field(converter=as_tuple)
    complete: bool = attrs.field(default=True, kw_only=True)
    unclear: frozenset[str] = attrs.field(default=frozenset(), converter=as_frozenset, kw_only=True)


def listing(items: Iterable[T]) -> View[T]:
    """A complete view of the items."""
    return View(tuple(items))


class Unhealthy(str, Enum):
    """What a sink does with instances that are not up: the values of its option `unhealthy`."""

    KEEP = "keep"
    DROP = "drop"


def with_status(instance: Instance, unhealthy: Unhealthy) -> Instance | None:
    """The instance for a registry that has no status of its own.

    A status other than up stands in `meta` under `STATUS_KEY`, so that a change of it is seen;
    None if such an instance is to be dropped.
    """
    if instance.status is Status.UP:
        return instance
    if unhealthy is Unhealthy.DROP:
        return None
    meta = {**instance.meta, STATUS_KEY: instance.status.value}
    return attrs.evolve(instance, meta=meta)
