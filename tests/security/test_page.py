"""The status page and its API: strangers' sites, and requests that no client of ours sends.

Who needs a token, which names are answered to and what is too long: `tests/web/test_access.py`.
Slow clients: `tests/web/test_load.py`.
"""

import contextlib
import http.client
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from fakes import workload

from servers.webpage import TOKEN, check


def raw(made, text, *, method="GET", path="/api/v1/status", host="localhost"):
    """Send these bytes after the first line, or instead of all if they are a whole request."""
    name, _, port = made.address.partition(":")
    if not text.startswith(b"!"):
        text = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n".encode() + text
    with contextlib.closing(socket.create_connection((name, int(port)), timeout=60)) as line:
        line.sendall(text.removeprefix(b"!"))
        line.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: line.recv(65_536), b""))
    return int(answer.split()[1]), answer


class TestOtherSites:
    """What a browser says of the pages that have it ask."""

    @pytest.mark.parametrize(
        "headers",
        [
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Origin": "http://127.0.0.1.evil.example"},
            {"Origin": "http://[::1"},
            {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
            {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"},
            {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"},
            # Frames, and links to what is not the page.
            *(
                {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": what}
                for site in ("cross-site", "same-site")
                for what in ("iframe", "frame", "object", "embed", "document")
            ),
        ],
        ids=str,
    )
    def test_are_refused(self, site, headers):
        """For reading, for streams, and for changes, with the right token too."""
        made = site(workload("web"), token=TOKEN)
        for path in ("status", "events/stream", "guard"):
            status, _, text = made.ask(f"/api/v1/{path}", headers=headers)
            assert status == 403
            assert "cross-site" in json.loads(text)["error"]
        assert made.ask("/api/v1/refresh", "POST", headers=headers, token=TOKEN)[0] == 403

    @pytest.mark.parametrize(
        "headers",
        [
            {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"},
            {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"},
            {"Origin": "http://localhost:8520"},
            {"Origin": "https://status.example"},
        ],
        ids=str,
    )
    def test_our_own_page_and_links_are_answered(self, site, headers):
        """Also behind a proxy with a name that is configured."""
        made = site(workload("web"), hosts=("status.example",))
        assert made.ask("/", headers=headers)[0] == 200
        assert made.ask("/api/v1/status", headers=headers)[0] == 200

    def test_a_link_leads_to_the_page(self, site):
        """And nowhere else; a frame is no link."""
        made = site(workload("web"))
        link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
        for what, status in (("document", 200), ("iframe", 403), ("", 403)):
            assert made.ask("/", headers={**link, "Sec-Fetch-Dest": what})[0] == status

    def test_a_frame_of_a_browser_that_says_nothing(self, site):
        """Over plain HTTP browsers do not say who asks: no stream is given to what wants a page."""
        made = site(workload("web"), streams=1)
        accepts = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
        line = http.client.HTTPConnection(made.address, timeout=30)
        with contextlib.closing(line):
            line.request("GET", "/api/v1/events/stream", headers=accepts)
            answer = line.getresponse()
            assert answer.status == 406  # else it would be read for ever
            assert check("/api/v1/events/stream", json.loads(answer.read()), 406)["error"]

    def test_a_form_of_theirs_changes_nothing(self, site):
        """It navigates, it is no link, and it brings no token."""
        made = site(workload("web"), token=TOKEN)
        form = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
        for headers in (form, form | {"Content-Type": "text/plain"}):
            assert made.ask("/api/v1/refresh", "POST", headers=headers, token=TOKEN)[0] == 403

    def test_nobody_is_allowed_to_ask_from_elsewhere(self, site):
        """The question before a foreign request with a token is answered with no."""
        made = site(workload("web"), token=TOKEN)
        asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
        status, headers, _ = made.ask("/api/v1/drain", "OPTIONS", headers=asked)
        assert status == 403
        assert not [name for name in headers if name.lower().startswith("access-control")]


EVIL = """<!doctype html><title>evil</title><script>
const at = location.hash.slice(1), found = [];
const say = (what) => { found.push(what); document.title = found.join(" "); };
const tries = [
  fetch(at + "api/v1/status").then((a) => a.text()).then(() => say("READ"), () => {}),
  fetch(at + "api/v1/refresh", { method: "POST", mode: "no-cors" }).then(() => {}, () => {}),
  fetch(at + "api/v1/refresh", { method: "POST", headers: { Authorization: "Bearer TOKEN" } })
    .then(() => say("CHANGED"), () => {}),
  ...["api/v1/status", "page.js", "icon.svg"].map((path) => new Promise((done) => {
    const one = document.createElement(path.endsWith("svg") ? "img" : "script");
    one.onload = () => { say("LOADED " + path); done(); };
    one.onerror = done;
    one.src = at + path;
    document.head.append(one);
  })),
  new Promise((done) => {
    const stream = new EventSource(at + "api/v1/events/stream");
    stream.onopen = () => { say("STREAMED"); done(); };
    stream.onerror = done;
  }),
  ...["", "api/v1/events/stream", "metrics"].map((path) => new Promise((done) => {
    const frame = document.createElement("iframe");
    frame.onload = done;
    frame.src = at + path;
    document.documentElement.append(frame);
  })),
];
Promise.all(tries).then(() => say("done"));
</script>"""


class Evil(BaseHTTPRequestHandler):
    """The site of somebody else."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(EVIL)))
        self.end_headers()
        self.wfile.write(EVIL.encode())

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def evil():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Evil)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://localhost:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()


@pytest.mark.server
def test_a_real_browser_gives_another_site_nothing(site, chromium, evil, monkeypatch):
    """It reads, loads, frames, streams and changes nothing here, though it can reach the page."""
    made, done = site(workload("web"), token=TOKEN, streams=1), []
    monkeypatch.setattr(made.engine, "refresh", lambda: done.append("it was refreshed"))
    with contextlib.closing(chromium.new_context()) as context:
        page = context.new_page()
        page.goto(f"{evil}#{made.url}")
        page.wait_for_function("document.title.endsWith('done')", timeout=60_000)
        assert page.title() == "done"
        frames = [frame for frame in page.frames if frame != page.main_frame]
        assert not [frame for frame in frames if frame.locator("#summary").count()]
        line = http.client.HTTPConnection(made.address, timeout=30)
        with contextlib.closing(line):  # no frame has the only place for a stream
            line.request("GET", "/api/v1/events/stream")
            assert line.getresponse().status == 200
    assert done == []


class TestRequests:
    """What no client of ours sends."""

    @pytest.mark.parametrize(
        "path",
        [
            "/../../etc/passwd",
            "/%2e%2e/%2e%2e/etc/passwd",
            "/..%2f..%2fetc/passwd",
            "/..\\..\\etc\\passwd",
            "/page.js/../../../openapi.json",
            "/static/../app.py",
            "/app.py",
            "/openapi.json",
            "/page.js%00.html",
            "//evil.example/",
            "//evil.example/%2e%2e",
            "/" + "a/" * 4000,
        ],
    )
    def test_there_is_nothing_beside_the_page(self, site, path):
        """No path leads to another file, nor to another site."""
        status, answer = raw(site(workload("web")), b"Connection: close\r\n\r\n", path=path)
        assert status in (400, 404)
        assert b"location:" not in answer.lower()
        assert b"root:" not in answer

    @pytest.mark.parametrize(
        "path",
        [
            "/%0d%0aX-Evil:%20yes",
            "/api/v1/status%0d%0aX-Evil:%20yes",
            "/api/v1/instances?q=%0d%0aX-Evil:%20yes",
            "/api/v1/explain?name=%0d%0aX-Evil:%20yes",
        ],
    )
    def test_no_header_is_put_in(self, site, path):
        """Line breaks of a request are text in the answer."""
        _, answer = raw(site(workload("web")), b"Connection: close\r\n\r\n", path=path)
        assert b"x-evil:" not in answer.partition(b"\r\n\r\n")[0].lower()

    @pytest.mark.parametrize(
        "body",
        [
            b"[" * 4000,
            b'{"name":' * 500,
            b'{"name": ' + b"9" * 4000 + b"}",
            b'{"name": "\\ud800"}',
            b"\xff\xfe",
            b"null",
            b'{"name": NaN}',
            b'{"name": "' + b"x" * 300 + b'"}',
        ],
        ids=lambda body: repr(body[:12]),
    )
    def test_bodies_that_make_no_sense(self, site, body):
        """Each is answered; none is an error of syncer's own."""
        made = site(workload("web"), token=TOKEN)
        for path in ("drain", "undrain", "override"):
            assert made.ask(f"/api/v1/{path}", "POST", body=body, token=TOKEN)[0] in (200, 400)

    @pytest.mark.parametrize(
        ("text", "statuses"),
        [
            (b"Content-Length: 99999999999\r\n\r\n", (413,)),
            (b"Content-Length: -1\r\n\r\n", (400,)),
            (b"Content-Length: x\r\n\r\n", (400,)),
            (b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", (400, 401)),
            (
                b"Transfer-Encoding: chunked\r\n\r\n1388\r\n" + b"x" * 5000 + b"\r\n0\r\n\r\n",
                (413,),
            ),
            (b"Transfer-Encoding: gzip\r\n\r\n", (400, 501)),
            (b"X-\xff: b\r\n\r\n", (400, 401)),
            (
                b"!POST http://evil.example/api/v1/status HTTP/1.1\r\nHost: evil.example\r\n\r\n",
                (421,),
            ),
            (b"!GET / HTTP/1.1\r\n\r\n", (421,)),
            (b"!GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", (400, 421)),
            (b"!GET / HTTP/9.9\r\nHost: localhost\r\nConnection: close\r\n\r\n", (200, 400)),
            (b"!\x16\x03\x01\x02\x00\x01\x00\x01\r\n\r\n", (400,)),
        ],
        ids=lambda value: repr(value[:40]) if isinstance(value, bytes) else "",
    )
    def test_requests_that_make_no_sense(self, site, text, statuses):
        """Refused at once, and the next is answered."""
        made = site(workload("web"), token=TOKEN)
        assert raw(made, text, method="POST", path="/api/v1/refresh")[0] in statuses
        assert made.ask("/healthz")[0] == 200

    def test_the_names_that_a_proxy_gives_do_not_count(self, site):
        """Who asks can write them."""
        made = site(workload("web"), token=TOKEN, token_for="all")
        given = (
            b"X-Forwarded-Host: localhost\r\nForwarded: host=localhost\r\nX-Original-URL: /\r\n\r\n"
        )
        assert raw(made, given, host="evil.example")[0] == 421
        assert raw(made, given)[0] == 401

    def test_a_stream_that_is_only_looked_for_takes_no_place(self, site):
        """HEAD has no body, and so holds nothing."""
        made = site(workload("web"), streams=1)
        for _ in range(5):
            assert made.ask("/api/v1/events/stream", "HEAD")[0] == 200

    @pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "get", "X"])
    def test_other_methods(self, site, method):
        """There are none, with the token either."""
        made = site(workload("web"), token=TOKEN)
        assert made.ask("/api/v1/status", method, token=TOKEN)[0] in (200, 400, 405, 404)
        assert made.ask("/api/v1/status", method)[0] in (200, 400, 401, 405)
