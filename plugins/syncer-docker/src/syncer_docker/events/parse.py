"""The events of old and new engines: which matter, and their fields."""

import json
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Any

import attrs

from syncer_docker.containers.stopping import signal_number
from syncer_docker.fields import Json

#: Longest accepted event in bytes; it contains the container's labels.
MAX_LINE = 4 * 1024 * 1024
#: One second in nanoseconds.
SECOND = 1_000_000_000


class EventKind(Enum):
    """The meaning of an event for its container."""

    STARTED = "started"
    ENDED = "ended"
    SIGNALLED = "signalled"
    CHANGED = "changed"


_KINDS = {
    "start": EventKind.STARTED,
    "die": EventKind.ENDED,
    "destroy": EventKind.ENDED,
    "kill": EventKind.SIGNALLED,
    **dict.fromkeys(("stop", "pause", "unpause", "rename", "update"), EventKind.CHANGED),
    **dict.fromkeys(("health_status", "connect", "disconnect"), EventKind.CHANGED),
}
#: Sent after the end of a container as well, where they say nothing new.
_TRAILING = ("stop", "disconnect", "destroy")
# Podman's names.
_ALIASES = {"died": "die", "remove": "destroy"}

#: The requested events: without the three events of every health probe (`exec_*`).
#: `health_status` covers all its outcomes, since engines compare prefixes.
FILTERS = {"type": ["container", "network"], "event": sorted({*_KINDS, *_ALIASES})}


class BrokenStream(Exception):
    """The event stream was lost, or contains something that is not an event."""


@attrs.frozen
class Event:
    """An event of a container; `time` is the engine's, in nanoseconds.

    `trails`: says nothing new about a container that has ended.
    """

    kind: EventKind
    id: str
    time: int = 0
    name: str = ""
    image: str = ""
    signal: int = 0
    trails: bool = False


def parse(line: bytes) -> Event | None:
    """Return a line's event; `None` if it does not matter. `BrokenStream` if it is not an event."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BrokenStream(f"not JSON: {line[:80]!r}") from error
    if not isinstance(message, dict):
        raise BrokenStream(f"not an event: {line[:80]!r}")
    return _event(message)


def _event(message: Json) -> Event | None:
    actor = _fields(message, "Actor")
    attributes = _fields(actor, "Attributes")
    if message.get("Type", "container") == "network":
        id = attributes.get("container")
    else:
        id = actor.get("ID") or message.get("id")
    # Possibly with an outcome (`health_status: healthy`).
    action = str(message.get("Action") or message.get("status") or "").partition(":")[0]
    action = _ALIASES.get(action, action)
    kind = _KINDS.get(action)
    if kind is None or not id:
        return None
    return Event(
        kind,
        str(id),
        time=_time(message),
        name=str(attributes.get("name") or ""),
        image=str(attributes.get("image") or message.get("from") or ""),
        signal=signal_number(attributes.get("signal")),
        trails=action in _TRAILING,
    )


def _fields(message: Json, key: str) -> dict[str, Any]:
    value = message.get(key)
    return value if isinstance(value, dict) else {}


def _time(message: Json) -> int:
    precise, whole = message.get("timeNano"), message.get("time")
    if isinstance(precise, int):
        return precise
    return whole * SECOND if isinstance(whole, int) else 0


def split_lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines in received data. Raises `BrokenStream` if one is too long."""
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        if len(rest) > MAX_LINE:
            raise BrokenStream(f"an event is longer than {MAX_LINE} bytes")
        yield from filter(bytes.strip, lines)
