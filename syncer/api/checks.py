"""Health checks: as the user asked for them, as the registry or syncer runs them, and results."""

from collections.abc import Mapping
from enum import Enum
from typing import Any, NamedTuple

import attrs

from syncer.api.fields import EMPTY, PORT, as_tuple, bracketed, filled, frozen_map, within
from syncer.api.keys import WorkloadKey


class CheckKey(NamedTuple):
    """One check of one instance."""

    instance: str
    key: str


class CheckStatus(str, Enum):
    """The status of a check, in the words that registries share."""

    PASSING = "passing"
    WARNING = "warning"
    CRITICAL = "critical"


@attrs.frozen(kw_only=True)
class CheckResult:
    """The latest result of a check; `output` is a line for people."""

    status: CheckStatus
    output: str = ""


def _headers(value: Mapping[str, Any]) -> Mapping[str, tuple[str, ...]]:
    return frozen_map({name: tuple(values) for name, values in value.items()})


@attrs.frozen(kw_only=True)
class Check:
    """A health probe that the user asked for; times are in seconds.

    `kind` is one of `http`, `https`, `tcp`, `udp`, `grpc`, `h2ping`, `ttl`, `alias`, `script`,
    `docker` (a command inside the container) and `container` (the runtime's own health
    check, mirrored), or a kind that a plugin's check translator knows. `None` means the
    registry's default. `key` distinguishes the checks of one instance.
    """

    kind: str = attrs.field(validator=filled)
    key: str = attrs.field(
        default=attrs.Factory(lambda self: self.kind, takes_self=True), validator=filled
    )
    name: str = ""
    notes: str = ""
    #: Request path of http and https, service name of grpc.
    path: str = ""
    #: Overrides of the instance's address and port.
    address: str = ""
    port: int | None = attrs.field(default=None, validator=PORT)
    method: str = ""
    headers: Mapping[str, tuple[str, ...]] = attrs.field(default=EMPTY, converter=_headers)
    body: str = ""
    follow_redirects: bool = True
    interval: float | None = attrs.field(default=None, validator=within(0.1, 86_400 * 7))
    timeout: float | None = attrs.field(default=None, validator=within(0.001, 86_400))
    tls: bool = False
    tls_server_name: str = ""
    tls_skip_verify: bool = False
    success_before_passing: int | None = attrs.field(default=None, validator=within(0, 1000))
    failures_before_warning: int | None = attrs.field(default=None, validator=within(0, 1000))
    failures_before_critical: int | None = attrs.field(default=None, validator=within(0, 1000))
    initial_status: CheckStatus | None = None
    deregister_after: float | None = attrs.field(default=None, validator=within(0, 86_400 * 365))
    #: Of kind `ttl`: how long a report stays valid, and whether syncer sends the reports.
    ttl: float | None = attrs.field(default=None, validator=within(1, 86_400 * 365))
    fed: bool = False
    #: Of kind `alias`: the id of the service whose health is copied.
    alias: str = ""
    #: Of kinds `script` and `docker`.
    command: tuple[str, ...] = attrs.field(default=(), converter=as_tuple)
    shell: str = ""


@attrs.frozen(kw_only=True)
class Native:
    """A check in a sink's own form, made by a check translator; the registry runs it.

    `definition` is sent by the sink, as JSON types. The results of a `fed` check are reported by
    syncer, from the state and health of the workload.
    """

    key: str = attrs.field(validator=filled)
    definition: Mapping[str, Any] = attrs.field(default=EMPTY, converter=frozen_map)
    fed: bool = False


@attrs.frozen(kw_only=True, cache_hash=True)
class Probe:
    """A check that syncer runs itself, for registries that run none; times are in seconds.

    `kind` is `http`, `https`, `tcp` or `grpc`; `path` is the request path of http and https,
    the service name of grpc. The value has exactly the fields that affect the result, so equal
    probes of a workload are run once for all its instances and sinks. `workload` is the one that
    asks for it: a few probes of each run at the same time.

    Results are as in Consul: http 2xx is passing, 429 is warning, everything else is critical. The
    status changes after as many equal results as the threshold says; 0 and 1 change it at the
    first.
    """

    kind: str = attrs.field(validator=attrs.validators.in_(("http", "https", "tcp", "grpc")))
    address: str = attrs.field(validator=filled)
    port: int = attrs.field(validator=within(1, 65535))
    workload: WorkloadKey | None = None
    #: The instance's own address, if it differs.
    own: str = ""
    #: Whether the host's loopback may be probed: not if labels set the address or port.
    loopback: bool = True
    #: The ports of its own address that may be probed; `None`: all.
    own_ports: frozenset[int] | None = None
    path: str = ""
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = attrs.field(default=(), converter=as_tuple)
    body: str = ""
    follow_redirects: bool = True
    #: Of grpc and tcp; https always uses TLS.
    tls: bool = False
    tls_server_name: str = ""
    tls_skip_verify: bool = False
    interval: float = attrs.field(default=10.0, validator=within(0.1, 86_400 * 7))
    timeout: float = attrs.field(default=10.0, validator=within(0.001, 86_400))
    success_before_passing: int = 0
    failures_before_warning: int = 0
    failures_before_critical: int = 0
    #: The status until the first result. `None` if it is unknown until then.
    initial_status: CheckStatus | None = None

    @property
    def target(self) -> str:
        """The target of the probe, for display: `http://10.0.0.1:80/health`."""
        slash = "/" if self.path and not self.path.startswith("/") else ""
        return f"{self.kind}://{bracketed(self.address)}:{self.port}{slash}{self.path}"


@attrs.frozen
class Shown:
    """A check that syncer runs itself, and that the sink also shows to its consumers."""

    probe: Probe
    native: Native


@attrs.frozen
class Problem:
    """Why something that the user asked for is left out; shown to the user."""

    text: str
