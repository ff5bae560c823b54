"""Answers that come drop by drop, in every form: each request ends within its deadline."""

import itertools
import socket
import threading

import pytest

from servers.faulty import Faulty
from syncer import TemporaryError
from syncer.kits.http import HttpClient, connections, deadline

#: The longest pause of the server, in seconds: each byte comes long before a read would give up.
PAUSE = 0.05
TIMEOUT = 0.3
#: How long a test waits for a request that must have ended by itself long before, in seconds.
FAR = 20


class Drops(list):
    """A step of a script: a beginning, then the same again and again, with pauses."""

    def __init__(self, head, drop):
        self._head, self._drop = head, drop

    def __iter__(self):
        yield self._head
        pause = threading.Event()
        for _ in itertools.count():
            pause.wait(PAUSE)
            yield self._drop


FORMS = {
    "small with a length": (b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", b" "),
    "large with a length": (b"HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n", b" "),
    "chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "the length of a chunk": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0"),
    "until it is closed": (b"HTTP/1.0 200 OK\r\n\r\n", b" "),
    "headers": (b"HTTP/1.1 200 OK\r\nX-", b"a"),
    "the first line": (b"HTTP/1.1 200 ", b"O"),
    "one interim answer after the other": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "trailers": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
        b"X: y\r\n",
    ),
}


def ends(client, **options):
    """Send a request in a thread of its own; it must end. Returns the error's text."""
    said = []

    def ask():
        try:
            client.send("GET", "/x", **options)
        except TemporaryError as error:
            said.append(str(error))

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(FAR)
    assert not thread.is_alive(), "the request goes on"
    (text,) = said
    return text


@pytest.mark.parametrize("form", FORMS)
def test_drop_by_drop(form):
    """Whatever part of the answer comes so slowly, and however often something comes."""
    server = Faulty([Drops(*FORMS[form])])
    client = HttpClient("it", "127.0.0.1", server.port, timeout=TIMEOUT, connections=1)
    try:
        assert ends(client).startswith("it: no answer within 0.3 s")
    finally:
        client.close()
        server.close()


def test_an_answer_without_end_is_bounded_before_its_end(monkeypatch):
    """By the bytes on the line too, whatever they are: headers, say."""
    monkeypatch.setattr(deadline, "LARGEST_ANSWER", 100_000)
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
    server = Faulty([[head, *[b"X: y\r\n" * 1000] * 100]])
    client = HttpClient("it", "127.0.0.1", server.port, timeout=FAR, connections=1)
    try:
        assert "more than 100000 bytes" in ends(client)
    finally:
        client.close()
        server.close()


def test_a_server_that_does_not_read(unread):
    """What is sent has to end in time too."""
    client = HttpClient("it", "127.0.0.1", unread, timeout=TIMEOUT, connections=1)
    assert "no answer within" in ends(client, body=b"x" * 50_000_000)
    client.close()


@pytest.fixture
def unread():
    """The port of a server that takes connections and reads nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def test_all_addresses_of_a_name_have_the_time_together(monkeypatch):
    """Not each of them the whole of it."""
    asked = []

    def connected(kind, address, options, timeout):
        asked.append(timeout)
        threading.Event().wait(timeout)
        raise TimeoutError("timed out")

    places = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"192.0.2.{n}", 80)) for n in range(50)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: places)
    monkeypatch.setattr(connections, "_connected", connected)
    client = HttpClient("it", "many.test", 80, timeout=TIMEOUT, connections=1)
    assert "no answer within" in ends(client)
    assert sum(asked) < 2 * TIMEOUT
    client.close()


def test_waiting_for_a_place_is_a_part_of_it():
    """A request that gets its connection late has less time for the answer."""
    server = Faulty([None])
    client = HttpClient("it", "127.0.0.1", server.port, timeout=60, connections=1, block=True)
    until = deadline.Deadline(deadline.time.monotonic() + 10, 5)
    until._end -= 8  # as if eight seconds had passed while it waited
    later = until.clone()
    assert later.total <= 2
    assert later.connect_timeout <= 2
    client.close()
    server.close()
