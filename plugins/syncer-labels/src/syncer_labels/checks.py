"""The checks of a service: `check.<kind>` asks for one, `check.<setting>` describes it.

Further checks have a name: `check.<name>.<kind>`, `check.<name>.<setting>`.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs

from syncer import Check
from syncer.kits.labels import Settings, values
from syncer.kits.labels.checks import DETAILS, HTTP, Detail, header_name, into_field, read_details

#: Checks of one service.
MOST_CHECKS = 100

_HEADER = "header."


def _grpc(value: str) -> dict[str, Any]:
    """Read `true`, or the name of the gRPC service."""
    asked = values.name(value)
    return {"path": "" if asked.lower() == "true" else asked}


def _nothing(value: str) -> dict[str, Any]:
    values.truth(value)  # false was seen before
    return {}


#: The kinds, each with what reads its value.
KINDS: Mapping[str, Callable[[str], dict[str, Any]]] = {
    "http": into_field("path", values.path),
    "https": into_field("path", values.path),
    "tcp": _nothing,
    "udp": _nothing,
    "grpc": _grpc,
    "h2ping": _nothing,
    "ttl": into_field("ttl", values.seconds),
    "alias": into_field("alias", values.name),
    "script": into_field("command", values.command),
    "docker": into_field("command", values.command),
}


_KEYS = {field: field.replace("_", "-") for field in DETAILS} | {"name": "title"}
#: The settings that describe a check.
SETTINGS: Mapping[str, Detail] = {_KEYS[field]: detail for field, detail in DETAILS.items()}


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
    refused = ("", *values.FALSE)
    kinds = [kind for kind in asked if group.by_key[kind].value.strip().lower() not in refused]
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
    fields = read_details(group, kind, _KEYS)
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
