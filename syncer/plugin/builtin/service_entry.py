"""One service in a services file, and its workload.

Errors name every mistake with its place, and the likely key for a misspelt one. Text must be text:
YAML's `1.10` and `yes` are refused, since their values differ from what was written.
"""

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from syncer.api.checks import Check, CheckStatus
from syncer.api.fields import canonical_address
from syncer.api.options import parse_duration
from syncer.api.text import choice, did_you_mean
from syncer.api.workloads import Health, Offer, Port, State, Status, Workload
from syncer.desired.networking import unusable
from syncer.kits.labels import unfit, values
from syncer.kits.labels.checks import HTTP

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
    """Return the workload for an entry. Raises `Mistakes`.

    Whatever can be judged without the registry is judged here: an entry that is found to be bad
    later has already replaced the good one that it was.
    """
    known, mistakes = _read(fields, place, _SERVICE)
    if not mistakes and "name" not in known:
        mistakes.append(f"{place}: `name` is missing")
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
    known, mistakes = _read(fields, place, _CHECK)
    kind = known.get("kind", "")
    if not mistakes and not kind:
        mistakes.append(f"{place}: `kind` is missing")
    needed = _NEEDED.get(kind, "kind")
    if not mistakes and not known.get(needed):
        mistakes.append(f"{place}: a check of kind {kind} needs `{needed}`")
    if kind in HTTP and "path" in known:
        try:
            known["path"] = values.path(known["path"])
        except ValueError as error:
            mistakes.append(f"{place}.path: {error}")
    if mistakes:
        raise Mistakes(mistakes)
    return Check(**known)


def _read(
    fields: Any, place: str, readers: Mapping[str, "Reader"]
) -> tuple[dict[str, Any], list[str]]:
    """Return the values that could be read, and the mistakes."""
    if not isinstance(fields, Mapping):
        return {}, [f"{place}: must be a table, not {_shown(fields)}"]
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
    return known, mistakes


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
    if reason := unfit(value, len(value), lines=True):
        raise ValueError(reason)
    return value


def _name(value: Any) -> str:
    found = _text(value)
    if not found:
        raise ValueError("must not be empty")
    if found != found.strip():
        raise ValueError(f"has blanks at an end: {_shown(found)}")
    return values.name(found)


def _address(value: Any) -> str:
    found = canonical_address(_text(value))
    if not found:
        raise ValueError("must not be empty; leave the key out for this host's own address")
    if why := unusable(found):
        raise ValueError(why)
    return found


def _protocol(value: Any) -> str:
    if value not in _PROTOCOLS:
        raise ValueError(f"must be {choice(_PROTOCOLS, value)}")
    return str(value)


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


def _limited(kind: type, field: str, read: Reader) -> Reader:
    """Return a reader that also refuses what the field of this class refuses."""
    attribute: attrs.Attribute[Any] = getattr(attrs.fields(kind), field)

    def read_within_limits(value: Any) -> Any:
        found = read(value)
        if attribute.validator:
            try:
                attribute.validator(None, attribute, found)
            except ValueError as error:
                raise ValueError(str(error).removeprefix(f"{field} ")) from None
        return found

    return read_within_limits


_PROTOCOLS = ("tcp", "udp", "sctp")
#: The key that a check of this kind cannot do without.
_NEEDED = {"ttl": "ttl", "alias": "alias", "script": "command", "docker": "command"}
_SERVICE: Mapping[str, Reader] = {
    "name": _name,
    "address": _address,
    "port": _limited(Offer, "port", _integer),
    "protocol": _protocol,
    "id": _name,
    "tags": _texts,
    "meta": _meta,
    "checks": _list,
    "weight": _limited(Offer, "weight", _integer),
    "warning_weight": _limited(Offer, "warning_weight", _integer),
    "tag_override": _boolean,
    "status": _choice(Status),
}
_BY_NAME: Mapping[str, Reader] = {
    "kind": _name,
    "key": _name,
    "address": _address,
    "method": lambda value: values.method(_text(value)),
    "interval": _seconds,
    "timeout": _seconds,
    "deregister_after": _seconds,
    "ttl": _seconds,
    "headers": _headers,
    "command": _texts,
    "initial_status": _choice(CheckStatus),
}


def _reader_of(field: "attrs.Attribute[Any]") -> Reader:
    readers: Mapping[Any, Reader] = {str: _text, bool: _boolean}
    reader = _BY_NAME.get(field.name) or readers.get(field.type, _integer)
    return _limited(Check, field.name, reader)


_CHECK: Mapping[str, Reader] = {f.name: _reader_of(f) for f in attrs.fields(Check)}
