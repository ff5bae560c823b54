"""Who may read and who may change; what a hostile label and a hostile site get."""

import http.client
import json
import re
import socket
from contextlib import closing

import pytest
from fakes import FakeSink, exited, offer, workload

import syncer
from servers import secrets
from servers.webpage import TOKEN
from syncer.api.errors import ConfigError
from syncer.config.web_rules import WebRules, address_of
from syncer.testing import wait_until
from syncer.web.app import _FILES

SCRIPT = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"


def without_comments(script):
    """A script, less what is said of it."""
    return re.sub(r"(?m)(^|\s)//( .*)?$", "", script)


class TestTokens:
    """What needs one."""

    def test_without_one_nothing_can_be_changed(self, site):
        """Whatever is sent along; reading is free."""
        made = site(workload("web"))
        for token in ("", "x"):
            status, _, text = made.ask("/api/v1/refresh", "POST", token=token)
            assert status == 403
            assert "web.token" in text
        assert made.get("status")["token"] == {"reading": False, "changing": False}

    def test_changes_need_it(self, site):
        """The right one, whole."""
        made = site(workload("web"), token=TOKEN)
        assert made.get("status")
        for token in ("", "x", TOKEN[:-1], TOKEN + "x", "ä"):
            given = {"Authorization": f"Bearer {token}".encode()} if token else {}
            status, headers, _ = made.ask("/api/v1/refresh", "POST", headers=given)
            assert (status, headers["WWW-Authenticate"]) == (401, "Bearer")
        assert made.get("refresh", method="POST", token=TOKEN)["done"]

    def test_reading_can_need_it(self, site):
        """All that tells something; not whether it lives, nor the page, which tells nothing."""
        made = site(workload("web"), token=TOKEN, token_for="all")
        for path in ("/metrics", "/api/v1/status", "/api/v1/events/stream", "/api/v1/instances"):
            assert made.ask(path)[0] == 401
        for path in ("/", "/page.js", "/style.css", "/icon.svg", "/healthz"):
            assert made.ask(path)[0] == 200
        assert made.ask("/metrics", token=TOKEN)[0] == 200
        assert made.get("status", token=TOKEN)["token"]["reading"]

    def test_a_drain_is_carried_out(self, site):
        """As the command does it, on the same sinks; and ended again."""
        sink = FakeSink()
        sink.park = lambda instance: instance
        made = site(
            workload("web"),
            workload("web", number="2", port=81, offers=(offer(id="h:web2", register_port=81),)),
            sinks={"memory": sink},
            token=TOKEN,
        )
        wait_until(lambda: len(sink.ids()) == 2, 30)
        body = json.dumps({"name": "h:web:80"})
        done = made.get("drain", method="POST", token=TOKEN, body=body)
        assert done["sinks"]["memory"]["of"] == 1
        holds = lambda: {one.id: one.mark.hold for one in sink.store.all()}  # noqa: E731
        assert holds() == {"h:web:80": "drain", "h:web2": ""} or holds()["h:web:80"]
        made.get("undrain", method="POST", token=TOKEN, body=body)
        wait_until(lambda: not any(holds().values()), 30)


class TestStrangers:
    """Sites that a browser has open beside this one."""

    def raw(self, made, host, path="/api/v1/status"):
        line = http.client.HTTPConnection(made.address, timeout=30)
        with closing(line):
            line.putrequest("GET", path, skip_host=True)
            line.putheader("Host", host)
            line.endheaders()
            return line.getresponse().status

    def test_a_name_that_somebody_points_here_is_refused(self, site):
        """DNS rebinding: names that nobody configured; addresses and localhost are ours."""
        made = site(workload("web"), hosts=("status.example",))
        for host in ("evil.example", "evil.example:8520", "127.0.0.1.evil.example", "localhost.x"):
            for path in ("/", "/api/v1/status", "/metrics", "/healthz"):
                assert self.raw(made, host, path) == 421
        names = ("localhost", "LOCALHOST:1", "127.0.0.1:9", "[::1]:8520", "status.example")
        for host in (*names, socket.gethostname()):
            assert self.raw(made, host) == 200

    @pytest.mark.parametrize("version", ["1.0", "1.1"])
    def test_health_needs_no_name(self, site, version):
        """Old load balancers give none; whoever gives one must give a right one."""
        made = site(workload("web"))
        wait_until(lambda: made.ask("/readyz")[0] == 200, 30)
        name, _, port = made.address.partition(":")
        for path, status in (("/healthz", 200), ("/readyz", 200), ("/", 421), ("/metrics", 421)):
            with closing(socket.create_connection((name, int(port)), timeout=30)) as line:
                line.sendall(f"GET {path} HTTP/{version}\r\n\r\n".encode())
                assert int(line.recv(100).split()[1]) == status

    @pytest.mark.parametrize("path", ["/", "/page.js", "/api/v1/status", "/metrics", "/nothing"])
    def test_headers(self, site, path):
        """No other origin reads; nothing from elsewhere is loaded; no frame around it."""
        _, headers, _ = site(workload("web")).ask(path, headers={"Origin": "https://evil.example"})
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert not [name for name in headers if name.lower().startswith("access-control")]

    def test_nothing_comes_from_elsewhere(self, site):
        """The page names no other host, and has no script or style in it."""
        made = site(workload("web"))
        text = made.ask("/")[2]
        assert "//" not in text.replace("<!doctype", "")
        assert "<script src" in text
        assert "style=" not in text
        scripts = [made.ask(path)[2] for path, (_, kind) in _FILES.items() if "script" in kind]
        assert len(scripts) > 1
        assert not [one for one in scripts if "innerHTML" in one or "//" in without_comments(one)]


