"""What `syncer doctor` finds in the way of registering in Eureka, at real servers."""

import http.server
import json
import threading
from email.utils import formatdate

import pytest

from servers.secrets import secret
from servers.waiting import wait_until
from syncer import Level, TemporaryError
from syncer.kits.http import basic_auth

PASSWORD = secret("pa55word-for-the-doctor-of-eureka")
NOBODY = "http://127.0.0.1:9/eureka/"
EMPTY = {"applications": {"versions__delta": "1", "apps__hashcode": "", "application": []}}


def found(sink):
    """The findings, as (level, text) with the advice after a semicolon."""
    return [(one.level, f"{one.what}; {one.advice}") for one in sink.examine()]


def of(level, findings):
    return [text for found, text in findings if found is level]


def test_all_is_well(clean_eureka, open_sink):
    """The server answers, its clock agrees, and nothing is written."""
    sink = open_sink(clean_eureka.url)
    findings = found(sink)
    assert [level for level, _ in findings] == [Level.OK, Level.OK]
    assert findings[0][1] == f"the server at {clean_eureka.url} answers; "
    assert "clock" in findings[1][1]
    assert clean_eureka.api.instances() == []


def test_a_wrong_path(clean_eureka, open_sink):
    """It is told under which path Eureka answers."""
    url = clean_eureka.url.replace("eureka", "nothing")
    ((level, text),) = found(open_sink(url))
    assert level is Level.PROBLEM
    assert f"Eureka at {url}: it answers 404" in text
    assert text.endswith(f"Eureka answers at {clean_eureka.url}: set this as URL")


def test_a_server_that_is_away(clean_eureka, open_sink):
    """Alone it is a problem; a warning where another answers."""
    ((level, text),) = found(open_sink(NOBODY))
    assert level is Level.PROBLEM
    assert "cannot reach" in text
    assert "check that Eureka is running there" in text
    findings = found(open_sink(NOBODY, clean_eureka.url))
    assert of(Level.PROBLEM, findings) == []
    assert "cannot reach" in of(Level.WARNING, findings)[0]


def test_servers_that_are_no_peers(clean_eureka, open_sink):
    """Several that do not know each other: what one is told the others do not know."""
    other = clean_eureka.url.replace("127.0.0.1", "localhost")
    findings = found(open_sink(clean_eureka.url, other))
    assert len(of(Level.OK, findings)) == 4
    warnings = of(Level.WARNING, findings)
    assert len(warnings) == 2
    assert all("knows no peers" in text for text in warnings)


@pytest.fixture
def troubled(start_eureka):
    """A server with a password, that preserves itself, and whose peer is not there."""
    peer = f"http://me:{PASSWORD}@peer.invalid:9/eureka/"
    properties = {
        "eureka.server.enable-self-preservation": "true",
        "eureka.client.service-url.defaultZone": peer,
    }
    return start_eureka(auth=f"me:{PASSWORD}", properties=properties)


def test_a_server_in_trouble(troubled, open_sink):
    """The password, the peer and self-preservation are told, and nothing secret of them."""
    for user, password, advice in (("", "", "set user"), ("me", "wrong", "does not accept them")):
        ((level, text),) = found(open_sink(troubled.url, user=user, password=password))
        assert level is Level.PROBLEM
        assert "refuses access" in text
        assert advice in text
    sink = open_sink(troubled.url, user="me", password=PASSWORD)

    def preserves():
        return [one for one in of(Level.WARNING, found(sink)) if "self-preservation" in one]

    wait_until(preserves, 90, "the server to preserve itself")
    findings = found(sink)
    assert of(Level.PROBLEM, findings) == []
    (gone, _) = of(Level.WARNING, findings)
    assert "counts peers as unavailable: http://peer.invalid:9/eureka/" in gone
    assert PASSWORD not in str(findings)


class Other:
    """A server that answers what the test says."""

    def __init__(self, code, body, date, page=b"", put=(404, b""), location=""):
        answers = {"/eureka/apps": (code, body), "/": (200 if page else 404, page)}

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.give(*answers.get(self.path, (404, b"")))

            def do_PUT(self):
                self.give(*put)

            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                self.give(*put)

            def give(self, code, body):
                self.send_response_only(code)
                self.send_header("Date", date)
                if location:
                    self.send_header("Location", location.replace("PATH", self.path))
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/eureka/"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def other():
    """Makes servers that are none of Eureka's: `other(code, body, date)`."""
    made = []

    def make(code, body=b"", date=None, **more):
        made.append(Other(code, body, date or formatdate(usegmt=True), **more))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.mark.parametrize(
    ("code", "body", "text", "advice"),
    [
        (403, b"", "returns no list now", "a server that has just started"),
        (200, b"<html>Welcome</html>", "its answer is not a list", "see what is served there"),
        (200, b"{}", "its answer is not a list", "see what is served there"),
        (200, b"[" * 100_000, "its answer is not a list", "see what is served there"),
        (302, b"", "it answers 302", "see what is served there"),
        (500, b"", "it answers 500", "see what is served there"),
    ],
)
def test_what_is_no_list(other, open_sink, code, body, text, advice):
    """A proxy, a login page, another program: what it answers is told."""
    ((level, said),) = found(open_sink(other(code, body).url))
    assert level is Level.PROBLEM
    assert text in said
    assert advice in said


