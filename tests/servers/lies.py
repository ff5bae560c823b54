"""A registry that answers nonsense: a proxy before a real one that changes what it says.

Used with hypothesis, which thinks up the changes: `changed` is one value somewhere in a JSON
document that is another or is gone, `broken` is text that no longer is the document.
"""

import copy
import http.client
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from hypothesis import strategies as st

from syncer import SyncerError

GONE = object()
#: Values of the wrong type, of no type, and beyond all bounds.
NONSENSE = st.one_of(
    st.sampled_from([None, True, False, 0, -1, 2**64, 10**400, 1e308, float("inf"), float("nan")]),
    st.sampled_from(["", "x", "\ud800", "\0", "9" * 5000, "x" * 100_000, "::", "..", "{}", "W10="]),
    st.sampled_from([[], {}, [[]], [None], {"": None}, {"x": {}}, [{}] * 3]),
    st.just(GONE),
    st.text(),
    st.integers(),
    st.floats(),
    st.binary().map(lambda data: data.decode("latin-1")),
)


def _places(value, here=()):
    yield here
    if isinstance(value, dict):
        for key in value:
            yield from _places(value[key], (*here, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _places(item, (*here, number))


@st.composite
def changed(draw, document):
    """The document with one of its values replaced or removed."""
    found = copy.deepcopy(document)
    *way, last = ("whole", *draw(st.sampled_from(list(_places(found)))))
    value, holder = draw(NONSENSE), {"whole": found}
    whole = holder
    for step in way:
        holder = holder[step]
    if value is GONE and last != "whole":
        del holder[last]
    else:
        holder[last] = None if value is GONE else value
    return whole["whole"]


@st.composite
def broken(draw, document):
    """Bytes that are not the document: cut, torn, or nested without end."""
    data = json.dumps(document).encode()
    return draw(
        st.one_of(
            st.integers(0, len(data) - 2).map(lambda end: data[:end]),
            st.integers(1, len(data) - 1).map(lambda begin: data[begin:] + b"}"),
            st.sampled_from([b"[" * 200_000, b'{"a":' * 200_000, b"\xff\xfe", b"<html>no</html>"]),
        )
    )


def holds(document, part):
    """Whether this object stands unchanged anywhere in the document."""
    if document == part:
        return True
    if isinstance(document, dict):
        return any(holds(value, part) for value in document.values())
    return isinstance(document, list) and any(holds(value, part) for value in document)


def check(sink, document, parts):
    """Check what a sink makes of nonsense: an error of syncer's, or all that still stands there.

    `parts` are the objects of the document that make each registration, by its id. Returns the
    view; None if there was an error.
    """
    try:
        view = sink.registrations()
    except SyncerError:
        return None
    finally:
        sink.close()
    known = {found.id for found in view.items} | view.unclear
    intact = {id_ for id_, all_ in parts.items() if all(holds(document, part) for part in all_)}
    assert not view.complete or intact <= known
    return view


class LyingProxy:
    """Passes requests on. `lies` maps the beginning of a path to the bytes that answer it."""

    def __init__(self, host, port):
        self.lies, self.seen = {}, {}
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                code, headers, said = proxy._ask(self.command, self.path, body, self.headers)
                self.send_response(code)
                for name, text in headers:
                    self.send_header(name, text)
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            do_GET = do_PUT = do_POST = do_DELETE = _answer

            def log_message(self, *_):
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                """Clients that hang up are none of its business."""

        self._upstream = (host, port)
        self._server = Server(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def truth(self, beginning):
        """What the server said last to a request whose path begins so, as JSON types."""
        return json.loads(self.seen[beginning])

    def close(self):
        """End it."""
        self._server.shutdown()
        self._server.server_close()

    def _ask(self, method, path, body, headers):
        skipped = ("host", "content-length", "connection", "accept-encoding")
        sent = {k: v for k, v in headers.items() if k.lower() not in skipped}
        connection = http.client.HTTPConnection(*self._upstream, timeout=20)
        try:
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            said = answer.read()
            kept = ("content-type", "x-consul-index", "x-consul-knownleader")
            passed = [(k, v) for k, v in answer.getheaders() if k.lower() in kept]
        finally:
            connection.close()
        for beginning, lie in self.lies.items():
            if path.startswith(beginning):
                return answer.status, passed, lie
        if answer.status == 200:
            self.seen[path.partition("?")[0]] = said
        return answer.status, passed, said
