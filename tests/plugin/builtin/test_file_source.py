"""The file source: what may be written, and what becomes of mistakes."""

import json
import os
import socket
from threading import Event, Thread

import pytest

from syncer import Check, CheckStatus, Context, Health, Offer, State, Status, TemporaryError
from syncer.plugin.builtin.file_source import FileSource, FileSourceOptions
from syncer.testing import SourceContract, wait_until


def open_source(path, scope="s"):
    return FileSource.create(FileSourceOptions(path=path, scope=scope), Context(name="file"))


class Services:
    """A services file that a test changes, replaced in one step."""

    def __init__(self, path):
        self.path = path
        self.rows = []
        self.save()

    def save(self):
        new = self.path.with_suffix(".new")
        new.write_text(json.dumps({"services": self.rows}))
        os.replace(new, self.path)

    def start(self, name):
        self.rows.append({"name": name, "address": "10.0.0.5", "port": 80})
        self.save()
        return f"{name}-10.0.0.5:80"

    def end(self, id_):
        self.rows = [row for row in self.rows if not id_.startswith(row["name"] + "-")]
        self.save()

    def obscure(self, id_):
        self.rows.append({"nam": "x"})
        self.save()


class TestContract(SourceContract):
    """The clauses that apply to a file."""

    declines = {"secrets": "it has none", "breaks": "there is no connection"}

    @pytest.fixture
    def services(self, tmp_path):
        return Services(tmp_path / "services.json")

    @pytest.fixture
    def source(self, services):
        return open_source(services.path)

    @pytest.fixture
    def reopen(self, services):
        return lambda: open_source(services.path)

    @pytest.fixture
    def start(self, services):
        return services.start

    @pytest.fixture
    def end(self, services):
        return services.end

    @pytest.fixture
    def obscure(self, services):
        return services.obscure

    @pytest.fixture
    def unreachable(self, tmp_path):
        return open_source(tmp_path / "none.json")


FULL = {
    "services.toml": """
[[services]]
name = "web"
address = "10.0.0.5"
port = 80
tags = ["a", "b"]
meta = { team = "shop" }
weight = 3
checks = [
  { kind = "http", path = "/health", interval = "10s", headers = { Host = "x", A = ["1", "2"] } },
  { kind = "ttl", key = "beat", ttl = 30, initial_status = "passing" },
]
""",
    "services.yaml": """
services:
  - name: web
    address: 10.0.0.5
    port: 80
    tags: [a, b]
    meta: {team: shop}
    weight: 3
    checks:
      - {kind: http, path: /health, interval: 10s, headers: {Host: x, A: ["1", "2"]}}
      - {kind: ttl, key: beat, ttl: 30, initial_status: passing}
""",
    "services.json": """
[{"name": "web", "address": "10.0.0.5", "port": 80, "tags": ["a", "b"], "meta": {"team": "shop"},
  "weight": 3, "checks": [
    {"kind": "http", "path": "/health", "interval": "10s",
     "headers": {"Host": "x", "A": ["1", "2"]}},
    {"kind": "ttl", "key": "beat", "ttl": 30, "initial_status": "passing"}]}]
""",
}


@pytest.mark.parametrize("name", FULL)
def test_the_same_in_every_language(tmp_path, name):
    """TOML, YAML and JSON say the same."""
    path = tmp_path / name
    path.write_text(FULL[name])
    view = open_source(path).workloads()
    (found,) = view.items
    assert view.complete
    assert (found.id, found.name, found.scope, found.source) == (
        "web-10.0.0.5:80",
        "web-10.0.0.5",
        "s",
        "file",
    )
    assert (found.state, found.health) == (State.RUNNING, None)
    headers = {"Host": ("x",), "A": ("1", "2")}
    assert found.offers == (
        Offer(
            service="web",
            port=80,
            register_address="10.0.0.5",
            register_port=80,
            tags=("a", "b"),
            meta={"team": "shop"},
            weight=3,
            checks=(
                Check(kind="http", path="/health", interval=10.0, headers=headers),
                Check(kind="ttl", key="beat", ttl=30.0, initial_status=CheckStatus.PASSING),
            ),
        ),
    )


def read(tmp_path, *rows):
    path = tmp_path / "s.json"
    path.write_text(json.dumps(list(rows)))
    return open_source(path).workloads().items


def test_ids_and_names(tmp_path):
    """Without an id, name, address, port and protocol tell services apart."""
    rows = [
        {"name": "web", "port": 80},
        {"name": "web", "port": 80, "address": "10.0.0.1"},
        {"name": "web", "port": 80, "address": "fd00::1", "protocol": "udp"},
        {"name": "web", "id": "mine"},
    ]
    found = read(tmp_path, *rows)
    assert [w.id for w in found] == ["web:80", "web-10.0.0.1:80", "web-fd00::1:80:udp", "mine"]
    assert [w.offers[0].id for w in found] == ["", "", "", "mine"]
    assert found[0].offers[0].register_port is None
    assert found[0].network_mode == "host"