LIST = json.dumps(EMPTY).encode()
SPRING = b'{"timestamp":"2026-11-30T12:00:00.000+00:00","status":403,"error":"Forbidden"}'


@pytest.mark.parametrize(
    ("code", "body", "meaning"),
    [
        (403, SPRING, "is CSRF protection on for /eureka/**"),
        (401, b"", "user and password are missing or wrong"),
        (405, b"<html><body>Not <b>Allowed</b></body></html>", "(Not Allowed)"),
        (302, b"", "302"),
    ],
)
def test_a_server_that_may_be_read_only(other, open_sink, code, body, meaning):
    """The doctor says so before the first change does; so does that change, and nothing is lost."""
    sink = open_sink(other(200, LIST, put=(code, body)).url)
    (warning,) = of(Level.WARNING, found(sink))
    assert "can be read, but a heartbeat was answered by" in warning
    assert meaning in warning
    with pytest.raises(TemporaryError, match=r"POST apps/WEB was answered by") as told:
        sink._api.register("WEB", {"instanceId": "x"})
    assert meaning in str(told.value)


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect(other, open_sink, code):
    """Where it redirects to is what to set; where that is another page, it is told as it is."""
    moved = other(code, b"", location="https://me:pw@eureka.example:443PATH?x=y")
    ((level, said),) = found(open_sink(moved.url))
    assert level is Level.PROBLEM
    assert (
        f"it answers {code}: it redirects to https://eureka.example:443/eureka/: set this as"
        in said
    )
    with pytest.raises(TemporaryError, match="https://eureka.example:443/eureka/: set this as URL"):
        open_sink(moved.url).registrations()
    login = other(code, b"", location="/login?next=PATH")
    with pytest.raises(TemporaryError, match="it redirects to /login: check the address"):
        open_sink(login.url).registrations()


def test_a_name_with_an_underscore(other, open_sink):
    """Tomcat's own words are shown, and what they mean."""
    page = b"<html><head><style>h1 {x: y}</style></head><p>The character [_] is never valid</p>"
    server = other(400, page)
    sink = open_sink(server.url)
    object.__setattr__(sink._api.servers[0].address, "host", "my_eureka")
    with pytest.raises(TemporaryError) as told:
        sink.registrations()
    assert "names of hosts with an underscore: use another name" in str(told.value)
    assert str(told.value).endswith("(The character [_] is never valid)")


def test_a_password_that_is_sent_back(other, open_sink):
    """A proxy may repeat what it got; no error shows it."""
    for text in (PASSWORD, basic_auth(f"me:{PASSWORD}")):
        echo = other(418, f"what is {text}?".encode())
        again = open_sink(echo.url, user="me", password=PASSWORD)
        with pytest.raises(TemporaryError, match=r"418 \(what is (Basic )?\*\*\*\?\)"):
            again.registrations()


def test_a_clock_that_is_wrong(other, open_sink):
    """It is told by how much; a server that says nothing of peers is passed over."""
    server = other(200, json.dumps(EMPTY).encode(), formatdate(1_000_000_000, usegmt=True))
    findings = found(open_sink(server.url))
    assert [level for level, _ in findings] == [Level.OK, Level.WARNING]
    assert "ahead of its clock" in findings[1][1]


def test_passwords_of_peers_are_not_shown(other, open_sink):
    """A server may show its peers' URLs as they were configured; what is no URL is not shown."""
    urls = f"http://me:{PASSWORD}@one:1/eureka/,http://two:2/a&amp;b/, {PASSWORD}://x"
    page = f"<tr>\n<td>unavailable-replicas</td><td>{urls}</td></tr>"
    server = other(200, json.dumps(EMPTY).encode(), page=page.encode())
    findings = found(open_sink(server.url))
    (gone,) = of(Level.WARNING, findings)
    shown = "http://one:1/eureka/, http://two:2/a%26b/, one without an address;"
    assert f"counts peers as unavailable: {shown}" in gone
    assert PASSWORD not in str(findings)
