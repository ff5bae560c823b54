"""The target of a check by its kind: a path, a command, another service, a length of time."""

from collections.abc import Callable, Mapping
from typing import Any

from syncer import Check
from syncer.kits.labels import Settings
from syncer.kits.labels.values import command, limited, name, path, seconds
from syncer_registrator.labels.convert import switch, truth

Fields = dict[str, Any]


def read_target(settings: Settings, kind: str) -> Fields | None:
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


def _path(text: str) -> Fields:
    return {"path": "/" if text.strip().lower() == "true" else path(text)}


def _grpc(text: str) -> Fields:
    return {"path": "" if _means(text) else name(text)}


def _field(field: str, convert: Callable[[str], Any]) -> Callable[[str], Fields]:
    convert = limited(Check, field, convert)
    return lambda text: {field: convert(text)}


_TARGETS: Mapping[str, Callable[[str], Fields]] = {
    "http": _path,
    "https": _path,
    "grpc": _grpc,
    "alias": _field("alias", name),
    "ttl": _field("ttl", seconds),
    "docker": _field("command", command),
    "script": _field("command", command),
}
