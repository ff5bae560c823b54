"""What a check of each kind is aimed at: a path, a command, another service, a length of time."""

import shlex
from collections.abc import Callable, Mapping
from typing import Any

from syncer import Check
from syncer_registrator.labels.convert import (
    LONGEST_NAME,
    LONGEST_TEXT,
    Reader,
    duration,
    limited,
    truth,
)
from syncer_registrator.labels.problems import Unusable, unfit

Fields = dict[str, Any]


def read_target(reader: Reader, kind: str) -> Fields | None:
    """The fields of the check that its own key gives; None: there is to be no such check.

    `false` asks for none, whatever the kind.
    """
    if kind not in _TARGETS:
        return {} if reader.switch(kind) else None
    given = reader.given(kind)
    if given is None or _means(given.value) is False:
        return None
    return reader.value(_TARGETS[kind], kind)


def _means(text: str) -> bool | None:
    """Whether the text is a word for true or false; None: neither."""
    try:
        return truth(text)
    except ValueError:
        return None


def _short(text: str) -> str:
    bare = text.strip()
    reason = unfit(bare, LONGEST_NAME)
    if reason:
        raise ValueError(reason)
    return bare


def _path(text: str) -> Fields:
    path = "/" if text.strip().lower() == "true" else text.strip()
    reason = unfit(path, LONGEST_TEXT)
    if reason:
        raise ValueError(f"the path {reason}")
    if "://" in path.partition("?")[0] or " " in path:
        raise Unusable("a path, such as /health", path)
    return {"path": path if path.startswith("/") else f"/{path}"}


def _grpc(text: str) -> Fields:
    return {"path": "" if _means(text) else _short(text)}


def _alias(text: str) -> Fields:
    return {"alias": _short(text)}


def _ttl(text: str) -> Fields:
    return {"ttl": limited(Check, "ttl", duration(text))}


def _command(text: str) -> Fields:
    """A command split by the shell's rules; `$SERVICE_IP` and `$SERVICE_PORT` stay in it."""
    reason = unfit(text, LONGEST_TEXT, lines=True)
    if reason:
        raise ValueError(f"the command {reason}")
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise ValueError(f"not a command by the shell's rules: {str(error).lower()}") from None
    return {"command": tuple(words)}


_TARGETS: Mapping[str, Callable[[str], Fields]] = {
    "http": _path,
    "https": _path,
    "grpc": _grpc,
    "alias": _alias,
    "ttl": _ttl,
    "docker": _command,
    "script": _command,
}
