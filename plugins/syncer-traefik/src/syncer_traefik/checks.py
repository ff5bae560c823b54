"""Traefik's health checks as checks that the registry or syncer runs."""

from typing import Any

from syncer import Check, Reachable
from syncer.kits.labels import Settings
from syncer.kits.labels.values import method, name, path, text
from syncer_traefik import values

#: Traefik's own, in seconds.
DEFAULT_INTERVAL, DEFAULT_TIMEOUT = 30.0, 5.0

_CHECK = "loadbalancer.healthcheck."
_HEADERS = f"{_CHECK}headers."
#: Settings without a counterpart: another status than 2xx, and what a TCP check sends and expects.
_UNSUPPORTED = ("status", "send", "expect")


def read_checks(service: Settings, protocol: str, reachable: Reachable) -> tuple[Check, ...]:
    """Return the check that a service's labels ask for, if any."""
    check = service.below(_CHECK)
    if not check.by_key or protocol == "udp":
        return ()
    for key in _UNSUPPORTED:
        if key in check.by_key:
            check.problems.add(check.by_key[key].name, "not supported: the check ignores it")
    fields: dict[str, Any] = {
        "interval": check.get("interval", values.interval) or DEFAULT_INTERVAL,
        "timeout": check.get("timeout", values.timeout) or DEFAULT_TIMEOUT,
        "port": _port(check, reachable),
    }
    if protocol == "tcp":
        return (Check(kind="tcp", **fields),)
    scheme = check.get("scheme", values.scheme)
    tls = (scheme or service.get("loadbalancer.server.scheme", values.scheme)) == "https"
    return _over_http(check, tls, fields)


def _over_http(check: Settings, tls: bool, fields: dict[str, Any]) -> tuple[Check, ...]:
    if check.get("mode", values.mode) == "grpc":
        return (Check(kind="grpc", tls=tls, **fields),)
    where = check.get("path", path)
    if where is None:
        check.problems.add(check.label.rstrip("."), "no path is given")
        return ()
    return (
        Check(
            kind="https" if tls else "http",
            path=where,
            method=check.get("method", method) or "",
            headers=_headers(check),
            follow_redirects=check.get("followredirects", values.truth) is not False,
            **fields,
        ),
    )


def _port(check: Settings, reachable: Reachable) -> int | None:
    """Return the port to check, if another one is given. It is the container's own port."""
    port = check.get("port", values.port)
    if port is not None and not reachable.internal:
        reason = "only used in internal mode: it is the container's own port"
        check.problems.add(check.by_key["port"].name, reason)
        return None
    return port


def _headers(check: Settings) -> dict[str, tuple[str, ...]]:
    headers: dict[str, tuple[str, ...]] = {}
    host = check.get("hostname", name)
    if host:
        headers["Host"] = (host,)
    given = check.below("headers.")
    for key in sorted(given.by_key):
        value = given.get(key, text)
        if value is not None:
            headers[given.by_key[key].name[-len(key) :]] = (value,)  # as written: keys are lower
    return headers
