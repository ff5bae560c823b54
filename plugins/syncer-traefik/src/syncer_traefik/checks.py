"""Traefik's health checks as checks of the registry, or of syncer."""

from typing import Any

from syncer import Check, Reachable
from syncer_traefik import values
from syncer_traefik.reading import Settings

#: Traefik's own.
DEFAULT_INTERVAL, DEFAULT_TIMEOUT = 30.0, 5.0

_CHECK = "loadbalancer.healthcheck."
_HEADERS = f"{_CHECK}headers."
#: What has no counterpart: another status than 2xx, and what a TCP server is told and answers.
_UNKNOWN = ("status", "send", "expect")


def check_keys(keys: Any) -> set[str]:
    """Those of the keys of a service that are about its health check."""
    return {key for key in keys if key.startswith(_CHECK)}


def read_checks(service: Settings, protocol: str, reachable: Reachable) -> tuple[Check, ...]:
    """The check that a service's labels ask for, if they do."""
    if not check_keys(service.said) or protocol == "udp":
        return ()
    for key in _UNKNOWN:
        if (said := service.said.get(_CHECK + key)) is not None:
            service.problems.add(said.label, "not checked: there is no such setting here")
    fields: dict[str, Any] = {
        "interval": service.get(f"{_CHECK}interval", values.interval) or DEFAULT_INTERVAL,
        "timeout": service.get(f"{_CHECK}timeout", values.timeout) or DEFAULT_TIMEOUT,
        "port": _port(service, reachable),
    }
    if protocol == "tcp":
        return (Check(kind="tcp", **fields),)
    return _over_http(service, fields)


def _over_http(service: Settings, fields: dict[str, Any]) -> tuple[Check, ...]:
    if service.get(f"{_CHECK}mode", values.mode) == "grpc":
        return (Check(kind="grpc", tls=_scheme(service) == "https", **fields),)
    path = service.get(f"{_CHECK}path", values.path)
    if path is None:
        service.problems.add(f"{service.label}.loadbalancer.healthcheck", "no path is given")
        return ()
    redirects = service.get(f"{_CHECK}followredirects", values.truth)
    return (
        Check(
            kind="https" if _scheme(service) == "https" else "http",
            path=path,
            method=service.get(f"{_CHECK}method", values.method) or "",
            headers=_headers(service),
            follow_redirects=redirects is not False,
            **fields,
        ),
    )


def _scheme(service: Settings) -> str:
    given = service.get(f"{_CHECK}scheme", values.scheme)
    return given or service.get("loadbalancer.server.scheme", values.scheme) or "http"


def _port(service: Settings, reachable: Reachable) -> int | None:
    """The port to check, if it is another one: it is the container's, so only in internal mode."""
    port = service.get(f"{_CHECK}port", values.port)
    if port is not None and not reachable.internal:
        label = service.said[f"{_CHECK}port"].label
        service.problems.add(label, "only used in internal mode: it is the container's own port")
        return None
    return port


def _headers(service: Settings) -> dict[str, tuple[str, ...]]:
    headers: dict[str, tuple[str, ...]] = {}
    host = service.get(f"{_CHECK}hostname", values.name)
    if host:
        headers["Host"] = (host,)
    for key in sorted(key for key in service.said if key.startswith(_HEADERS)):
        value = service.get(key, values.text)
        if value is not None:
            # As written: the key is in lower case.
            headers[service.said[key].label[-len(key.removeprefix(_HEADERS)) :]] = (value,)
    return headers
