"""`syncer status`, against a server that answers as a running syncer's page does."""

import http.server
import json
import threading
import time

import pytest

from syncer.cli.status import _url

WORKING = {"state": "working", "why": "", "since": None, "retry_in": None, "age": 8.2}
SOURCE = {"name": "docker", **WORKING, "workloads": 8, "instances": 1}
SINK = {
    **{"name": "consul", **WORKING, "registrations": 41, "registered": 41, "wanted": 41},
    **{"failed": 0, "skips": {}, "pulse": None},
}
ANSWER = {
    **{"version": "0.2.0", "host": "ops1", "uptime": 273_600, "in_sync": True, "refused": None},
    **{"sources": [SOURCE], "sinks": [SINK]},
}


@pytest.fixture
def answers():
    """Starts servers that answer with this; returns their address."""
    servers = []

    def start(found, token=""):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):  # noqa: N802
                asked = self.headers.get("Authorization", "")
                allowed = not token or asked == f"Bearer {token}"
                self.send_response(200 if allowed else 401)
                self.end_headers()
                self.wfile.write(json.dumps(found).encode() if allowed else b"{}")

            def log_message(self, *words):
                """Nothing."""

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def utc(monkeypatch):
    """Times are those of this machine's clock: here UTC."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_in_sync(typed, answers):
    """Each part has a line; the exit code is 0."""
    assert typed(f"status --web {answers(ANSWER)}") == (
        0,
        "ops1: in sync; running for 3 d 4 h, version 0.2.0\n"
        "  docker        8 workloads, 1 instance, read 8 s ago\n"
        "  consul        41 of 41 registered, read 8 s ago\n",
    )


def test_in_sync_does_not_mean_well(typed, answers):
    """What is registered and unhealthy is said, though the registry has it so."""
    found = {**ANSWER, "statuses": {"up": 40, "unhealthy": 1}}
    code, printed = typed(f"status --web {answers(found)}")
    assert (code, "unhealthy: 1 instance; " in printed) == (0, True)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"state": "failing", "why": "no route", "age": 70}, "no route; read 1 min 10 s ago"),
        ({"state": "failing", "why": "no route", "age": None}, "failing: no route; never read"),
        (
            {"state": "failing", "why": "no route", "since": "2020-01-02T12:52:00+00:00"},
            "failing since 2020-01-02 12:52: no route; read 8 s ago",
        ),
        ({"state": "failing", "why": "no", "retry_in": 12}, "failing: no; read 8 s ago, next try"),
        ({"state": "failing", "why": "no", "retry_in": 0}, "read 8 s ago, trying now"),
        ({"registered": 40, "skips": {"conflict": 1}}, "40 of 41 registered, read 8 s ago, 1 con"),
        ({"failed": 2}, "read 8 s ago, 2 failed"),
        ({"skips": {"guard": 30}}, "41 of 41 registered, read 8 s ago, 30 guard"),
    ],
)
def test_a_sink_that_is_not(typed, answers, change, words):
    """What fails and since when, and what is missing; the exit code is 1."""
    given = ANSWER | {"in_sync": False, "sinks": [SINK | change]}
    code, said = typed(f"status --web {answers(given)}")
    assert code == 1
    assert "ops1: not in sync;" in said
    assert words in said


def test_a_refused_configuration_and_what_is_left_out(typed, answers):
    """The first is not in sync; the second is only said."""
    refused = {"in_sync": False, "refused": {"problems": ["no sink", "no source"]}}
    code, said = typed(f"status --web {answers(ANSWER | refused)}")
    assert (code, "configuration refused: no sink; no source" in said) == (1, True)
    setting = {"source": "docker", "kind": "unknown", "workload": "", "port": "", "reason": "none"}
    worker = setting | {"kind": "no-port", "workload": "worker", "port": "80", "reason": "no port"}
    typo = setting | {"kind": "warning", "workload": "web", "reason": "a typo", "more": 97}
    listed = {"not_registered": [setting, worker, typo]}
    code, said = typed(f"status --web {answers(ANSWER | listed)}")
    assert (code, said.splitlines()[-7:]) == (
        0,
        [
            "  settings:",
            "    docker: none",
            "  not registered:",
            "    docker: worker port 80: no port",
            "  label problems:",
            "    docker: web: a typo",
            "    docker: and 97 more of web",
        ],
    )


def test_json_is_the_whole_answer(typed, answers):
    """With whether it is in sync."""
    code, said = typed(f"status --json --web http://{answers(ANSWER)}/")
    assert (code, json.loads(said)) == (0, ANSWER)


def test_address_and_token_are_those_of_the_file(typed, answers, folder):
    """An address on which it listens everywhere is asked here."""
    port = answers(ANSWER, token="s3cret").rpartition(":")[2]
    assert typed(f"status --web 127.0.0.1:{port}")[0] == 6
    (folder / "etc").mkdir()
    text = f'[web]\nlisten = "0.0.0.0:{port}"\ntoken = "s3cret"\n'
    (folder / "etc" / "syncer.toml").write_text(text)
    assert typed("status")[0] == 0


def test_nothing_answers(typed, answers):
    """No syncer, and something else: other codes than 0 and 1."""
    code, said = typed("status --web 127.0.0.1:1")
    assert code == 5
    assert said.startswith("syncer: no syncer answers at http://127.0.0.1:1: Connection refused;")
    assert typed(f"status --web {answers(['another program'])}")[0] == 6
    assert typed(f"status --web {answers({'sinks': []})}")[0] == 6


@pytest.mark.parametrize(
    ("address", "asked"),
    [
        ("localhost", "localhost:8520"),
        ("[::1]", "[::1]:8520"),
        (":8521", "127.0.0.1:8521"),
        ("10.0.0.1:80", "10.0.0.1:80"),
        ("https://ops1/", ""),
    ],
)
def test_an_address_without_a_port(address, asked):
    """The usual port is meant."""
    assert _url(address) == (f"http://{asked}" if asked else "https://ops1")