@pytest.mark.parametrize("status", Status)
def test_status(tmp_path, status):
    """Every status can be written, and the workload has it."""
    (found,) = read(tmp_path, {"name": "web", "status": status.value})
    assert found.status is status
    assert found.health in Health


def test_scope_is_never_empty(tmp_path):
    """Without a scope it is the host's name."""
    assert open_source(tmp_path, "").scope() == socket.gethostname()
    assert open_source(tmp_path, "").host().name == socket.gethostname()


MISTAKES = [
    ({"nam": "web"}, "services[0]: unknown key 'nam'; did you mean 'name'?"),
    ({"port": 80}, "services[0]: `name` is missing"),
    ({"name": "web", "port": "80"}, "services[0].port: must be a whole number, not '80'"),
    ({"name": "web", "port": True}, "services[0].port: must be a whole number, not true"),
    ({"name": "web", "port": 70000}, "services[0].port: must be 0 to 65535, not 70000"),
    ({"name": "web", "tags": "a"}, "services[0].tags: must be a list, not 'a'"),
    ({"name": "web", "tags": [1]}, "services[0].tags: must be text, not 1 (put it in quotes)"),
    ({"name": "web", "meta": {"v": 1.1}}, "services[0].meta: v: must be text, not 1.1"),
    ({"name": None}, "services[0].name: must be text, not nothing"),
    ({"name": ""}, "services[0].name: must not be empty"),
    ({"name": "a\nb"}, "services[0].name: has control characters"),
    ({"name": " web"}, "services[0].name: has blanks at an end: ' web'"),
    ({"name": "x" * 256}, "services[0].name: is longer than 255 characters"),
    ({"name": "web", "id": ""}, "services[0].id: must not be empty"),
    ({"name": "web", "id": "a\x7f"}, "services[0].id: has control characters"),
    ({"name": "web", "tags": ["\ud800"]}, "services[0].tags: has control characters"),
    ({"name": "web", "protocol": "TCP"}, "services[0].protocol: must be one of tcp, udp, sctp"),
    ({"name": "web", "weight": -1}, "services[0].weight: must be 0 to 65535, not -1"),
    ({"name": "web", "status": "down"}, "services[0].status: must be one of up, starting"),
    ({"name": "web", "tag_override": "no"}, "services[0].tag_override: must be true or false"),
    ({"name": "web", "checks": [{}]}, "services[0].checks[0]: `kind` is missing"),
    (
        {"name": "web", "checks": [{"kind": "http", "intervall": 3}]},
        "services[0].checks[0]: unknown key 'intervall'; did you mean 'interval'?",
    ),
    (
        {"name": "web", "checks": [{"kind": "http", "interval": "soon"}]},
        "services[0].checks[0].interval: not a length of time: 'soon'",
    ),
    (
        {"name": "web", "checks": [{"kind": "http", "interval": 0}]},
        "services[0].checks[0].interval: must be 0.1 to",
    ),
    (
        {"name": "web", "checks": [{"kind": "http", "path": "http://10.0.0.5/health"}]},
        "services[0].checks[0].path: must be a path, such as /health, not",
    ),
    (
        {"name": "web", "checks": [{"kind": "http", "method": "GET /"}]},
        "services[0].checks[0].method: must be a request method, not",
    ),
    (
        {"name": "web", "checks": [{"kind": "tcp", "address": "10.0.0.5:80"}]},
        "services[0].checks[0].address: '10.0.0.5:80' is neither an address nor a host name",
    ),
    ({"name": "web", "checks": [{"kind": "ttl"}]}, "a check of kind ttl needs `ttl`"),
    ({"name": "web", "checks": [{"kind": "alias"}]}, "a check of kind alias needs `alias`"),
    (
        {"name": "web", "checks": [{"kind": "script"}]},
        "services[0].checks[0]: a check of kind script needs `command`",
    ),
    (
        {"name": "web", "checks": [{"kind": "tcp"}, {"kind": "tcp"}]},
        "services[0].checks: two checks have the key 'tcp': set `key`",
    ),
    ("web", "services[0]: must be a table, not 'web'"),
]


@pytest.mark.parametrize(("row", "said"), MISTAKES, ids=range(len(MISTAKES)))
def test_mistakes_are_named(tmp_path, row, said):
    """A mistake is reported with file, place and nearest key, and nothing is listed."""
    with pytest.raises(TemporaryError) as caught:
        read(tmp_path, {"name": "good"}, row)
    assert said.replace("[0]", "[1]", 1) in str(caught.value)
    assert str(tmp_path / "s.json") in str(caught.value)


ADDRESSES = (
    *("http://10.0.0.5", "10.0.0.5:8080", "10.0.0.5/24", "10.0.0.5/", "h\u00f4st", "10.1"),
    *("010.0.0.5", "10.0.0.256", "fe80::1%eth0", "fe80::%1", "0.0.0.0", "[::]", "::"),
    *("224.0.0.1", "ff02::1", "a b", "-web", "web-", "user@web", "[10.0.0.5]:80", "", " "),
)


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_that_no_client_can_use_is_a_mistake(tmp_path, address):
    """Addresses are judged when the file is read: nothing of a file with a bad one counts."""
    with pytest.raises(TemporaryError, match=r"services\[1\]\.address: "):
        read(tmp_path, {"name": "good"}, {"name": "web", "address": address, "port": 80})


