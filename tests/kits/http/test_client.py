"""Requests of the HTTP kit to servers that do everything wrong."""

import gzip
from threading import Event, Thread

import pytest

from servers.faulty import Faulty, answer
from servers.waiting import wait_until
from syncer import Secret, TemporaryError
from syncer.kits.http import Failed, HttpClient, Refused, Response
from syncer.kits.http import client as module


@pytest.fixture
def serve():
    """Starts a faulty server, and a client of it: `serve(script, ...) -> (server, client)`."""
    started = []

    def start(*scripts, timeout=30.0):
        server = Faulty(*scripts)
        client = HttpClient("it", "127.0.0.1", server.port, timeout=timeout, connections=1)
        started.append((server, client))
        return server, client

    yield start
    for server, client in started:
        client.close()
        server.close()


def test_connection_is_kept(serve):
    """Requests share one connection as long as the server keeps it."""
    server, client = serve([answer()] * 3)
    for _ in range(3):
        assert client.send("GET", "/x").json() == {}
    assert len(server.requests) == 3


def test_connection_is_free_after_an_empty_answer(serve, monkeypatch):
    """It can be used at once by another thread, before this one has dropped the answer."""
    _, client = serve([answer(body=b"")] * 2)
    pool = client._pool
    answers, ask = [], pool.urlopen
    monkeypatch.setattr(
        pool, "urlopen", lambda *a, **k: answers.append(ask(*a, **k)) or answers[-1]
    )
    client.send("PUT", "/x", b"{}")
    client.send("PUT", "/x", b"{}")
    assert len(answers) == 2


def chunked(body, headers):
    """An answer whose length is not known when it begins."""
    head = f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n{headers}\r\n"
    return head.encode() + f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"


@pytest.mark.parametrize("form", [answer, chunked])
@pytest.mark.parametrize("items", [1, 100_000], ids=["short", "long"])
def test_a_compressed_answer_is_read(serve, items, form):
    """A registry may compress long lists, and send them in chunks, as Eureka does."""
    body = gzip.compress(b"[" + b"1," * (items - 1) + b"1]")
    _, client = serve([form(body, headers="Content-Encoding: gzip\r\n")])
    assert client.send("GET", "/x").json() == [1] * items


@pytest.mark.parametrize("form", [answer, chunked])
def test_a_compressed_answer_is_bounded(serve, monkeypatch, form):
    """By its size when it is unpacked: a short answer may be a very long one."""
    monkeypatch.setattr(module, "LARGEST_ANSWER", 1_000_000)
    body = gzip.compress(b" " * 5_000_000)
    _, client = serve([form(body, headers="Content-Encoding: gzip\r\n")])
    with pytest.raises(TemporaryError, match="an answer of more than"):
        client.send("GET", "/x")


def test_closed_in_the_pool(serve):
    """A connection that the server closed while it lay in the pool is replaced."""
    server, client = serve([answer()], [answer()])
    client.send("GET", "/one")
    client.send("GET", "/two")
    assert server.requests == ["GET /one HTTP/1.1", "GET /two HTTP/1.1"]


@pytest.mark.parametrize("fault", ["reset", b""], ids=["reset", "closed without an answer"])
def test_one_repetition(serve, fault):
    """A connection that breaks before the answer is tried once more, and only once."""
    server, client = serve([fault], [answer()])
    assert client.send("GET", "/x").json() == {}
    assert len(server.requests) == 2
    server, client = serve([fault], [fault], [answer()])
    with pytest.raises(TemporaryError, match="the connection broke"):
        client.send("PUT", "/x", b"{}")
    assert len(server.requests) == 2


def test_silence(serve):
    """No answer within the deadline is an error, and is not asked again."""
    server, client = serve([None], timeout=0.2)
    with pytest.raises(TemporaryError, match=r"no answer within 0\.2 s"):
        client.send("GET", "/x")
    wait_until(lambda: server.requests, 30, "the request is read")
    assert len(server.requests) == 1


def test_drop_by_drop(serve):
    """A server that never ends its answer is given up at the deadline."""

    def drops():
        yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        pause = Event()
        while True:
            yield b"1\r\n \r\n"
            pause.wait(0.02)

    class Endless(list):
        def __iter__(self):
            return drops()

    _, client = serve([Endless()], timeout=0.3)
    with pytest.raises(TemporaryError, match="no answer within"):
        client.send("GET", "/x")


