"""The checks of a service: `CHECK_<kind>` asks for one, further keys describe it.

Several kinds make several checks. `CHECK_<n>_<kind>` asks for further ones of any kind. A setting
for number n takes precedence there over a setting for all checks.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from syncer import Check
from syncer.kits.labels import Setting, Settings, quoted
from syncer.kits.labels.checks import BY_CLOCK, COMMANDS, DEFAULT_INTERVAL, HTTP, OVER_NETWORK
from syncer.kits.labels.values import (
    address,
    limited,
    lines,
    method,
    name,
    seconds,
    status,
    text,
    whole,
)
from syncer_registrator.labels.check_headers import read_headers
from syncer_registrator.labels.check_targets import read_target
from syncer_registrator.labels.convert import switch, truth
from syncer_registrator.labels.known_keys import CHECK_KINDS, header_number, split_check_key

#: Settings of one check, which numbered checks do not inherit.
_OWN = frozenset({"id", "name", "notes", *CHECK_KINDS})
_METHODS = frozenset({"http_method", "https_method"})


@attrs.frozen
class CheckGroup:
    """The checks of one number, 0 without a number; keys are `interval`, `header_1`, ..."""

    number: int
    kinds: tuple[str, ...]
    settings: Settings

    def key(self, kind: str) -> str:
        """Return the key of this check, unless an id is given."""
        return f"{kind}-{self.number}" if self.number else kind

    def seconds(self, field: str) -> float | None:
        """Read a length of time for the field of the same name."""
        return self.settings.get(field, limited(Check, field, seconds))

    def count(self, field: str) -> int | None:
        """Read a whole number for the field of the same name."""
        return self.settings.get(field, limited(Check, field, whole))

    def name(self, field: str) -> str:
        """Read a short text."""
        return self.settings.get(field, name) or ""

    def flag(self, key: str, default: bool) -> bool:
        """Read true or false."""
        found = self.settings.get(key, truth)
        return default if found is None else found


def read_checks(settings: Settings) -> tuple[Check, ...]:
    """Return the checks that these settings ask for, in an order that does not change."""
    checks: list[tuple[CheckGroup, Check]] = []
    for group in _groups(settings):
        for kind in group.kinds:
            target = read_target(group.settings, kind)
            if target is not None:
                fields = {**target, **_details(group, kind)}
                checks.append((group, Check(kind=kind, key=group.key(kind), **fields)))
    return _with_ids(checks, settings)


def mirrors_health(settings: Settings) -> bool:
    """Return whether the container's own health check is shown."""
    return switch(settings, "check_container") is not False


def _groups(settings: Settings) -> Iterator[CheckGroup]:
    """Yield the groups in the order of their numbers."""
    found: dict[int, dict[str, Setting]] = {}
    for key, setting in settings.by_key.items():
        if key.startswith("check_"):
            parts = split_check_key(key)
            found.setdefault(parts.number, {})[parts.setting] = setting
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


def _details(group: CheckGroup, kind: str) -> dict[str, Any]:
    """Return the fields that describe the check, of those that its kind has."""
    get = group.settings.get
    fields: dict[str, Any] = {
        "name": group.name("name"),
        "notes": get("notes", text) or "",
        "initial_status": get("initial_status", status),
        "deregister_after": group.seconds("deregister_after"),
    }
    if kind == "ttl":
        fields["fed"] = group.flag("ttl_fed", default=False)
    if kind in BY_CLOCK:
        fields |= _timing(group)
    if kind in OVER_NETWORK:
        fields["address"] = get("address", address) or ""
        fields["port"] = group.count("port")
    if kind in HTTP:
        fields |= _request(group, kind)
    if kind in COMMANDS:
        fields["shell"] = group.name("shell")
    return fields | _tls(group, kind)


def _timing(group: CheckGroup) -> dict[str, Any]:
    interval = group.seconds("interval")
    return {
        "interval": DEFAULT_INTERVAL if interval is None else interval,
        "timeout": group.seconds("timeout"),
        "success_before_passing": group.count("success_before_passing"),
        "failures_before_warning": group.count("failures_before_warning"),
        "failures_before_critical": group.count("failures_before_critical"),
    }


def _request(group: CheckGroup, kind: str) -> dict[str, Any]:
    settings = group.settings
    method_key = f"{kind}_method" if f"{kind}_method" in settings.by_key else "method"
    return {
        "method": settings.get(method_key, method) or "",
        "headers": read_headers(settings),
        "body": settings.get("body", lines) or "",
        "follow_redirects": group.flag("follow_redirects", default=True),
    }


def _tls(group: CheckGroup, kind: str) -> dict[str, Any]:
    """Return the fields about TLS. As in Consul, h2ping uses it by default."""
    fields: dict[str, Any] = {}
    if kind == "grpc":
        fields["tls"] = group.flag("grpc_use_tls", default=False)
    elif kind == "h2ping":
        fields["tls"] = group.flag("h2ping_use_tls", default=True)
    if kind == "https" or fields.get("tls"):
        fields["tls_skip_verify"] = group.flag("tls_skip_verify", default=False)
        fields["tls_server_name"] = group.name("tls_server_name")
    return fields


def _with_ids(checks: list[tuple[CheckGroup, Check]], settings: Settings) -> tuple[Check, ...]:
    """Return the checks under the ids that settings give; no two have the same one."""
    taken = {check.key for _, check in checks}
    named = []
    for group, check in checks:
        key = group.name("id") or check.key
        setting = group.settings.given("id")
        if setting and key != check.key and key in taken:
            id_ = "the id" if setting.from_env else f"the id {quoted(key)}"
            reason = f"{id_} is taken by another check: not used for {check.key}"
            settings.problems.add(setting.origin, reason)
            key = check.key
        taken.add(key)
        named.append(attrs.evolve(check, key=key))
    return tuple(named)
