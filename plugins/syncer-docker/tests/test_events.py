"""The engine's events, from bytes to what they mean."""

import json

import pytest

from syncer_docker.events.parse import (
    FILTERS,
    MAX_LINE,
    BrokenStream,
    Event,
    EventKind,
    parse,
    split_lines,
)
from syncer_docker.events.stream import EventStream

ID = "a" * 64


def message(action, **fields):
    """An event of a new engine (API 1.52): without `status`, `id` and `from`."""
    return {
        "Type": "container",
        "Action": action,
        "Actor": {"ID": ID, "Attributes": {"name": "web", "image": "nginx"}},
        "scope": "local",
        "time": 5,
        "timeNano": 5_000_000_001,
    } | fields


def parsed(fields):
    return parse(json.dumps(fields).encode())


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        ("start", EventKind.STARTED),
        ("die", EventKind.ENDED),
        ("died", EventKind.ENDED),
        ("destroy", EventKind.ENDED),
        ("remove", EventKind.ENDED),
        ("stop", EventKind.CHANGED),
        ("pause", EventKind.CHANGED),
        ("unpause", EventKind.CHANGED),
        ("rename", EventKind.CHANGED),
        ("update", EventKind.CHANGED),
        ("health_status: healthy", EventKind.CHANGED),
        ("health_status: unhealthy", EventKind.CHANGED),
        ("health_status", EventKind.CHANGED),
    ],
)
def test_kinds(action, kind):
    """Each event that matters is understood, and the engine is asked to send it."""
    trails = action in ("stop", "destroy", "remove")
    expected = Event(kind, ID, time=5_000_000_001, name="web", image="nginx", trails=trails)
    assert parsed(message(action)) == expected
    assert action.partition(":")[0] in FILTERS["event"]


def test_old_engine():
    """Events of old engines (`status`, `id`, `from`, whole seconds) are understood."""
    old = {"status": "start", "id": ID, "from": "nginx", "time": 7}
    assert parsed(old) == Event(EventKind.STARTED, ID, time=7_000_000_000, image="nginx")


@pytest.mark.parametrize(("text", "number"), [("15", 15), ("SIGTERM", 15), ("quit", 3), ("?", 0)])
def test_kill(text, number):
    """A kill event names the signal, by number or by name."""
    event = parsed(message("kill", Actor={"ID": ID, "Attributes": {"signal": text}}))
    assert (event.kind, event.signal) == (EventKind.SIGNALLED, number)


@pytest.mark.parametrize("action", ["connect", "disconnect"])
def test_network(action):
    """A network event is about the container that it names, not about the network."""
    actor = {"ID": "n" * 64, "Attributes": {"container": ID, "name": "apps", "type": "bridge"}}
    event = parsed(message(action, Type="network", Actor=actor))
    assert (event.kind, event.id) == (EventKind.CHANGED, ID)


@pytest.mark.parametrize(
    "fields",
    [
        message("exec_create: sh -c true"),
        message("exec_die"),
        message("create"),
        message("attach"),
        message("connect", Type="network", Actor={"ID": "n", "Attributes": {}}),
        message("start", Actor=None),
        message(None),
        {},
        {"Actor": 5, "Action": ["start"]},
    ],
)
def test_other_events(fields):
    """Events that change nothing here, and odd ones, are passed over."""
    assert parsed(fields) is None


@pytest.mark.parametrize("line", [b"{", b"[]", b"5", b"\xff", b'{"Action":'])
def test_broken(line):
    """What is no event at all breaks the stream."""
    with pytest.raises(BrokenStream):
        parse(line)


def test_lines():
    """Lines are cut right whatever the pieces are, and empty ones are passed over."""
    text = '{"a": "ä"}\n\r\n{"b": 2}\r\n{"c"'.encode()
    for size in range(1, len(text) + 1):
        pieces = [text[i : i + size] for i in range(0, len(text), size)]
        found = [json.loads(line) for line in split_lines(pieces)]
        assert found == [{"a": "ä"}, {"b": 2}]


def test_line_too_long():
    """A line without an end is not kept for ever."""
    pieces = [b"x" * MAX_LINE]
    assert list(split_lines(pieces)) == []
    with pytest.raises(BrokenStream):
        list(split_lines([*pieces, b"x"]))


class Answer:
    """An answer of the engine that gives these pieces, then raises or ends."""

    def __init__(self, *pieces):
        self.raw, self.pieces, self.connection = self, list(pieces), None

    def read1(self, amount):
        piece = self.pieces.pop(0) if self.pieces else b""
        if isinstance(piece, Exception):
            raise piece
        return piece

    def shutdown(self):
        raise RuntimeError("Cannot shutdown as connection has already been released to the pool")

    def close(self):
        pass


def line(action):
    return json.dumps(message(action)).encode() + b"\n"


def test_stream_ends():
    """At the end of the stream all events have been yielded; half a line is not an event."""
    stream = EventStream(Answer(line("start") + line("die")[:20], line("die")[20:], b'{"Ac'))
    assert [event.kind for event in stream] == [EventKind.STARTED, EventKind.ENDED]
    stream.release()
    stream.release()


@pytest.mark.parametrize("end", [OSError("reset"), b"not json\n", ValueError("closed file")])
def test_stream_breaks(end):
    """A connection that breaks, or nonsense on it, is a broken stream after the good events."""
    events = iter(EventStream(Answer(line("start"), end)))
    assert next(events).kind is EventKind.STARTED
    with pytest.raises(BrokenStream):
        next(events)


def test_silence_is_no_error():
    """A stream that is silent for too long ends, so that it is reopened."""
    assert list(EventStream(Answer(TimeoutError("timed out")), quiet=1)) == []