def test_too_large(serve, monkeypatch):
    """An answer without end is not kept in memory."""
    monkeypatch.setattr(module, "LARGEST_ANSWER", 1000)
    monkeypatch.setattr(module, "_CHUNK", 500)
    _, client = serve([answer(b" " * 5000)])
    with pytest.raises(TemporaryError, match="more than 1000 bytes"):
        client.send("GET", "/x")


def test_cut_off(serve):
    """An answer that ends before its length is no answer."""
    cut = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}"
    _, client = serve([cut])
    with pytest.raises(TemporaryError, match="the connection broke"):
        client.send("GET", "/x")


def test_nobody_listens():
    """A port where nobody listens is said to be just that."""
    client = HttpClient("Me at 127.0.0.1:9", "127.0.0.1", 9, timeout=2, connections=1)
    with pytest.raises(TemporaryError, match=r"cannot reach .*127\.0\.0\.1:9: connection refused"):
        client.send("GET", "/x")
    client.close()


def test_name_that_is_unknown():
    """A host name that cannot be found is an error that may pass."""
    client = HttpClient("nowhere.invalid", "nowhere.invalid", 80, timeout=10, connections=1)
    with pytest.raises(TemporaryError, match="nowhere.invalid"):
        client.send("GET", "/x")
    client.close()


def test_close_ends_what_is_under_way(serve):
    """A blocked request ends when the client is closed from another thread."""
    server, client = serve([None], timeout=60)
    errors = []

    def ask():
        try:
            client.send("GET", "/x")
        except TemporaryError as error:
            errors.append(str(error))

    thread = Thread(target=ask)
    thread.start()
    wait_until(lambda: server.requests, 30, "it is under way")
    client.close()
    thread.join(30)
    assert not thread.is_alive()
    assert errors[0].endswith("closed")
    with pytest.raises(TemporaryError, match="closed"):
        client.send("GET", "/x")
    client.close()


def test_one_piece(serve):
    """Headers and body are sent at once, with the headers of each request."""
    server, client = serve([answer(), answer()])
    client.send("PUT", "/x?a=b", b"{}", {"X-Token": "one"})
    assert server.requests == ["PUT /x?a=b HTTP/1.1"]
    client.send("POST", "/x", b"", {"X-Token": "two"})
    assert server.requests[1:] == ["POST /x HTTP/1.1"]


def test_a_free_connection_is_waited_for():
    """With `block`, and no longer than the deadline."""
    server = Faulty([None])
    client = HttpClient("it", "127.0.0.1", server.port, timeout=0.3, connections=1, block=True)

    def occupy():
        with pytest.raises(TemporaryError, match="closed"):
            client.send("GET", "/x", timeout=60)

    first = Thread(target=occupy)
    first.start()
    wait_until(lambda: server.requests, 30, "it is under way")
    with pytest.raises(TemporaryError, match=r"no answer within 0\.3 s"):
        client.send("GET", "/x")
    assert client._pool.num_connections == 1
    client.close()
    first.join(30)
    server.close()


@pytest.mark.parametrize(
    ("code", "content", "kind"),
    [
        (429, b"slow down", Failed),
        (503, b"", Failed),
        (500, b"Permission denied", Refused),
        (403, b'{"why": "x"}', Refused),
        (301, b"", Refused),
    ],
)
def test_what_a_status_means(code, content, kind):
    """What may pass is temporary; a 5xx with the words of a refusal is not."""
    error = Response(code, {}, content, "it, /x").error(refusals=["permission denied"], hint="!")
    assert type(error) is kind
    assert str(error).startswith(f"it, /x: {code}")
    assert str(error).endswith("!")
    assert getattr(error, "data", None) == ({"why": "x"} if code == 403 else None)


def test_reason_is_tamed():
    """It is cut short, put on one line, and shows no secret."""
    content = b"bad token b1gs3cret\n\x1b[31m" + b"x" * 5000
    Secret("b1gs3cret").reveal()
    reason = Response(400, {}, content, "").reason()
    assert reason.startswith("bad token *** [31mxxx")
    assert reason.isprintable()
    assert len(reason) == 300
