"""Health checks: what a user asked for, what a registry or syncer runs, and what came of it."""

from collections.abc import Mapping
from enum import Enum
from typing import Any, NamedTuple

import attrs

from syncer.api.fields import EMPTY, PORT, as_tuple, bracketed, filled, frozen_map, within


class CheckKey(NamedTuple):
    """Names one check of one instance."""

    instance: str
    key: str


class CheckStatus(str, Enum):
    """The outcome of a check, in the words that registries share."""

    PASSING = "passing"
    WARNING = "warning"
    CRITICAL = "critical"


@attrs.frozen(kw_only=True)
class CheckResult:
    """What is known of a check now, with a line for people."""

    status: CheckStatus
    output: str = ""


def _headers(value: Mapping[str, Any]) -> Mapping[str, tuple[str, ...]]:
    return frozen_map({name: tuple(values) for name, values in value.items()})


@attrs.frozen(kw_only=True)
class Check:
    """A health probe that the user asked for; times are in seconds.

    `kind` is one of `http`, `https`, `tcp`, `udp`, `grpc`, `h2ping`, `ttl`, `alias`, `script`,
    `docker` (a command inside the container) and `container` (the runtime's own health
    check, mirrored), or a word that a plugin's check translator knows. `None` means "as
    the registry does by default". `key` tells the checks of one instance apart.
    """

    kind: str = attrs.field(validator=filled)
    key: str = attrs.field(
        default=attrs.Factory(lambda self: self.kind, takes_self=True), validator=filled
    )
    name: str = ""
    notes: str = ""
    #: Request path of http and https, service name of grpc.
    path: str = ""
    #: Another address or port than the instance's.
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

    `definition` is what the sink sends, as JSON types. A `fed` check is one whose results
    syncer reports: from the workload's state and its container's health.
    """

    key: str = attrs.field(validator=filled)
    definition: Mapping[str, Any] = attrs.field(default=EMPTY, converter=frozen_map)
    fed: bool = False


@attrs.frozen(kw_only=True, cache_hash=True)
class Probe:
    """A check that syncer runs itself, for registries that run none; times are in seconds.

    `kind` is `http`, `https`, `tcp` or `grpc`; `path` is the request path of http and https,
    the service name of grpc. Everything that decides the outcome is part of the value, and nothing
    else: equal probes are run once, whoever wants them. What the outcomes mean is as with Consul's
    checks: http 2xx is passing, 429 warning, everything else critical, and a status changes
    after as many equal outcomes as the thresholds say, at the first with 0 or 1.
    """

    kind: str = attrs.field(validator=attrs.validators.in_(("http", "https", "tcp", "grpc")))
    address: str = attrs.field(validator=filled)
    port: int = attrs.field(validator=within(1, 65535))
    #: The instance's own address, if that is another one.
    own: str = ""
    #: Whether the host's loopback may be probed: not where labels chose the address or the port.
    loopback: bool = True
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
    #: What is believed until the first outcome; None: nothing.
    initial_status: CheckStatus | None = None

    @property
    def target(self) -> str:
        """What is probed, for people: `http://10.0.0.1:80/health`."""
        slash = "/" if self.path and not self.path.startswith("/") else ""
        return f"{self.kind}://{bracketed(self.address)}:{self.port}{slash}{self.path}"


@attrs.frozen
class Shown:
    """A check that syncer runs itself, and that the sink shows to consumers in its own form."""

    probe: Probe
    native: Native


@attrs.frozen
class Problem:
    """Why something that the user asked for was left out, in words for them."""

    text: str
