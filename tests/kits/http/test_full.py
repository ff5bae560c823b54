"""Servers that accept no more connections: those that are open are gone on with."""

import contextlib
import socket
import struct
import threading
from types import SimpleNamespace

import pytest

from servers.process import free_port
from syncer import TemporaryError
from syncer.kits.http import HttpClient, connections, each
from syncer.kits.http.connections import Places
from syncer.testing import wait_until

RESET = struct.pack("ii", 1, 0)
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
TOO_MANY = b"HTTP/1.1 429 Too Many Requests\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class Full:
    """A server that answers on so many connections at a time, and refuses each further one."""

    def __init__(self, most, refusal):
        self.most, self._refusal = most, refusal
        self.opened, self.refused = set(), 0
        self.held, self.over = threading.Event(), threading.Event()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", free_port()), backlog=100)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                room = len(self.opened) < self.most
                if room:
                    self.opened.add(sock)
                self.refused += not room
            target = self._answer if room else self._refuse
            threading.Thread(target=target, args=(sock,), daemon=True).start()

    def _refuse(self, sock):
        with sock, contextlib.suppress(OSError):
            if self._refusal == "reset":
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            elif self._refusal:
                sock.recv(65_536)
                sock.sendall(self._refusal)

    def _answer(self, sock):
        with sock, contextlib.suppress(OSError):
            while asked := sock.recv(65_536):
                if b"/hold" in asked:
                    self.held.set()
                    self.over.wait(60)
                sock.sendall(ANSWER)
        with self._lock:
            self.opened.discard(sock)

    def close(self):
        self.over.set()
        self.hide()

    def hide(self):
        """Accept nobody any more; who is connected is served on."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture(params=["reset", b"", TOO_MANY], ids=["reset", "closed", "429"])
def full(request):
    """A server that lets two in."""
    server = Full(2, request.param)
    yield server
    server.close()


@pytest.mark.parametrize("block", [False, True])
def test_all_requests_are_answered_over_the_few_that_are_open(full, block, monkeypatch):
    """From many threads, and more than once for each; none is refused for lack of connections."""
    monkeypatch.setattr(connections, "FULL", 60)  # longer than a busy machine stalls
    client = HttpClient("it", "127.0.0.1", full.port, timeout=30, connections=20, block=block)
    assert client.send("PUT", "/first", b"{}").code == 200  # from now on one is open
    found = list(each(lambda n: client.send("PUT", f"/{n}", b"{}").code, range(300), 16))
    assert found == [200] * 300
    assert full.refused < 100
    client.close()


def test_open_ones_are_used_before_new_ones_are_opened():
    """A request that failed leaves an empty place behind, which is not taken first."""
    places, opened, dropped = Places(4), SimpleNamespace(sock=object()), SimpleNamespace(sock=None)
    for place in (None, opened, None, dropped):
        places.put(place)
    assert [places.get() for _ in range(2)] == [opened, None]


def test_an_open_one_that_stays_busy_is_not_waited_for_for_ever(monkeypatch):
    """After some seconds another is tried: there may be room again."""
    monkeypatch.setattr(connections, "FULL", 0.2)
    server = Full(1, "reset")
    client = HttpClient("it", "127.0.0.1", server.port, timeout=60, connections=4)
    busy = threading.Thread(target=client.send, args=("GET", "/hold"), daemon=True)
    busy.start()
    server.held.wait(30)
    asked = []
    other = threading.Thread(target=lambda: asked.append(client.send("GET", "/")), daemon=True)
    other.start()
    wait_until(lambda: server.refused, 30)
    server.most = 2
    other.join(30)
    assert asked[0].code == 200
    server.close()
    busy.join(30)
    client.close()


def test_where_nobody_listens_others_are_not_made_to_wait(monkeypatch):
    """A server that is away is no server that is full."""
    monkeypatch.setattr(connections, "FULL", 60)
    server = Full(1, "reset")
    client = HttpClient("it", "127.0.0.1", server.port, timeout=30, connections=4)
    busy = threading.Thread(target=client.send, args=("GET", "/hold"), daemon=True)
    busy.start()
    assert server.held.wait(30)
    server.hide()
    with pytest.raises(TemporaryError, match="connection refused"):
        client.send("GET", "/")
    assert client._places.opened()
    assert not client._places._full()
    server.close()
    busy.join(30)
    client.close()


@pytest.mark.parametrize("refusal", ["reset", b""], ids=["reset", "closed"])
def test_without_one_that_is_open_it_is_said_what_may_be(refusal):
    """By the words that the plugin has for it."""
    server = Full(0, refusal)
    client = HttpClient(
        "it", "127.0.0.1", server.port, timeout=10, connections=2, hint="; see its limit"
    )
    with pytest.raises(TemporaryError, match=r"(cannot reach it: .*|broke \(.*\)); see its limit$"):
        client.send("GET", "/")
    server.most = 1
    assert client.send("GET", "/").code == 200
    client.close()
    server.close()
