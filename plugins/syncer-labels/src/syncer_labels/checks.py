"""The checks of a service: `check.<kind>` asks for one, `check.<setting>` describes it.

Further checks have a name: `check.<name>.<kind>`, `check.<name>.<setting>`.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs

from syncer import Check
from syncer.kits.labels import Settings, values
from syncer.kits.labels.checks import (
    BY_CLOCK,
    COMMANDS,
    DEFAULT_INTERVAL,
    HTTP,
    OVER_NETWORK,
    header_name,
)

#: Checks of one service.
MOST_CHECKS = 100

_OVER_TLS = frozenset({"https", "grpc", "h2ping"})
_ALL = BY_CLOCK | {"ttl", "alias"}
_HEADER = "header."


def _given(field: str, convert: Callable[[str], Any]) -> Callable[[str], dict[str, Any]]:
    convert = values.limited(Check, field, convert)
    return lambda value: {field: convert(value)}


def _grpc(value: str) -> dict[str, Any]:
    """Read `true`, or the name of the gRPC service."""
    asked = values.name(value)
    return {"path": "" if asked.lower() == "true" else asked}


def _nothing(value: str) -> dict[str, Any]:
    values.truth(value)  # false was seen before
    return {}


#: The kinds, each with what reads its value.
KINDS: Mapping[str, Callable[[str], dict[str, Any]]] = {
    "http": _given("path", values.path),
    "https": _given("path", values.path),
    "tcp": _nothing,
    "udp": _nothing,
    "grpc": _grpc,
    "h2ping": _nothing,
    "ttl": _given("ttl", values.seconds),
    "alias": _given("alias", values.name),
    "script": _given("command", values.command),
    "docker": _given("command", values.command),
}


@attrs.frozen
class CheckSetting:
    """A field of `Check`, how its text is converted, and the kinds that have it."""

    field: str
    convert: Callable[[str], Any]
    kinds: frozenset[str]


SETTINGS: Mapping[str, CheckSetting] = {
    "interval": CheckSetting("interval", values.seconds, BY_CLOCK),
    "timeout": CheckSetting("timeout", values.seconds, BY_CLOCK),
    "method": CheckSetting("method", values.method, HTTP),
    "body": CheckSetting("body", values.lines, HTTP),
    "follow-redirects": CheckSetting("follow_redirects", values.truth, HTTP),
    "tls": CheckSetting("tls", values.truth, frozenset({"grpc", "h2ping"})),
    "tls-skip-verify": CheckSetting("tls_skip_verify", values.truth, _OVER_TLS),
    "tls-server-name": CheckSetting("tls_server_name", values.name, _OVER_TLS),
    "address": CheckSetting("address", values.address, OVER_NETWORK),
    "port": CheckSetting("port", values.whole, OVER_NETWORK),
    "fed": CheckSetting("fed", values.truth, frozenset({"ttl"})),
    "shell": CheckSetting("shell", values.name, COMMANDS),
    "success-before-passing": CheckSetting("success_before_passing", values.whole, BY_CLOCK),
    "failures-before-warning": CheckSetting("failures_before_warning", values.whole, BY_CLOCK),
    "failures-before-critical": CheckSetting("failures_before_critical", values.whole, BY_CLOCK),
    "initial-status": CheckSetting("initial_status", values.status, _ALL),
    "deregister-after": CheckSetting("deregister_after", values.seconds, _ALL),
    "title": CheckSetting("name", values.name, _ALL),
    "notes": CheckSetting("notes", values.text, _ALL),
}


def read_checks(service: Settings) -> tuple[Check, ...]:
    """Return the checks of a service, in an order that does not change."""
    found = [check for name, group in _groups(service) for check in _checks(name, group)]
    if len(found) > MOST_CHECKS:
        reason = f"only the first {MOST_CHECKS} of {len(found)} checks are used"
        service.problems.add(f"{service.label}check", reason)
    return tuple(found[:MOST_CHECKS])


def _groups(service: Settings) -> Iterator[tuple[str, Settings]]:
    """Yield the settings of the checks without a name (""), then those of each name."""
    settings = service.below("check.")
    names = {
        first: None
        for first, dot, _ in (key.partition(".") for key in sorted(settings.by_key))
        if dot and first not in ("", "header", *KINDS, *SETTINGS)
    }
    unnamed = {k: v for k, v in settings.by_key.items() if k.partition(".")[0] not in names}
    yield "", attrs.evolve(settings, by_key=unnamed)
    for name in names:
        yield name, settings.below(f"{name}.")


def _checks(name: str, group: Settings) -> Iterator[Check]:
    label = group.label.rstrip(".")
    asked = [kind for kind in KINDS if kind in group.by_key]
    kinds = [kind for kind in asked if not _refused(group, kind)]
    headers = {key for key in group.by_key if key.startswith(_HEADER)}
    group.report_unknown({*KINDS, *SETTINGS, *headers})
    if name and len(kinds) > 1:
        group.problems.add(label, f"a named check has one kind: only {kinds[0]} is used")
        del kinds[1:]
    if group.by_key and not asked:
        group.problems.add(label, f"the kind is missing, such as {label}.http=/health")
        return
    _report_unused(group, kinds, headers)
    for kind in kinds:
        target = group.get(kind, KINDS[kind])
        if target is not None:
            yield Check(kind=kind, key=name or kind, **{**target, **_details(group, kind)})


def _refused(group: Settings, kind: str) -> bool:
    """Return whether the value asks for no such check."""
    return group.by_key[kind].value.strip().lower() in ("", *values.FALSE)


def _report_unused(group: Settings, kinds: list[str], headers: set[str]) -> None:
    """Report settings that none of the kinds has."""
    by_key = {key: SETTINGS[key].kinds for key in SETTINGS.keys() & group.by_key.keys()}
    by_key |= dict.fromkeys(headers, HTTP)
    for key in sorted(by_key):
        if kinds and not by_key[key] & set(kinds):
            reason = f"has no effect on a check of kind {' or '.join(kinds)}"
            group.problems.add(group.by_key[key].name, reason)


def _details(group: Settings, kind: str) -> dict[str, Any]:
    """Return the fields that describe the check, of those that its kind has."""
    fields: dict[str, Any] = {"interval": DEFAULT_INTERVAL} if kind in BY_CLOCK else {}
    if kind == "h2ping":
        fields["tls"] = True  # as Consul does by default
    for key, setting in SETTINGS.items():
        if kind in setting.kinds:
            value = group.get(key, values.limited(Check, setting.field, setting.convert))
            if value is not None:
                fields[setting.field] = value
    if kind in HTTP:
        fields["headers"] = _headers(group.below(_HEADER))
    return fields


def _headers(settings: Settings) -> dict[str, tuple[str, ...]]:
    headers: dict[str, tuple[str, ...]] = {}
    for header in sorted(settings.by_key):
        try:
            header_name(header)
        except ValueError as error:
            settings.problems.add(settings.by_key[header].name, error)
            continue
        value = settings.get(header, values.text)
        if value is not None:
            headers[header] = (value,)
    return headers