@pytest.mark.parametrize(
    ("given", "read_as"),
    [("[2001:DB8::1]", "2001:db8::1"), (" 10.0.0.5 ", "10.0.0.5"), ("db_1.lan.", "db_1.lan.")],
)
def test_addresses_in_other_forms(tmp_path, given, read_as):
    """Brackets and blanks around an address do not matter."""
    (found,) = read(tmp_path, {"name": "web", "address": given})
    assert found.offers[0].register_address == read_as


def test_all_mistakes_of_an_entry_are_named(tmp_path):
    """Those of the service and of its checks are reported together."""
    row = {"name": "a\nb", "address": "10.1", "port": -1, "checks": [{"kind": "http", "ttl": 0.5}]}
    with pytest.raises(TemporaryError) as caught:
        read(tmp_path, row)
    for place in ("name", "address", "port", "checks[0].ttl"):
        assert f"services[0].{place}: " in str(caught.value)


def test_many_mistakes_are_counted(tmp_path):
    """The first mistakes are named, the others counted."""
    with pytest.raises(TemporaryError, match=r"services\[0\].*services\[4\].*; and 2 more$"):
        read(tmp_path, *[{"x": 1}] * 7)


def test_twice_is_a_mistake(tmp_path):
    """Two services that cannot be distinguished are refused."""
    with pytest.raises(TemporaryError, match=r"'web:80' is listed twice: set `id`"):
        read(tmp_path, {"name": "web", "port": 80}, {"name": "web", "port": 80})


BROKEN = {
    "s.toml": ("[[services]]\nname = \n", "line 2"),
    "s.yaml": ("services:\n  - name: [\n", "line 3"),
    "s.json": ('{"services": [\n}', "line 2"),
    "t.yaml": ("", "expected a list named `services`"),
    "t.json": ('{"servces": []}', "did you mean 'services'"),
    "u.json": ("[" * 100_000, ""),
    "s.ini": ("", "must end in one of .toml, .yaml, .yml, .json"),
    "v.yaml": ("!!python/object/apply:os.getcwd []", "line 1"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_file(tmp_path, name):
    """A file that cannot be parsed is TemporaryError with its name and the line."""
    text, said = BROKEN[name]
    (tmp_path / name).write_text(text)
    source = open_source(tmp_path / name)
    with pytest.raises(TemporaryError) as caught:
        source.workloads()
    assert said in str(caught.value)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(TemporaryError):
        source.workload("web")


def test_binary_and_pipes_are_refused(tmp_path):
    """What is no text or would block is TemporaryError."""
    (tmp_path / "b.json").write_bytes(b"\xff\xfe")
    os.mkfifo(tmp_path / "p.json")
    for name in ("b.json", "p.json"):
        with pytest.raises(TemporaryError, match=name):
            open_source(tmp_path / name).workloads()


def test_empty_list_says_that_nothing_runs(tmp_path):
    """An empty list is a complete answer."""
    view = read(tmp_path)
    assert view == ()


def test_directory_is_read_in_order(tmp_path):
    """All files of known suffixes in a directory count; one broken file refuses all."""
    (tmp_path / "b.toml").write_text('[[services]]\nname = "two"\n')
    (tmp_path / "a.yml").write_text("- name: one\n")
    (tmp_path / ".hidden.json").write_text("nonsense")
    (tmp_path / "README").write_text("nonsense")
    source = open_source(tmp_path)
    assert [w.offers[0].service for w in source.workloads().items] == ["one", "two"]
    (tmp_path / "c.json").write_text("{")
    with pytest.raises(TemporaryError, match=r"c\.json"):
        source.workloads()


def test_watch_sees_every_way_to_change(tmp_path):
    """Appending, replacing, removing and adding files wake."""
    path = tmp_path / "a.json"
    path.write_text("[]")
    source, stop, wakes = open_source(tmp_path), Event(), []
    thread = Thread(target=source.watch, args=(wakes.append, stop))
    thread.start()

    def replace():
        new = tmp_path / "new"
        new.write_text("[] ")
        os.replace(new, path)

    steps = [
        lambda: path.write_text("[]  "),
        replace,
        lambda: (tmp_path / "b.json").write_text("[]"),
        lambda: (tmp_path / "b.json").unlink(),
    ]
    try:
        wait_until(lambda: wakes, 15, "the first wake")
        for number, step in enumerate(steps):
            before = len(wakes)
            step()
            wait_until(lambda before=before: len(wakes) > before, 15, f"a wake after {number}")
    finally:
        source.close()
        thread.join(30)
    assert not thread.is_alive()
    assert set(wakes) == {None}
