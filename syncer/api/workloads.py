"""The values that sources describe: a host, and what runs on it, with the services found there."""

from collections.abc import Mapping
from datetime import datetime
from enum import Enum

import attrs

from syncer.api.checks import Check
from syncer.api.fields import (
    EMPTY,
    PORT,
    as_frozenset,
    as_tuple,
    canonical_address,
    clean,
    filled,
    frozen_map,
    unique,
    within,
)


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
