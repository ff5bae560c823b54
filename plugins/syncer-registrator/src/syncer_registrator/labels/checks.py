"""The checks of a service: `CHECK_<kind>` asks for one, further keys describe it.

Several kinds make several checks. `CHECK_<n>_<kind>` asks for further ones of any kind, and what
is set for number n counts there in place of what is set for all.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from syncer import Check, CheckStatus
from syncer_registrator.labels.addresses import address
from syncer_registrator.labels.check_headers import method, read_headers
from syncer_registrator.labels.check_targets import read_target
from syncer_registrator.labels.convert import LONGEST_NAME, Reader, word
from syncer_registrator.labels.keys import Setting
from syncer_registrator.labels.known_keys import CHECK_KINDS, check_word, header_number
from syncer_registrator.labels.problems import Unusable, quoted

#: Registrator's interval, for every kind that is run by the clock.
DEFAULT_INTERVAL = 10.0

_WEB = frozenset({"http", "https"})
_COMMANDS = frozenset({"script", "docker"})
_OVER_NETWORK = _WEB | {"tcp", "udp", "grpc", "h2ping"}
_BY_CLOCK = _OVER_NETWORK | _COMMANDS
#: What belongs to one check and is not passed on to numbered ones.
_OWN = frozenset({"id", "name", "notes", *CHECK_KINDS})
_METHODS = frozenset({"http_method", "https_method"})


@attrs.frozen
class Group:
    """The checks of one number, 0 being those without; keys are `interval`, `header_1`, ..."""

    number: int
    kinds: tuple[str, ...]
    reader: Reader

    def key(self, kind: str) -> str:
        """What tells this check from the others of the service, unless an id is given."""
        return f"{kind}-{self.number}" if self.number else kind

    def seconds(self, field: str) -> float | None:
        """A length of time for the field of the same name."""
        return self.reader.seconds(Check, field, field)

    def count(self, field: str) -> int | None:
        """A whole number for the field of the same name."""
        return self.reader.number(Check, field, field)

    def name(self, field: str) -> str:
        """A short text."""
        return self.reader.text(field, longest=LONGEST_NAME)


def read_checks(reader: Reader) -> tuple[Check, ...]:
    """All checks that these settings ask for, in an order that never changes."""
    checks: list[tuple[Group, Check]] = []
    for group in _groups(reader):
        for kind in group.kinds:
            target = read_target(group.reader, kind)
            if target is not None:
                fields = {**target, **_details(group, kind)}
                checks.append((group, Check(kind=kind, key=group.key(kind), **fields)))
    return _with_ids(checks, reader)


def mirrors_health(reader: Reader) -> bool:
    """Whether the container's own health check is shown."""
    return reader.switch("check_container") is not False


def _groups(reader: Reader) -> Iterator[Group]:
    """The numbers that there are, in order."""
    found: dict[int, dict[str, Setting]] = {}
    for key, setting in reader.settings.items():
        if key.startswith("check_"):
            parts = check_word(key)
            found.setdefault(parts.number, {})[parts.setting] = setting
    common = found.get(0, {})
    for number, own in sorted(found.items()):
        kinds = tuple(kind for kind in CHECK_KINDS if kind in own)
        settings = _inherited(common, own) | own if number else own
        yield Group(number, kinds, Reader(settings, reader.problems))
        if number and not kinds:
            origin = min(setting.origin for setting in own.values())
            reader.problems.add(origin, f"nothing says what check {number} checks")


def _inherited(common: Mapping[str, Setting], own: Mapping[str, Setting]) -> dict[str, Setting]:
    """What is set for all checks and counts for those with a number too."""
    other_headers = any(header_number(key) is not None for key in own)
    return {
        key: setting
        for key, setting in common.items()
        if key not in _OWN
        and not (other_headers and header_number(key) is not None)
        and not ("method" in own and key in _METHODS)
    }


def _details(group: Group, kind: str) -> dict[str, Any]:
    """The fields of a check that say how it is made; only those that its kind knows."""
    reader = group.reader
    fields: dict[str, Any] = {
        "name": group.name("name"),
        "notes": reader.text("notes"),
        "initial_status": reader.value(_status, "initial_status"),
        "deregister_after": group.seconds("deregister_after"),
    }
    if kind == "ttl":
        fields["fed"] = bool(reader.flag("ttl_fed"))
    if kind in _BY_CLOCK:
        fields |= _timing(group)
    if kind in _OVER_NETWORK:
        fields["address"] = reader.value(address, "address") or ""
        fields["port"] = group.count("port")
    if kind in _WEB:
        fields |= _request(reader, kind)
    if kind in _COMMANDS:
        fields["shell"] = group.name("shell")
    return fields | _tls(group, kind)


def _timing(group: Group) -> dict[str, Any]:
    interval = group.seconds("interval")
    return {
        "interval": DEFAULT_INTERVAL if interval is None else interval,
        "timeout": group.seconds("timeout"),
        "success_before_passing": group.count("success_before_passing"),
        "failures_before_warning": group.count("failures_before_warning"),
        "failures_before_critical": group.count("failures_before_critical"),
    }


def _request(reader: Reader, kind: str) -> dict[str, Any]:
    return {
        "method": reader.value(method, f"{kind}_method", "method") or "",
        "headers": read_headers(reader),
        "body": reader.text("body", lines=True),
        "follow_redirects": reader.flag("follow_redirects") is not False,
    }


def _tls(group: Group, kind: str) -> dict[str, Any]:
    """The fields about TLS; h2ping uses it unless told otherwise, as Consul does."""
    fields: dict[str, Any] = {}
    if kind == "grpc":
        fields["tls"] = bool(group.reader.flag("grpc_use_tls"))
    elif kind == "h2ping":
        fields["tls"] = group.reader.flag("h2ping_use_tls") is not False
    if kind == "https" or fields.get("tls"):
        fields["tls_skip_verify"] = bool(group.reader.flag("tls_skip_verify"))
        fields["tls_server_name"] = group.name("tls_server_name")
    return fields


def _status(text: str) -> CheckStatus:
    status = word(text).lower()
    known = [known.value for known in CheckStatus]
    if status not in known:
        raise Unusable(" or ".join(known), status)
    return CheckStatus(status)


def _with_ids(checks: list[tuple[Group, Check]], reader: Reader) -> tuple[Check, ...]:
    """The checks under the ids that settings give them; no two of them under the same one."""
    taken = {check.key for _, check in checks}
    named = []
    for group, check in checks:
        key = group.name("id") or check.key
        setting = group.reader.given("id")
        if setting and key != check.key and key in taken:
            reason = f"{quoted(key)} is the id of another check: not used for the check {check.key}"
            reader.problems.add(setting.origin, reason)
            key = check.key
        taken.add(key)
        named.append(attrs.evolve(check, key=key))
    return tuple(named)
