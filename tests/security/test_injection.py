"""Text that others chose reaches keys, paths, logs and terminals only as text."""

import json
import re
import threading
import unicodedata
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from servers.registries import ConsulView, EtcdView, EurekaView
from servers.syncer import command

#: Texts that mean something to a terminal, a log, a path, a key, a query, JSON, XML or markup.
HOSTILE = {
    "newline": "a\nFORGED line",
    "return": "a\rFORGED",
    "escape": "a\x1b[2J\x1b]0;FORGED\x07",
    "nul": "a\x00b",
    "c1": "a\x9b31mb",
    "delete": "a\x7fb",
    "bidi": "a\u202egnp.exe\u2066",
    "line separator": "a\u2028FORGED\u2029",
    "zero width": "a\u200bb\ufeff",
    "lone surrogate": "a\ud800b",
    "markup": "a[bold red]b[/]",
    "traversal": "../../victim",
    "dots": "..",
    "slash": "a/b//c/",
    "encoded slash": "..%2fvictim",
    "query": "victim?x=1&y=2",
    "fragment": "victim#x",
    "semicolon": "a;b=c",
    "quote": "a\"b'c`d$(id)",
    "json": '{"a": [1, 2]}',
    "xml": "<a>&b;]]>",
    "percent": "%n%s%00",
    "backslash": "a\\b\\u0000",
    "long": "x" * 100_000,
    "blank": " \t ",
    "comma": "a,b,,c",
}
LABELS = (
    *("SERVICE_NAME", "SERVICE_ID", "SERVICE_TAGS", "SERVICE_NOTE", "SERVICE_CHECK_HTTP"),
    *("SERVICE_CHECK_NAME", "SERVICE_CHECK_NOTES", "SERVICE_CHECK_ID", "SERVICE_ADDRESS"),
    *("SERVICE_NETWORK", "SERVICE_WEIGHT", "SERVICE_CHECK_INTERVAL", "SERVICE_CHECK_HEADER"),
)


def containers():
    """For each text a container that has it everywhere, and one for each place of its own."""
    for what, text in HOSTILE.items():
        everywhere = {name: text for name in LABELS} | {f"SERVICE_{text}": text, text: text}
        yield {"name": f"all {what} {text}", "labels": everywhere, "image": text}
        for name in ("SERVICE_NAME", "SERVICE_ID", "SERVICE_TAGS", "SERVICE_NOTE"):
            yield {"name": f"{what}-{name}", "labels": {"SERVICE_NAME": "web", name: text}}
        yield {"name": f"{what}-key", "labels": {"SERVICE_NAME": "web", f"SERVICE_{text}": "x"}}


@pytest.fixture
def engine(fake_docker):
    """A made-up engine, which takes names that a real one would refuse, full of hostile text."""
    fake = fake_docker(containers=0)
    for container in containers():
        fake.control("add", ports=[[80, 0]], **container)
    return fake


class ZooKeeperView:
    """A tree of nodes, of which syncer has one branch."""

    def __init__(self, server):
        self.server, self.address = server, server.address

    def sink(self, address):
        return f"zookeeper://{address}/services"

    def add_foreign(self):
        self.server.put("/victim", "untouched")
        self.server.put("/services/web/victim", "10.9.9.9:1")

    def foreign(self):
        return {path: value for path, value in self.server.values("/").items() if "victim" in path}


VIEWS = {
    "consul": ConsulView,
    "etcd": EtcdView,
    "eureka": EurekaView,
    "zookeeper": ZooKeeperView,
}


@pytest.fixture(params=["consul", "consulkv", "etcd", "eureka", "zookeeper"])
def registry(request):
    """Each registry with a registration of somebody else, and the flag for it."""
    kind = {"consulkv": "consul"}.get(request.param, request.param)
    server = request.getfixturevalue(f"clean_{kind}")
    view = VIEWS[kind](server)
    view.add_foreign()
    flag = view.sink(view.address)
    if request.param == "consulkv":
        flag = f"consulkv://{view.address}/services"
        server.api.put("kv/victim", "untouched")
        server.api.put("kv/services/web/victim", "10.9.9.9:1")
    yield view, flag
    if request.param == "consulkv":
        server.api.request("DELETE", "kv/", recurse="")


