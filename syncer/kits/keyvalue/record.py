"""Instances as JSON types, and back; fields at their default are left out."""

import json
from collections.abc import Collection, Mapping
from typing import Any

import attrs

from syncer.api.errors import PermanentError
from syncer.api.registrations import Instance, Mark, Registration

#: The key of syncer's own data in values that belong to a consumer.
OWN = "syncer"
_FIELDS = (
    *("id", "service", "address", "port", "protocol", "tags", "meta"),
    *("weight", "warning_weight", "tag_override"),
)
_DEFAULTS: Mapping[str, Any] = {
    name: getattr(attrs.fields(Instance), name).default for name in _FIELDS
}
#: Created once: creating it costs more than using it.
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def dumps(value: Any) -> str:
    """Return JSON on one line; raises ValueError for what JSON or UTF-8 cannot say."""
    text = _ENCODER.encode(value)
    text.encode()
    return text


def loads(text: str) -> dict[str, Any]:
    """Return a JSON object; raises ValueError for anything else."""
    try:
        found = json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(found, dict):
        raise ValueError("not an object")
    return found


def fields_of(instance: Instance, without: Collection[str] = ()) -> dict[str, Any]:
    """Return the fields that are set, as JSON types, except those in `without`."""
    found: dict[str, Any] = {}
    for name, default in _DEFAULTS.items():
        value = getattr(instance, name)
        if name not in without and value != default:
            found[name] = _plain(value)
    return found


def instance_of(fields: Mapping[str, Any], **more: Any) -> Instance:
    """Return the instance with the known ones of these fields; raises ValueError or TypeError."""
    known = {name: fields[name] for name in _FIELDS if name in fields} | more
    meta, tags = known.get("meta", {}), known.get("tags", ())
    named = [known[name] for name in ("id", "service", "address", "protocol") if name in known]
    if not isinstance(meta, Mapping) or not isinstance(tags, (list, tuple)):
        raise ValueError("tags must be a list, meta a mapping")
    if not all(isinstance(text, str) for text in (*named, *tags, *meta, *meta.values())):
        raise ValueError("a field that must be text is not")
    return Instance(**known)


def registration_of(fields: Mapping[str, Any]) -> Registration:
    """Return the registration with these fields, and with the mark in `mark` if it is complete."""
    return Registration(instance=instance_of(fields), mark=mark_of(fields.get("mark")))


def mark_of(fields: Any) -> Mark | None:
    """Return the stored mark; `None` if there is no complete one."""
    if not isinstance(fields, Mapping):
        return None
    return Mark.from_fields({k: v for k, v in fields.items() if isinstance(v, str)})


def own_of(registration: Registration, without: Collection[str]) -> dict[str, Any]:
    """Return the value under `OWN`: the mark, and fields that the consumer's own do not show."""
    found = fields_of(registration.instance, without)
    if registration.mark is not None:
        found["mark"] = registration.mark.fields()
    return found


def free_of_own(instance: Instance) -> None:
    """Raise PermanentError if the instance's metadata has the key that syncer uses."""
    if OWN in instance.meta:
        raise PermanentError(f"{instance.id}: metadata {OWN!r} is reserved in this layout")


def twin_of(registration: Registration) -> str:
    """Return the value of a twin entry: the whole instance and its mark."""
    return dumps(own_of(registration, ()))


def from_twin(value: str) -> Registration:
    """Return the registration in a twin entry; raises ValueError."""
    try:
        return registration_of(loads(value))
    except TypeError as error:
        raise ValueError(str(error)) from error


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, tuple) else value
