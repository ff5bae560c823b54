"""The transport against a server that does everything wrong: a script for each connection."""

import contextlib
import socket
import struct
import time
from threading import Event, Thread

import pytest

from syncer import PermanentError, Secret, TemporaryError
from syncer_consul.address import Address
from syncer_consul.http import transport
from syncer_consul.http.client import Client, Failed, Refused, is_unknown
from syncer_consul.http.transport import Transport
from syncer_consul.options import ConsulOptions

RESET = struct.pack("ii", 1, 0)


def answer(body=b"{}", status="200 OK", headers=""):
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    return head.encode() + body


class Faulty:
    """Answers the requests of each connection by the script given for it, then closes it.

    A step is what to send, `None` to say nothing more and keep the line open, or "reset".
    """

    def __init__(self, *scripts):
        self.requests = []
        self.over = Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = Thread(target=self._serve, args=(scripts,), daemon=True)
        self._thread.start()

    def _serve(self, scripts):
        for script in scripts:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            with sock, contextlib.suppress(OSError):
                self._play(sock, script)

    def _play(self, sock, script):
        for step in script:
            request = b""
            while b"\r\n\r\n" not in request:
                part = sock.recv(65536)
                if not part:
                    return
                request += part
            self.requests.append(request.split(b"\r\n", 1)[0].decode())
            if step is None:
                self.over.wait(10)
            elif step == "reset":
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            else:
                for part in step if isinstance(step, list) else [step]:
                    sock.sendall(part)

    def close(self):
        self.over.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes a blocked accept
        self._listener.close()
        self._thread.join(10)


@pytest.fixture
def serve():
    """Starts a faulty server, and a client of it: `serve(script, ...) -> (server, client)`."""
    started = []

    def start(*scripts, timeout=2.0, **options):
        server = Faulty(*scripts)
        options = ConsulOptions(address=f"127.0.0.1:{server.port}", **options)
        client = Client(options, idle=1)
        client._transport.timeout = timeout
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
        assert client.read("/v1/x").data == {}
    assert len(server.requests) == 3


def test_connection_is_free_after_an_empty_answer(serve, monkeypatch):
    """It can be used at once by another thread, before this one has dropped the answer."""
    _, client = serve([answer(body=b"")] * 2)
    pool = client._transport._pool
    answers, ask = [], pool.urlopen
    monkeypatch.setattr(
        pool, "urlopen", lambda *a, **k: answers.append(ask(*a, **k)) or answers[-1]
    )
    client.write("/v1/x", {})
    client.write("/v1/x", {})
    assert len(answers) == 2


def test_closed_in_the_pool(serve):
    """A connection that the server closed while it lay in the pool is replaced."""
    server, client = serve([answer()], [answer()])
    client.read("/v1/one")
    client.read("/v1/two")
    assert server.requests == ["GET /v1/one HTTP/1.1", "GET /v1/two HTTP/1.1"]


@pytest.mark.parametrize("fault", ["reset", b""], ids=["reset", "closed without an answer"])
def test_one_repetition(serve, fault):
    """A connection that breaks before the answer is tried once more, and only once."""
    server, client = serve([fault], [answer()])
    assert client.read("/v1/x").data == {}
    assert len(server.requests) == 2
    server, client = serve([fault], [fault], [answer()])
    with pytest.raises(TemporaryError, match="the connection broke"):
        client.write("/v1/x", {})
    assert len(server.requests) == 2


def test_silence(serve):
    """No answer within the deadline is an error, and is not asked again."""
    server, client = serve([None], timeout=0.2)
    with pytest.raises(TemporaryError, match=r"no answer within 0\.2 s"):
        client.read("/v1/x")
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
    started = time.monotonic()
    with pytest.raises(TemporaryError, match="no answer within"):
        client.read("/v1/x")
    assert time.monotonic() - started < 10


def test_too_large(serve, monkeypatch):
    """An answer without end is not kept in memory."""
    monkeypatch.setattr(transport, "LARGEST_ANSWER", 1000)
    monkeypatch.setattr(transport, "_CHUNK", 500)
    _, client = serve([answer(b" " * 5000)])
    with pytest.raises(TemporaryError, match="more than 1000 bytes"):
        client.read("/v1/x")


def test_cut_off(serve):
    """An answer that ends before its length is no answer."""
    cut = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}"
    _, client = serve([cut])
    with pytest.raises(TemporaryError, match="the connection broke"):
        client.read("/v1/x")


def test_nobody_listens():
    """A port where nobody listens is said to be just that."""
    client = Client(ConsulOptions(address="127.0.0.1:9"), idle=1)
    with pytest.raises(TemporaryError, match=r"127\.0\.0\.1:9: cannot connect \([\w ]*: .*refused"):
        client.read("/v1/x")
    client.close()


def test_name_that_is_unknown():
    """A host name that cannot be found is an error that may pass."""
    client = Client(ConsulOptions(address="nowhere.invalid"), idle=1)
    with pytest.raises(TemporaryError, match="nowhere.invalid"):
        client.read("/v1/x")
    client.close()


