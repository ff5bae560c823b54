"""One service in a services file, and its workload.

Errors name every mistake with its place, and the likely key for a misspelt one. Text must be text:
YAML's `1.10` and `yes` are refused, since their values differ from what was written.
"""

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from syncer.api.checks import Check, CheckStatus
from syncer.api.model import Health, Offer, Port, State, Status, Workload
from syncer.api.options import parse_duration
from syncer.api.text import choice, did_you_mean

#: The state and health of a workload for each status. All have a health, so that a change of status
#: does not add or remove the check for it.
_CONDITIONS: Mapping[Status | None, tuple[State, Health | None]] = {
    None: (State.RUNNING, None),
    Status.UP: (State.RUNNING, Health.HEALTHY),
    Status.STARTING: (State.RUNNING, Health.STARTING),
    Status.UNHEALTHY: (State.RUNNING, Health.UNHEALTHY),
    Status.PAUSED: (State.PAUSED, Health.HEALTHY),
    Status.DRAINING: (State.STOPPING, Health.HEALTHY),
}


class Mistakes(ValueError):
    """All mistakes in an entry, each with its place."""

    def __init__(self, found: list[str]) -> None:
        super().__init__("; ".join(found))
        self.found = found


def read_service(fields: Any, place: str, source: str, scope: str) -> Workload:
    """Return the workload for an entry. Raises `Mistakes`."""
    known = _read(fields, place, _SERVICE)
    mistakes = [] if "name" in known else [f"{place}: `name` is missing"]
    checks = []
    for number, check in enumerate(known.pop("checks", [])):
        try:
            checks.append(_read_check(check, f"{place}.checks[{number}]"))
        except Mistakes as error:
            mistakes += error.found
    keys = [check.key for check in checks]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    mistakes += [f"{place}.checks: two checks have the key {key!r}: set `key`" for key in twice]
    if mistakes:
        raise Mistakes(mistakes)
    try:
        return _workload(known, tuple(checks), source, scope)
    except ValueError as error:
        raise Mistakes([f"{place}: {error}"]) from error


def _workload(
    known: dict[str, Any], checks: tuple[Check, ...], source: str, scope: str
) -> Workload:
    name, id_ = known.pop("name"), known.pop("id", "")
    state, health = _CONDITIONS[known.pop("status", None)]
    port = known.get("port", 0)
    protocol = known.setdefault("protocol", "tcp")
    address = known.pop("address", "")
    given = {"register_address": address, "register_port": port} if address else {}
    offer = Offer(service=name, id=id_, checks=checks, **given, **known)
    # Without ids, services differ by name, address or port; so must their workloads.
    called = "-".join(filter(None, [name, offer.register_address]))
    suffix = "" if protocol == "tcp" else f":{protocol}"
    return Workload(
        source=source,
        scope=scope,
        id=id_ or f"{called}:{port}{suffix}",
        name=called,
        state=state,
        health=health,
        ports=(Port(number=port, protocol=protocol),) if port else (),
        network_mode="host",
        offers=(offer,),
    )


def _read_check(fields: Any, place: str) -> Check:
    known = _read(fields, place, _CHECK)
    if "kind" not in known:
        raise Mistakes([f"{place}: `kind` is missing"])
    try:
        return Check(**known)
    except ValueError as error:
        raise Mistakes([f"{place}: {error}"]) from error


def _read(fields: Any, place: str, readers: Mapping[str, "Reader"]) -> dict[str, Any]:
    if not isinstance(fields, Mapping):
        raise Mistakes([f"{place}: must be a table, not {_shown(fields)}"])
    known: dict[str, Any] = {}
    mistakes = []
    for key, value in fields.items():
        reader = readers.get(key) if isinstance(key, str) else None
        if reader is None:
            mistakes.append(unknown_key(place, key, readers))
            continue
        try:
            known[key] = reader(value)
        except ValueError as error:
            mistakes.append(f"{place}.{key}: {error}")
    if mistakes:
        raise Mistakes(mistakes)
    return known


def unknown_key(place: str, key: Any, known: Mapping[str, Any]) -> str:
    """Return the error for an unknown key, with the nearest known one."""
    hint = did_you_mean(str(key), known) or f" (known: {', '.join(sorted(known))})"
    return f"{place}: unknown key {key!r}{hint}" if place else f"unknown key {key!r}{hint}"


Reader = Callable[[Any], Any]


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value) if isinstance(value, (int, float, str)) else f"a {type(value).__name__}"


def _text(value: Any) -> str:
    if not isinstance(value, str):
        hint = " (put it in quotes)" if isinstance(value, (bool, int, float)) else ""
        raise ValueError(f"must be text, not {_shown(value)}{hint}")
    return value


def _exactly(kind: type, called: str) -> Reader:
    def read(value: Any) -> Any:
        if type(value) is not kind:  # a bool is an int, too
            raise ValueError(f"must be {called}, not {_shown(value)}")
        return value

    return read


_integer = _exactly(int, "a whole number")
_boolean = _exactly(bool, "true or false")
_list = _exactly(list, "a list")


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError(f"must be a length of time (30s, 5m), not {_shown(value)}")
    return parse_duration(value)


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(_text(item) for item in _list(value))


def _table(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"must be a table, not {_shown(value)}")
    return {_text(key): item for key, item in value.items()}


def _meta(value: Any) -> Mapping[str, str]:
    found = {}
    for key, item in _table(value).items():
        try:
            found[key] = _text(item)
        except ValueError as error:
            raise ValueError(f"{key}: {error}") from error
    return found


def _headers(value: Any) -> Mapping[str, tuple[str, ...]]:
    items = _table(value).items()
    return {key: _texts(item if isinstance(item, list) else [item]) for key, item in items}


def _choice(kind: type[Status] | type[CheckStatus]) -> Reader:
    def read(value: Any) -> Any:
        words = [member.value for member in kind]
        if value not in words:
            raise ValueError(f"must be {choice(words, value)}")
        return kind(value)

    return read


_SERVICE: Mapping[str, Reader] = {
    "name": _text,
    "address": _text,
    "port": _integer,
    "protocol": _text,
    "id": _text,
    "tags": _texts,
    "meta": _meta,
    "checks": _list,
    "weight": _integer,
    "warning_weight": _integer,
    "tag_override": _boolean,
    "status": _choice(Status),
}
_BY_TYPE: Mapping[str, Reader] = {
    "interval": _seconds,
    "timeout": _seconds,
    "deregister_after": _seconds,
    "ttl": _seconds,
    "headers": _headers,
    "command": _texts,
    "initial_status": _choice(CheckStatus),
}


def _reader_of(field: "attrs.Attribute[Any]") -> Reader:
    if field.name in _BY_TYPE:
        return _BY_TYPE[field.name]
    readers: Mapping[Any, Reader] = {str: _text, bool: _boolean}
    return readers.get(field.type, _integer)


_CHECK: Mapping[str, Reader] = {f.name: _reader_of(f) for f in attrs.fields(Check)}