class TestBounds:
    """What is too much."""

    @pytest.mark.parametrize(
        ("path", "method", "body", "status"),
        [
            ("/api/v1/drain", "POST", b"{" + b"x" * 10_000, 413),
            ("/api/v1/drain", "POST", b"[]", 400),
            ("/api/v1/drain", "POST", b"{", 400),
            ("/api/v1/drain", "POST", b'{"name": 3}', 400),
            ("/api/v1/drain", "POST", b'{"name": "web", "force": "yes"}', 400),
            ("/api/v1/instances?q=" + "x" * 300, "GET", None, 400),
            ("/api/v1/explain?name=" + "x" * 300, "GET", None, 400),
            ("/api/v1/status", "POST", None, 405),
            ("/api/v1/../../etc/passwd", "GET", None, 404),
            ("/static/page.js", "GET", None, 404),
        ],
    )
    def test_it_is_refused(self, site, path, method, body, status):
        """With a status that says what it was."""
        made = site(workload("web"), token=TOKEN)
        assert made.ask(path, method, body=body, token=TOKEN)[0] == status

    def test_long_headers(self, site):
        """They are not read to the end; the refusal has the form of all others."""
        made = site(workload("web"))
        status, _, text = made.ask("/healthz", headers={"X-Long": "x" * 40_000})
        assert status == 431
        assert json.loads(text)["error"]


class TestHostile:
    """Labels are written by others."""

    def test_text_stays_text(self, site):
        """In JSON, never as markup; long values are whole in the API and bounded in lines."""
        long = "x" * 5000
        one = offer(service=SCRIPT, tags=(SCRIPT, long), meta={"k": SCRIPT}, id="bad")
        made = site(workload("web", offers=(one,), image=SCRIPT))
        wait_until(lambda: made.get("instances")["total"] == 1, 30)
        for path in ("instances", "status", "explain?name=bad", "events", "registrations"):
            _, headers, text = made.ask(f"/api/v1/{path}")
            assert headers["Content-Type"] == "application/json"
            json.loads(text)
        (row,) = made.get("instances")["items"]
        assert row["tags"] == [SCRIPT, long]
        assert all(len(str(v)) <= 2100 for e in made.get("events") for v in e["fields"].values())

    def test_control_characters_of_errors(self, site):
        """What a registry answers is escaped in lines, as in the log."""
        sink = FakeSink()
        sink.fail["register"] = syncer.PermanentError("no\x1b[31m\nway")
        made = site(workload("web"), sinks={"memory": sink})
        wait_until(lambda: any("way" in str(e) for e in made.get("events")), 30)
        assert "\\u001b" not in made.ask("/api/v1/events")[2]

    def test_environments_are_not_shown(self, site):
        """People keep passwords there; no answer has one, nor have the metrics."""
        hidden = secrets.secret("env-pass-of-the-tests")
        made = site(
            workload("web", env={"PASSWORD": hidden}), exited(workload("old", env={"P": hidden}))
        )
        paths = ("status", "instances", "registrations", "events", "explain?name=web", "skips")
        texts = [made.ask(path)[2] for path in ("/metrics", *(f"/api/v1/{p}" for p in paths))]
        assert not [text for text in texts if hidden in text]


class TestSettings:
    """The table `web`."""

    @pytest.mark.parametrize(
        ("given", "found"),
        [
            ("127.0.0.1:8520", ("127.0.0.1", 8520)),
            ("localhost:1", ("127.0.0.1", 1)),
            ("[::1]:8520", ("::1", 8520)),
            (":8520", ("0.0.0.0", 8520)),
        ],
    )
    def test_addresses(self, given, found):
        """An address of this host, and a port."""
        assert address_of(given) == found

    @pytest.mark.parametrize(
        "given", ["8520", "host.example:80", "127.0.0.1", "127.0.0.1:x", "::1:99999"]
    )
    def test_what_is_none(self, given):
        """With the form that it should have."""
        with pytest.raises(ValueError, match=r"must be an address"):
            address_of(given)

    @pytest.mark.parametrize("token", ["geheim\u20ac", "gehe\u00efm", "a\nb", "a\x00"])
    def test_a_token_that_no_header_has(self, token):
        """It is refused when it is read, and not shown."""
        with pytest.raises(ValueError, match=".") as caught:
            WebRules(token=syncer.Secret(token))
        assert token not in str(caught.value)

    def test_an_open_page_is_warned_of(self):
        """Where others reach it and no token is asked."""
        assert "0.0.0.0:8520" in WebRules(listen="0.0.0.0:8520").warnings()[0]
        safe = {"token": syncer.Secret("x"), "token_for": "all"}
        assert WebRules(listen="0.0.0.0:8520", **safe).warnings() == ()
        assert WebRules(listen="0.0.0.0:8520", token_for="all").warnings()
        assert WebRules(listen="127.0.0.1:8520").warnings() == WebRules().warnings() == ()

    def test_a_port_that_is_taken(self, site):
        """Said at once, with the address."""
        made = site(workload("web"))
        from syncer.events.status import Status
        from syncer.web.api import About
        from syncer.web.server import Page

        with pytest.raises(ConfigError, match=f"web.listen: cannot listen on {made.address}"):
            Page(Status()).open(made.engine, WebRules(listen=made.address), About(), None)
