"""The proxy itself: each fault does what its name says, and ends."""

import itertools
import socket
import threading
import time
from contextlib import closing

import pytest

from servers.faultproxy import FaultProxy
from servers.waiting import wait_until

_numbers = itertools.count(1)


class Echo:
    """A server that answers everything by itself, and remembers what it was told."""

    def __init__(self, listener):
        self.heard = b""
        self._listener = listener
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _accept(self):
        try:
            while True:
                connection, _ = self._listener.accept()
                self._threads.append(threading.Thread(target=self._serve, args=(connection,)))
                self._threads[-1].start()
        except OSError:
            return

    def _serve(self, connection):
        with connection:
            try:
                while data := connection.recv(4096):
                    self.heard += data
                    connection.sendall(data)
            except OSError:
                return


@pytest.fixture(params=["tcp", "unix"])
def lines(request, tmp_path):
    """An echo server, the proxy before it, and a function that connects to the proxy."""
    family = socket.AF_INET if request.param == "tcp" else socket.AF_UNIX
    listener = socket.socket(family)
    listener.bind(("127.0.0.1", 0) if request.param == "tcp" else str(tmp_path / "echo"))
    listener.listen()
    name = listener.getsockname()
    target = f"{name[0]}:{name[1]}" if request.param == "tcp" else f"unix://{name}"
    path = None if request.param == "tcp" else tmp_path / "proxy"
    echo, proxy, opened = Echo(listener), FaultProxy(target, path), []

    def connect():
        client = socket.socket(family)
        opened.append(client)
        client.settimeout(10)
        host, _, port = proxy.address.rpartition(":")
        client.connect((host, int(port)) if request.param == "tcp" else str(path))
        return client

    yield echo, proxy, connect
    for client in opened:
        client.close()
    proxy.close()
    echo.close()


def ask(client, text=b"hello"):
    """Send something and return the first piece of the answer."""
    client.sendall(text)
    return client.recv(4096)


def ends(client):
    """Whether the connection ends, however it does."""
    try:
        client.sendall(b"hello")
        return client.recv(4096) == b""
    except OSError as error:
        return not isinstance(error, TimeoutError)


def is_silent(client, seconds=0.3):
    """Whether nothing at all comes."""
    client.settimeout(seconds)
    with pytest.raises(TimeoutError):
        client.recv(4096)
    client.settimeout(10)
    return True


def test_without_a_fault_it_passes_everything_on(lines):
    """Both directions, several connections, much data."""
    echo, _, connect = lines
    one, other = connect(), connect()
    assert ask(one) == ask(other) == b"hello"
    much, got = b"x" * 100_000, b""
    for _ in range(10):
        one.sendall(much)
        while len(got) < len(much):
            got += one.recv(65536)
        assert got == much
        got = b""


def test_refused(lines):
    """Nobody listens, open connections end; when healed there is a listener at the same place."""
    _, proxy, connect = lines
    before = connect()
    ask(before)
    proxy.set(refuse=True)
    assert ends(before)
    with pytest.raises((ConnectionRefusedError, FileNotFoundError)):
        connect()
    proxy.heal()
    assert ask(connect()) == b"hello"


def test_cut(lines):
    """A connection is reset as soon as something is said on it, and its server hears nothing."""
    echo, proxy, connect = lines
    before = connect()
    ask(before)
    proxy.set(cut=True)
    assert ends(before)
    assert ends(connect())
    assert echo.heard == b"hello"
    assert proxy.bites == 2
    proxy.heal()
    assert ask(connect()) == b"hello"


def test_half_open(lines):
    """Connections are taken and nothing comes back, on those for ever."""
    echo, proxy, connect = lines
    proxy.set(drop_requests=True, drop_answers=True)
    client = connect()
    client.sendall(b"lost")
    assert is_silent(client)
    proxy.heal()
    client.sendall(b"lost too")
    assert is_silent(client)
    assert echo.heard == b""
    assert ask(connect()) == b"hello"


def test_lost_answers(lines):
    """The server hears what is said, and the client does not hear the server."""
    echo, proxy, connect = lines
    proxy.set(drop_answers=True)
    client = connect()
    client.sendall(b"done")
    wait_until(lambda: echo.heard == b"done", 5, "the request to arrive")
    assert is_silent(client)
    proxy.heal()
    assert is_silent(client)


def test_delayed(lines):
    """Answers come late and whole; the end of the fault releases what is held back."""
    _, proxy, connect = lines
    client = connect()
    proxy.set(delay=0.2)
    began = time.monotonic()
    assert ask(client) == b"hello"
    assert time.monotonic() - began >= 0.2
    proxy.set(delay=3600)
    client.sendall(b"late")
    wait_until(lambda: proxy.bites, 5, "the answer to be held back")
    proxy.heal()
    assert client.recv(10) == b"late"


def test_truncated(lines):
    """The connection is closed in the midst of an answer."""
    _, proxy, connect = lines
    proxy.set(truncate=7)
    client = connect()
    assert ask(client) == b"hello"
    assert ask(client) == b"he"
    assert client.recv(10) == b""


def test_corrupted(lines):
    """One bit is wrong in each so many bytes of an answer, not in what the server gets."""
    echo, proxy, connect = lines
    proxy.set(corrupt=10)
    got = ask(connect(), b"0123456789" * 5)
    wrong = [at for at, (is_, was) in enumerate(zip(got, echo.heard, strict=True)) if is_ != was]
    assert wrong == [0, 10, 20, 30, 40]
    assert echo.heard == b"0123456789" * 5


def test_rate(lines):
    """Answers come whole, at no more than so many bytes a second."""
    _, proxy, connect = lines
    proxy.set(rate=1000)
    client, got = connect(), b""
    began = time.monotonic()
    client.sendall(b"x" * 300)
    while len(got) < 300:
        got += client.recv(4096)
    assert time.monotonic() - began >= 0.2


def test_answers_are_counted_before_they_are_passed_on(tmp_path):
    """`on_answer` sees each answer begin while the client has none of it yet."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        echo, seen = Echo(listener), []
        proxy = FaultProxy("{}:{}".format(*listener.getsockname()), on_answer=seen.append)
        with closing(socket.create_connection(proxy.address.split(":"))) as client:
            for number in (1, 2, 3):
                ask(client)
                assert seen == [*range(1, number + 1)]
        proxy.close()
        echo.close()
