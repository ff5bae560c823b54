"""Checks for registries that run none: syncer probes itself, and reports the status.

The same labels have the same result on every sink: addresses, defaults and the meaning of outcomes
are those of Consul's checks.
"""

from collections.abc import Callable, Mapping
from importlib.util import find_spec

from syncer.api.checks import Check, Probe, Problem
from syncer.api.fields import canonical_address
from syncer.api.keys import WorkloadKey
from syncer.api.registrations import Instance

#: Seconds between two probes: the default, and the minimum.
INTERVAL, LEAST_INTERVAL = 10.0, 1.0
#: Seconds that a probe may take: the default, and the maximum.
TIMEOUT, LONGEST_TIMEOUT = 10.0, 30.0


def probing(options: object = None) -> Callable[[Check, Instance], Probe | Problem | None]:
    """Return a translator for a sink whose registry runs no checks: a `CheckTranslator`'s `create`.

    The sink's `adjust` then finds no checks, and `Instance.status` shows their results. A check
    whose library is not installed is a problem.
    """
    missing = {kind: library for kind, library in _LIBRARY.items() if find_spec(library) is None}
    return lambda check, instance: _translated(check, instance, missing)


def _translated(
    check: Check, instance: Instance, missing: Mapping[str, str]
) -> Probe | Problem | None:
    if check.kind == "container" or (check.kind == "ttl" and check.fed):
        return None  # the instance's status shows the runtime's own health
    if check.kind not in ("http", "https", "tcp", "grpc"):
        why = _WHY_NOT.get(check.kind, "syncer cannot run it either")
        return Problem(f"check {check.key}: this registry runs no checks, and {why}")
    if library := missing.get(check.kind):
        return Problem(f"check {check.key}: the package {library} is not installed")
    if check.kind == "grpc" and check.tls and check.tls_skip_verify:
        return Problem(f"check {check.key}: the grpc library cannot skip certificate verification")
    port = instance.port if check.port is None else check.port
    if not port:
        return Problem(f"check {check.key}: the service has no port to check")
    return _probe(check, instance, port)


def _probe(check: Check, instance: Instance, port: int) -> Probe:
    address = canonical_address(check.address) or instance.address
    http = check.kind in ("http", "https")
    kind = "https" if check.kind == "http" and check.tls else check.kind
    origin = instance.origin
    path = f"/{check.path.removeprefix('/')}" if http else check.path.strip("/")
    return Probe(
        kind=kind,
        address=address,
        port=port,
        workload=WorkloadKey(origin.source, origin.workload) if origin else None,
        own="" if address == instance.address else instance.address,
        loopback=not instance.by_labels and port == instance.port,
        own_ports=instance.own_ports,
        path=path,
        method=check.method.upper() or "GET",
        headers=[(name, text) for name, texts in sorted(check.headers.items()) for text in texts],
        body=check.body,
        follow_redirects=check.follow_redirects,
        tls=check.tls and not http,
        tls_server_name=check.tls_server_name,
        tls_skip_verify=check.tls_skip_verify,
        interval=max(check.interval or INTERVAL, LEAST_INTERVAL),
        timeout=min(check.timeout or TIMEOUT, LONGEST_TIMEOUT),
        success_before_passing=check.success_before_passing or 0,
        failures_before_warning=check.failures_before_warning or 0,
        failures_before_critical=check.failures_before_critical or 0,
        initial_status=check.initial_status,
    )


#: The library that a kind of probe needs.
_LIBRARY = {"http": "aiohttp", "https": "aiohttp", "grpc": "grpc"}
_WHY_NOT = {
    "ttl": "nothing could report to it",
    "alias": "it does not know the health of other services",
    "script": "syncer runs no commands",
    "docker": "syncer runs no commands",
    "udp": "UDP cannot tell a missing service from a silent one",
    "h2ping": "syncer does not speak HTTP/2",
}
