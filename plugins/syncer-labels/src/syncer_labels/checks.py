"""The checks of a service: `check.<kind>` asks for one, `check.<setting>` describes it.

Further ones have a name of their own: `check.<name>.<kind>`, `check.<name>.<setting>`.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs

from syncer import Check
from syncer_labels import values
from syncer_labels.reading import Settings

#: For every kind that is run by the clock.
DEFAULT_INTERVAL = 10.0
#: Checks of one service; more are a mistake.
MOST_CHECKS = 100

_WEB = frozenset({"http", "https"})
_COMMANDS = frozenset({"script", "docker"})
_OVER_NETWORK = _WEB | {"tcp", "udp", "grpc", "h2ping"}
_BY_CLOCK = _OVER_NETWORK | _COMMANDS
_OVER_TLS = frozenset({"https", "grpc", "h2ping"})
_ALL = _BY_CLOCK | {"ttl", "alias"}
_HEADER = "header."
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def _given(field: str, convert: Callable[[str], Any]) -> Callable[[str], dict[str, Any]]:
    return lambda value: {field: values.limited(Check, field, convert(value))}


def _grpc(value: str) -> dict[str, Any]:
    """`true`, or the name of the gRPC service."""
    asked = values.name(value)
    return {"path": "" if asked.lower() == "true" else asked}


def _nothing(value: str) -> dict[str, Any]:
    if not values.truth(value):  # `false` was seen before
        raise ValueError("must be true or false")
    return {}


#: The kinds, and what the value of each is to the check.
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
class Setting:
    """A field of `Check`, how its text is read, and the kinds that know it."""

    field: str
    convert: Callable[[str], Any]
    kinds: frozenset[str]


SETTINGS: Mapping[str, Setting] = {
    "interval": Setting("interval", values.seconds, _BY_CLOCK),
    "timeout": Setting("timeout", values.seconds, _BY_CLOCK),
    "method": Setting("method", values.method, _WEB),
    "body": Setting("body", values.lines, _WEB),
    "follow-redirects": Setting("follow_redirects", values.truth, _WEB),
    "tls": Setting("tls", values.truth, frozenset({"grpc", "h2ping"})),
    "tls-skip-verify": Setting("tls_skip_verify", values.truth, _OVER_TLS),
    "tls-server-name": Setting("tls_server_name", values.name, _OVER_TLS),
    "address": Setting("address", values.address, _OVER_NETWORK),
    "port": Setting("port", values.whole, _OVER_NETWORK),
    "fed": Setting("fed", values.truth, frozenset({"ttl"})),
    "shell": Setting("shell", values.name, _COMMANDS),
    "success-before-passing": Setting("success_before_passing", values.whole, _BY_CLOCK),
    "failures-before-warning": Setting("failures_before_warning", values.whole, _BY_CLOCK),
    "failures-before-critical": Setting("failures_before_critical", values.whole, _BY_CLOCK),
    "initial-status": Setting("initial_status", values.status, _ALL),
    "deregister-after": Setting("deregister_after", values.seconds, _ALL),
    "title": Setting("name", values.name, _ALL),
    "notes": Setting("notes", values.text, _ALL),
}


def read_checks(service: Settings) -> tuple[Check, ...]:
    """All checks that these settings ask for, in an order that never changes."""
    found = [check for name, group in _groups(service) for check in _checks(name, group)]
    if len(found) > MOST_CHECKS:
        reason = f"only the first {MOST_CHECKS} of {len(found)} checks are used"
        service.problems.add(f"{service.label}check", reason)
    return tuple(found[:MOST_CHECKS])


def _groups(service: Settings) -> Iterator[tuple[str, Settings]]:
    """The settings without a name, then those of each name."""
    all_of_them = service.below("check.")
    names = {"": None} | {
        word: None
        for word, dot, _ in (key.partition(".") for key in sorted(all_of_them.values))
        if dot and word != "header" and word not in KINDS and word not in SETTINGS
    }
    for name in names:
        if name:
            yield name, all_of_them.below(f"{name}.")
        else:
            own = {k: v for k, v in all_of_them.values.items() if k.partition(".")[0] not in names}
            yield "", Settings(all_of_them.label, own, service.problems)


def _checks(name: str, group: Settings) -> Iterator[Check]:
    kinds = [kind for kind in KINDS if kind in group.values and not _refused(group, kind)]
    headers = {key for key in group.values if key.startswith(_HEADER)}
    group.report_unknown({*KINDS, *SETTINGS, *headers})
    if name and len(kinds) > 1:
        reason = f"one check is of one kind: only {kinds[0]} is used"
        group.problems.add(group.label.rstrip("."), reason)
        del kinds[1:]
    if group.values and not kinds and not any(kind in group.values for kind in KINDS):
        group.problems.add(group.label.rstrip("."), "nothing says what is checked")
        return
    _report_strays(group, kinds, headers)
    for kind in kinds:
        target = group.get(kind, KINDS[kind])
        if target is not None:
            yield Check(kind=kind, key=name or kind, **{**target, **_details(group, kind)})


def _refused(group: Settings, kind: str) -> bool:
    """Whether the value asks for no such check: nothing, or a word for false."""
    value = group.values[kind].strip().lower()
    return value in ("", "false", "no", "off")


def _report_strays(group: Settings, kinds: list[str], headers: set[str]) -> None:
    for key in sorted(SETTINGS.keys() & group.values.keys()):
        if kinds and not SETTINGS[key].kinds & set(kinds):
            group.problems.add(group.label + key, f"means nothing for {' and '.join(kinds)}")
    for key in sorted(headers):
        if kinds and not _WEB & set(kinds):
            group.problems.add(group.label + key, f"means nothing for {' and '.join(kinds)}")


def _details(group: Settings, kind: str) -> dict[str, Any]:
    """The fields of a check beside what it is aimed at; only those that its kind knows."""
    fields: dict[str, Any] = {"interval": DEFAULT_INTERVAL} if kind in _BY_CLOCK else {}
    if kind == "h2ping":
        fields["tls"] = True  # as Consul does by default
    for key, setting in SETTINGS.items():
        if kind in setting.kinds:
            value = group.get(key, lambda given, setting=setting: _limited(setting, given))  # type: ignore[misc]
            if value is not None:
                fields[setting.field] = value
    if kind in _WEB:
        fields["headers"] = _headers(group)
    return fields


def _limited(setting: Setting, given: str) -> Any:
    return values.limited(Check, setting.field, setting.convert(given))


def _headers(group: Settings) -> dict[str, tuple[str, ...]]:
    headers: dict[str, tuple[str, ...]] = {}
    for key in sorted(key for key in group.values if key.startswith(_HEADER)):
        header = key.removeprefix(_HEADER)
        if not _TOKEN.fullmatch(header):
            group.problems.add(group.label + key, "is no name of a header")
            continue
        value = group.get(key, values.text)
        if value is not None:
            headers[header] = (value,)
    return headers