def unfit(text):
    """The characters that must not reach a terminal or a log."""
    kinds = ("Cc", "Cf", "Cs", "Zl", "Zp")
    return sorted({c for c in text if c != "\n" and unicodedata.category(c) in kinds})


def clean(done):
    """Check one command's output: nothing that controls a terminal, no line of another's making."""
    for text in (done.stdout, done.stderr):
        assert unfit(text) == []
        assert not re.search(r"(?m)^\s*FORGED", text)
    assert "Traceback" not in done.stderr
    return done


def parts(engine, flag):
    return (
        "--source",
        f"docker={engine.address}",
        "--set",
        "sources.docker.scope=h",
        "--sink",
        flag,
    )


@pytest.mark.server
def test_nothing_leaks_into_a_registry_or_onto_a_terminal(engine, registry):
    """Every command over every registry: what is registered can be seen, and removed again."""
    view, flag = registry
    before = view.foreign()
    here = parts(engine, flag)
    planned = clean(command("plan", *here))
    assert planned.returncode == 0, planned.stderr
    clean(command("apply", *here))
    again = json.loads(clean(command("plan", "--json", *here)).stdout)
    assert not again["errors"]
    (plan,) = again["sinks"].values()
    assert plan["changes"] == []
    assert plan["unchanged"] > len(HOSTILE)
    clean(command("services", "--all", "--sink", flag))
    json.loads(clean(command("services", "--json", "--sink", flag)).stdout)
    purged = clean(command("purge", "--yes", *here))
    assert purged.returncode == 0, purged.stdout[-500:] + purged.stderr
    left = json.loads(command("services", "--json", "--sink", flag).stdout)
    assert [found["registrations"] for found in left.values()] == [[]]
    assert view.foreign() == before
    if "consulkv" in flag:
        assert {e["Key"] for e in view.server.api.get("kv/", recurse="")} == {
            "victim",
            "services/web/victim",
        }


@pytest.mark.parametrize("form", ["json", "console"])
def test_log_lines_cannot_be_forged(engine, clean_consul, form):
    """Each line begins as ours do, in both formats."""
    flag = f"consul=http://{clean_consul.address}"
    here = (*parts(engine, flag), "--log-format", form, "--verbose", "--once")
    done = clean(command("run", *here))
    lines = done.stderr.splitlines()
    assert len(lines) > len(HOSTILE)
    for line in lines:
        if form == "json":
            assert {"event", "level", "timestamp"} <= json.loads(line).keys()
        else:
            assert re.match(r"\d{4}-\d\d-\d\dT[\d:]+[+-]\d\d:\d\d \w+ +\S", line), line


def test_explain_shows_it_harmlessly(engine, tmp_path):
    """Names, labels, problems and the image are text; a name that is not there is too."""
    here = parts(engine, f"file={tmp_path}/registry.json")
    names = [container["name"] for container in containers() if container["name"][:4] == "all "]
    for name in names:
        argument = (
            name.replace("\x00", "?").encode("utf-8", "surrogatepass").decode("utf-8", "replace")
        )
        clean(command("explain", argument[:200], *here))
    shown = json.loads(clean(command("explain", "--json", "escape-SERVICE_NAME", *here)).stdout)
    assert shown[0]["name"] == "escape-SERVICE_NAME"


class Liar(BaseHTTPRequestHandler):
    """A server that answers everything with an error in colour."""

    def do_GET(self):
        text = b'{"message": "gone\\nFORGED \\u001b[31mred"}'
        self.send_response(500, "gone \x1b[31mred")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def liar():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Liar)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("what", [("plan",), ("apply",), ("explain", "x"), ("run", "--once")])
def test_what_a_server_says_is_text(liar, tmp_path, what):
    """An engine's or a registry's error message is shown on one line, without its colours."""
    done = clean(
        command(
            *what,
            *("--source", f"docker=tcp://{liar}", "--set", "sources.docker.scope=h"),
            *("--sink", f"consul=http://{liar}"),
        )
    )
    assert done.returncode == 1
    assert "gone" in done.stdout + done.stderr
