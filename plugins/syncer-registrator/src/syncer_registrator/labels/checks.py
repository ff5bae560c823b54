"""The checks of a service: `CHECK_<kind>` asks for one, further keys describe it.

Several kinds make several checks. `CHECK_<n>_<kind>` asks for further ones of any kind. A setting
for number n takes precedence there over a setting for all checks.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

import attrs

from syncer import Check
from syncer.kits.labels import LONGEST_TEXT, Setting, Settings, quoted, unfit
from syncer.kits.labels.checks import HTTP, header_name, into_field, read_details
from syncer.kits.labels.values import command, name, path, seconds
from syncer_registrator.labels.convert import switch, truth
from syncer_registrator.labels.known_keys import CHECK_KINDS, header_number, split_check_key

#: Settings of one check, which numbered checks do not inherit.
_OWN = frozenset({"id", "name", "notes", *CHECK_KINDS})
#: The beginning of all keys of checks.
CHECK = "check_"
#: Checks of one service.
MOST_CHECKS = 100
_METHODS = frozenset({"http_method", "https_method"})
_HEADER_FORM = "must be `Name: value`, or a JSON object of names and values"

Headers = dict[str, tuple[str, ...]]


@attrs.frozen
class CheckGroup:
    """The checks of one number, 0 without a number; keys are `interval`, `header_1`, ..."""

    number: int
    kinds: tuple[str, ...]
    settings: Settings


def read_checks(settings: Settings) -> tuple[Check, ...]:
    """Return the checks that these settings ask for, in an order that does not change."""
    checks = list(islice(_checks(settings), MOST_CHECKS + 1))
    if len(checks) > MOST_CHECKS:
        settings.problems.add("checks", f"only the first {MOST_CHECKS} of a service are used")
    return _with_ids(checks[:MOST_CHECKS], settings)


def _checks(settings: Settings) -> Iterator[tuple[CheckGroup, Check]]:
    for group in _groups(settings):
        for kind in group.kinds:
            target = _target(group.settings, kind)
            if target is not None:
                key = f"{kind}-{group.number}" if group.number else kind
                fields = {**target, **_details(group.settings, kind)}
                yield group, Check(kind=kind, key=key, **fields)


def _groups(settings: Settings) -> Iterator[CheckGroup]:
    """Yield the groups in the order of their numbers."""
    found: dict[int, dict[str, Setting]] = {}
    for key, setting in settings.by_key.items():
        if key.startswith(CHECK):
            number, word = split_check_key(key)
            found.setdefault(number, {})[word] = setting
    common = found.get(0, {})
    for number, own in sorted(found.items()):
        kinds = tuple(kind for kind in CHECK_KINDS if kind in own)
        by_key = _inherited(common, own) | own if number else own
        yield CheckGroup(number, kinds, attrs.evolve(settings, by_key=by_key))
        if number and not kinds:
            origin = min(setting.origin for setting in own.values())
            reason = f"check {number} has no kind: set CHECK_{number}_HTTP or another"
            settings.problems.add(origin, reason)


def _inherited(common: Mapping[str, Setting], own: Mapping[str, Setting]) -> dict[str, Setting]:
    """Return the settings for all checks that count for a numbered one too."""
    other_headers = any(header_number(key) is not None for key in own)
    return {
        key: setting
        for key, setting in common.items()
        if key not in _OWN
        and not (other_headers and header_number(key) is not None)
        and not ("method" in own and key in _METHODS)
    }


def _target(settings: Settings, kind: str) -> dict[str, Any] | None:
    """Return the fields of `Check` that the key of this kind sets; `None`: no such check.

    `false` asks for none, whatever the kind.
    """
    if kind not in _TARGETS:
        return {} if switch(settings, kind) else None
    setting = settings.given(kind)
    if setting is None or _means(setting.value) is False:
        return None
    return settings.get(kind, _TARGETS[kind])


def _means(text: str) -> bool | None:
    """Return whether the text is a word for true or for false; `None`: neither."""
    try:
        return truth(text)
    except ValueError:
        return None


def _path(text: str) -> dict[str, Any]:
    return {"path": "/" if text.strip().lower() == "true" else path(text)}


def _grpc(text: str) -> dict[str, Any]:
    return {"path": "" if _means(text) else name(text)}


_TARGETS: Mapping[str, Callable[[str], dict[str, Any]]] = {
    "http": _path,
    "https": _path,
    "grpc": _grpc,
    "alias": into_field("alias", name),
    "ttl": into_field("ttl", seconds),
    "docker": into_field("command", command),
    "script": into_field("command", command),
}


def _details(settings: Settings, kind: str) -> dict[str, Any]:
    """Return the fields that describe the check, of those that its kind has."""
    keys = {"fed": "ttl_fed", "tls": f"{kind}_use_tls"}
    if f"{kind}_method" in settings.by_key:
        keys["method"] = f"{kind}_method"
    fields = read_details(settings, kind, keys, truth)
    if kind in HTTP:
        fields["headers"] = _headers(settings)
    if kind != "https" and not fields.get("tls"):
        # Without TLS these two have no effect, and Consul is not sent them.
        fields = {field: v for field, v in fields.items() if not field.startswith("tls_")}
    return fields


def _headers(settings: Settings) -> Headers:
    """Return the headers of `header`, `header_1`, ..., in the order of their numbers."""
    numbers = {key: header_number(key) for key in settings.by_key}
    merged: Headers = {}
    for _, key in sorted((number, key) for key, number in numbers.items() if number is not None):
        for header, values in (settings.get(key, _header) or {}).items():
            merged[header] = merged.get(header, ()) + values
    return merged


def _header(text: str) -> Headers:
    """Read the headers of one setting. Errors leave values out: they may be passwords."""
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"is longer than {LONGEST_TEXT} characters")
    if text.lstrip().startswith("{"):
        return _from_json(text)
    header, colon, value = text.partition(":")
    if not colon:
        raise ValueError(_HEADER_FORM)
    return {header_name(header.strip()): (_value(value.strip()),)}


def _from_json(text: str) -> Headers:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError(_HEADER_FORM) from None
    headers: Headers = {}
    for header, given in found.items():
        values = given if isinstance(given, list) else [given]
        headers[header_name(header)] = tuple(_value(value) for value in values)
    return headers


def _value(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(_HEADER_FORM)
    if reason := unfit(value, LONGEST_TEXT):
        raise ValueError(f"the value of a header {reason}")
    return value


def _with_ids(checks: list[tuple[CheckGroup, Check]], settings: Settings) -> tuple[Check, ...]:
    """Return the checks under the ids that settings give; no two have the same one."""
    taken = {check.key for _, check in checks}
    named = []
    for group, check in checks:
        key = group.settings.get("id", name) or check.key
        setting = group.settings.given("id")
        if setting and key != check.key and key in taken:
            id_ = "the id" if setting.from_env else f"the id {quoted(key)}"
            reason = f"{id_} is taken by another check: not used for {check.key}"
            settings.problems.add(setting.origin, reason)
            key = check.key
        taken.add(key)
        named.append(attrs.evolve(check, key=key))
    return tuple(named)
