"""The engine's events: which matter, and what they say, in the words of old and new engines."""

import json
from collections.abc import Iterator
from enum import Enum
from typing import Any

import attrs

from syncer_docker.describe import Json
from syncer_docker.stopping import signal_number

#: Longest event that is read, in bytes; a container's labels are in it.
MAX_LINE = 4 * 1024 * 1024
#: One second, which events that were told out of order may lie apart.
OVERLAP = 1_000_000_000


class Kind(Enum):
    """What an event means here."""

    STARTED = "started"
    ENDED = "ended"
    SIGNALLED = "signalled"
    CHANGED = "changed"


_KINDS = {
    "start": Kind.STARTED,
    "die": Kind.ENDED,
    "destroy": Kind.ENDED,
    "kill": Kind.SIGNALLED,
    "stop": Kind.CHANGED,
    "pause": Kind.CHANGED,
    "unpause": Kind.CHANGED,
    "rename": Kind.CHANGED,
    "update": Kind.CHANGED,
    "health_status": Kind.CHANGED,
    "connect": Kind.CHANGED,
    "disconnect": Kind.CHANGED,
}
#: What the engine tells after each end, too: then it is no news.
_TRAILING = ("stop", "disconnect", "destroy")
# Podman's words for the same.
_ALIASES = {"died": "die", "remove": "destroy"}

#: What the engine is asked to send: not the three events of every health probe (`exec_*`).
#: `health_status` stands for all its outcomes; engines compare it by its beginning.
FILTERS = {"type": ["container", "network"], "event": sorted({*_KINDS, *_ALIASES})}


class BrokenStream(Exception):
    """The stream of events holds something that is no event, or too much of it."""


@attrs.frozen
class Event:
    """Something that happened to a container; `time` is the engine's, in nanoseconds.

    `trails`: of a container that has ended it says nothing new.
    """

    kind: Kind
    id: str
    time: int = 0
    name: str = ""
    image: str = ""
    signal: int = 0
    trails: bool = False


def parse(line: bytes) -> Event | None:
    """The event in a line of the stream; None if it does not matter here.

    Raises BrokenStream if the line holds no event.
    """
    try:
        message = json.loads(line)
    except ValueError as error:
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
    # With an outcome (`health_status: healthy`) or without.
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
    return whole * 1_000_000_000 if isinstance(whole, int) else 0


def since_text(time: int) -> str:
    """The `since` that asks for everything after an event of this time, in nanoseconds."""
    seconds, nanos = divmod(max(0, time - OVERLAP), 1_000_000_000)
    return f"{seconds}.{nanos:09d}"


class Lines:
    """Cuts what arrives into lines, whatever the pieces are."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The lines that are whole now. Raises BrokenStream for one that is too long."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > MAX_LINE:
            raise BrokenStream(f"an event of more than {MAX_LINE} bytes")
        for line in lines:
            if line.strip():
                yield line
