"""Convert registrations to JSON types and back, without loss.

    {"id": "h:web:80", "service": "web", "address": "10.0.0.5", "port": 80, "tags": ["a"],
     "checks": [{"kind": "http", "key": "http", "path": "/"}], "mark": {"owner": "syncer", ...}}

Fields with default values are left out, so that a field of a later version changes nothing until
it is set. A check made by a translator is written as `{"native": KEY, ...}`.
"""

import json
from collections.abc import Mapping
from enum import Enum
from typing import Any

import attrs

from syncer import Check, CheckStatus, Instance, Mark, Native, Registration


def dumps(value: Any, *, ascii_only: bool = False) -> str:
    """Return compact JSON on one line.

    Raises `ValueError` or `TypeError` for lone surrogates, NaN and objects.
    """
    text = json.dumps(value, ensure_ascii=ascii_only, allow_nan=False, separators=(",", ":"))
    text.encode()
    return text


def loads(text: str) -> Any:
    """Parse JSON. Raises `ValueError`, with the position, if it is invalid."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def fields_of(registration: Registration) -> dict[str, Any]:
    """Return the registration as JSON types."""
    found = {name: _plain(value) for name, value in _set_fields(registration.instance)}
    if registration.mark is not None:
        found["mark"] = registration.mark.fields()
    return found


def registration_of(fields: Any) -> Registration:
    """Return the registration described by JSON types; raises `ValueError` with a reason.

    Unknown fields are ignored, and so is an incomplete mark.
    """
    if not isinstance(fields, Mapping):
        raise ValueError("not an object")
    try:
        known = {name: value for name, value in fields.items() if name in _INSTANCE}
        known["checks"] = tuple(_check(value) for value in known.get("checks", ()))
        meta = dict(known.get("meta", {}))
        if not all(isinstance(one, str) for one in (*known.get("tags", []), *meta, *meta.values())):
            raise ValueError("tags and metadata must be text")
        instance = Instance(**known)
    except Exception as error:
        raise ValueError(f"invalid registration: {error}") from error
    return Registration(instance=instance, mark=_mark(fields.get("mark")))


def _set_fields(value: Any) -> list[tuple[str, Any]]:
    found = [(field, getattr(value, field.name)) for field in attrs.fields(type(value)) if field.eq]
    return [(field.name, item) for field, item in found if item != field.default]


def _plain(value: Any) -> Any:
    if isinstance(value, Native):
        return {
            "native": value.key,
            "definition": _plain(value.definition),
            **({"fed": True} if value.fed else {}),
        }
    if attrs.has(type(value)):
        return {name: _plain(item) for name, item in _set_fields(value)}
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    return value.value if isinstance(value, Enum) else value


def _check(fields: Mapping[str, Any]) -> Check | Native:
    if "native" in fields:
        return Native(
            key=fields["native"],
            definition=fields.get("definition", {}),
            fed=bool(fields.get("fed", False)),
        )
    known = {name: value for name, value in fields.items() if name in _CHECK}
    if known.get("initial_status") is not None:
        known["initial_status"] = CheckStatus(known["initial_status"])
    return Check(**known)


def _mark(fields: Any) -> Mark | None:
    if not isinstance(fields, Mapping):
        return None
    return Mark.from_fields({k: v for k, v in fields.items() if isinstance(v, str)})


_INSTANCE = frozenset(field.name for field in attrs.fields(Instance) if field.eq)
_CHECK = frozenset(field.name for field in attrs.fields(Check))