def test_close_ends_what_is_under_way(serve):
    """A blocked request ends when the transport is closed from another thread."""
    server, client = serve([None], timeout=60)
    errors = []

    def ask():
        try:
            client.read("/v1/x")
        except TemporaryError as error:
            errors.append(str(error))

    thread = Thread(target=ask)
    thread.start()
    while not server.requests:
        thread.join(0.01)
    client.close()
    thread.join(10)
    assert not thread.is_alive()
    assert errors[0].endswith("closed")
    with pytest.raises(TemporaryError, match="closed"):
        client.read("/v1/x")
    client.close()


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        ("500 Internal Server Error", b"No cluster leader", Failed),
        ("503 Service Unavailable", b"", Failed),
        ("429 Too Many Requests", b"Your IP is issuing too many concurrent connections", Failed),
        ("500 Internal Server Error", b"rpc error: Permission denied", Refused),
        ("500 Internal Server Error", b"Scripts are disabled on this agent", Refused),
        ("403 Forbidden", b"ACL not found", Refused),
        ("400 Bad Request", b"Invalid service address", Refused),
        ("404 Not Found", b"404 page not found", Refused),
        ("301 Moved Permanently", b"", Refused),
        ("413 Request Entity Too Large", b"", Refused),
    ],
)
def test_statuses(serve, status, body, kind):
    """What may pass is temporary, what will not is permanent, and Consul's reason is told."""
    _, client = serve([answer(body, status, "Location: /elsewhere\r\n")])
    with pytest.raises(kind) as caught:
        client.read("/v1/agent/services")
    assert caught.value.code == int(status[:3])
    assert body.decode() in str(caught.value)
    assert isinstance(caught.value, (TemporaryError, PermanentError))


@pytest.mark.parametrize(
    ("code", "reason", "unknown"),
    [
        (500, 'Unknown service {"web" {}}', True),
        (500, 'Unknown check "web:http"', True),
        (500, 'CheckID "x" does not have associated TTL', True),
        (404, "unknown service ID: web", True),
        (404, "", True),
        (500, "No cluster leader", False),
        (403, "Permission denied", False),
    ],
)
def test_unknown_in_all_its_words(code, reason, unknown):
    """Old and new versions say in different words that something is not there."""
    assert is_unknown(Failed("text", code, reason)) is unknown


def test_reason_is_tamed(serve):
    """What the other side says is cut short, put on one line, and cannot show the token."""
    token = "b1gs3cret"
    body = b"bad token b1gs3cret\n\x1b[31m" + b"x" * 5000
    _, client = serve([answer(body, "400 Bad Request")], token=Secret(token))
    with pytest.raises(PermanentError) as caught:
        client.read("/v1/x")
    text = str(caught.value)
    assert "bad token *** [31mxxx" in text
    assert token not in text
    assert text.isprintable()
    assert len(text) < 500


@pytest.mark.parametrize("body", [b"<html>hello</html>", b'{"cut', b"\xff\xfe"])
def test_not_json(serve, body):
    """An answer that is no JSON is an error that may pass: a proxy in between, say."""
    _, client = serve([answer(body)])
    with pytest.raises(TemporaryError, match="not JSON"):
        client.read("/v1/agent/services")


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"null"])
def test_not_consul(serve, body):
    """JSON that Consul would not send is no empty list: somebody else answers there."""
    _, client = serve([answer(body)])
    with pytest.raises(PermanentError, match="wrong address"):
        client.read_object("/v1/agent/services")


def test_an_empty_answer_is_none(serve):
    """One that ended within its headers is asked for again, and is no empty list."""
    _, client = serve([answer(b"")])
    with pytest.raises(TemporaryError, match="the answer is empty"):
        client.read_object("/v1/agent/services")


def test_not_found_list_is_an_error(serve):
    """A 404 on a list means another program, not that there is nothing."""
    _, client = serve([answer(b"no such page", "404 Not Found")])
    with pytest.raises(PermanentError, match="is this the address of a Consul agent"):
        client.read_object("/v1/agent/services")


def test_filtered_lists_say_so(serve):
    """The header by which newer versions tell of hidden entries is read."""
    header = "X-Consul-Results-Filtered-By-ACLs: true\r\nX-Consul-Index: 7\r\n"
    _, client = serve([answer(headers=header), answer()])
    found = client.read("/v1/agent/services")
    assert (found.filtered, found.index) == (True, 7)
    found = client.read("/v1/agent/services")
    assert (found.filtered, found.index) == (False, 0)


def test_headers_are_asked_for_each_request(serve):
    """A token that changes is sent from the next request on, in one piece with the body."""
    server = Faulty([answer(), answer()])
    tokens = iter(["one", "two"])
    http = Transport(
        Address(host="127.0.0.1", port=server.port),
        timeout=2,
        idle=1,
        headers=lambda: {"X-Consul-Token": next(tokens)},
    )
    assert http.put(lambda r: r.code, "/v1/x", data="{}") == 200
    assert http.post(lambda r: r.body, "/v1/x", {"a": "b c"}, data=b"{}") == "{}"
    assert server.requests == ["PUT /v1/x HTTP/1.1", "POST /v1/x?a=b+c HTTP/1.1"]
    http.close()
    server.close()
