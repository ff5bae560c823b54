"""What stands in etcd, read by what is not our code: `etcdctl`, and CoreDNS where there is one."""

import base64
import json
import shutil
import socket
import struct

import attrs
import pytest

from servers.process import Server, free_port
from servers.waiting import wait_until as wait_for_server
from syncer import STATUS_KEY, Check, ConfigError, PermanentError, Status
from syncer.testing import make_instance, make_registration
from syncer_etcd.layout import load_layout, segment
from syncer_etcd.layouts.skydns import label_of

WEB = make_instance(id="host1:web:80", tags=("blue", "v1"), meta={"team": "shop"}, weight=3)
SIX = make_instance(id="host1:six:80", service="six", address="fd00::5")
MARK = {
    "owner": "syncer",
    "scope": "kit-scope",
    "source": "kit",
    "workload": "w1",
}


def new(sink, instance, **mark):
    return make_registration(sink.adjust(instance), **mark)


def stored(server, key):
    """What `etcdctl` prints of one key."""
    return server.ctl("get", "--print-value-only", key).rstrip("\n")


def keys(server):
    return server.ctl("get", "--prefix", "--keys-only", "").split()


def mark_in(fields):
    return {name: fields[name] for name in MARK}


def test_registrator(clean_etcd, open_sink):
    """`/services/<name>/<id>` = `ip:port`, byte for byte as registrator wrote it."""
    sink = open_sink(clean_etcd.address, layout="registrator")
    sink.register(new(sink, WEB))
    sink.register(new(sink, SIX))
    assert stored(clean_etcd, "/services/web/host1:web:80") == "10.0.0.5:8080"
    assert stored(clean_etcd, "/services/six/host1:six:80") == "[fd00::5]:8080"
    twin = json.loads(stored(clean_etcd, "/syncer/services/web/host1:web:80"))
    assert mark_in(twin["mark"]) == MARK
    assert twin["tags"] == ["blue", "v1"]
    assert len(keys(clean_etcd)) == 4


def test_json(clean_etcd, open_sink):
    """A documented object, with the status and the mark."""
    sink = open_sink(clean_etcd.address, layout="json", prefix="/registry/services")
    sink.register(new(sink, attrs.evolve(WEB, status=Status.UNHEALTHY)))
    found = json.loads(stored(clean_etcd, "/registry/services/web/host1:web:80"))
    assert mark_in(found.pop("syncer")) == MARK
    assert found == {
        "id": "host1:web:80",
        "name": "web",
        "address": "10.0.0.5",
        "port": 8080,
        "protocol": "tcp",
        "status": "unhealthy",
        "tags": ["blue", "v1"],
        "meta": {"team": "shop"},
        "weight": 3,
    }
    (listed,) = sink.registrations().items
    assert listed.instance.meta == {"team": "shop", STATUS_KEY: "unhealthy"}
    assert listed.instance.status is Status.UNHEALTHY


def test_skydns(clean_etcd, open_sink):
    """The domain reversed, ids as labels, SkyDNS' fields and ours beside them."""
    sink = open_sink(
        clean_etcd.address,
        layout="skydns",
        layout_options={"domain": "Cluster.Local.", "ttl": "30"},
    )
    meta = {"skydns_priority": "5", "skydns_group": "g1"}
    sink.register(new(sink, attrs.evolve(WEB, meta=meta)))
    (key,) = keys(clean_etcd)
    assert key == f"/skydns/local/cluster/web/{label_of('host1:web:80')}"
    found = json.loads(stored(clean_etcd, key))
    assert mark_in(found.pop("syncer")["mark"]) == MARK
    assert found == {
        "host": "10.0.0.5",
        "port": 8080,
        "weight": 3,
        "ttl": 30,
        "priority": 5,
        "group": "g1",
    }


def test_grpc(clean_etcd, open_sink):
    """Endpoints below the target, without a slash before it, as Go's resolver looks for them."""
    sink = open_sink(clean_etcd.address, layout="grpc", prefix="/apps")
    sink.register(new(sink, WEB))
    assert keys(clean_etcd) == ["apps/web/host1:web:80", "syncer/apps/web/host1:web:80"]
    found = json.loads(stored(clean_etcd, "apps/web/host1:web:80"))
    assert found == {"Op": 0, "Addr": "10.0.0.5:8080", "Metadata": None}
    twin = json.loads(stored(clean_etcd, "syncer/apps/web/host1:web:80"))
    assert mark_in(twin["mark"]) == MARK


def test_traefik(clean_etcd, open_sink):
    """Servers at a numeric index; nothing else is in Traefik's tree."""
    sink = open_sink(clean_etcd.address, layout="traefik")
    sink.register(new(sink, WEB))
    udp = attrs.evolve(WEB, id="host1:dns:53:udp", service="dns", protocol="udp", port=53)
    sink.register(new(sink, udp))
    tcp = attrs.evolve(WEB, id="host1:db:1", service="db", meta={"traefik_kind": "tcp"})
    sink.register(new(sink, tcp))
    values = clean_etcd.api.values("traefik/")
    found = {}
    for key, value in values.items():
        parts = key.split("/")
        assert parts.pop(6).isdigit()
        found["/".join(parts)] = value
    assert found == {
        "traefik/http/services/web/loadbalancer/servers/url": "http://10.0.0.5:8080",
        "traefik/udp/services/dns/loadbalancer/servers/address": "10.0.0.5:53",
        "traefik/tcp/services/db/loadbalancer/servers/address": "10.0.0.5:8080",
    }
    assert sorted(keys(clean_etcd)) == sorted([*values, *(f"syncer/{key}" for key in values)])


def test_foreign_servers_of_traefik_survive(clean_etcd, open_sink):
    """A server at index 0, put by hand, is listed without a mark, and stays; routers are none."""
    sink = open_sink(clean_etcd.address, layout="traefik")
    manual = "traefik/http/services/web/loadbalancer/servers/0/url"
    clean_etcd.api.put(manual, "http://10.0.0.1:80")
    clean_etcd.api.put("traefik/http/routers/web/rule", "Host(`x`)")
    held = sink.register(new(sink, WEB))
    view = sink.registrations()
    assert {r.id: bool(r.mark) for r in view.items} == {manual: False, held.id: True}
    assert view.unclear == frozenset()
    sink.deregister(held)
    assert clean_etcd.api.values("traefik/http/services/") == {manual: "http://10.0.0.1:80"}


def test_kratos(clean_etcd, open_sink):
    """A `ServiceInstance` of kratos, the mark in its metadata as text."""
    sink = open_sink(clean_etcd.address, layout="kratos", layout_options={"scheme": "grpc"})
    sink.register(new(sink, attrs.evolve(WEB, meta={"version": "v2"})))
    found = json.loads(stored(clean_etcd, "/microservices/web/host1:web:80"))
    assert mark_in(json.loads(found["metadata"].pop("syncer"))["mark"]) == MARK
    assert found == {
        "id": "host1:web:80",
        "name": "web",
        "version": "v2",
        "metadata": {"version": "v2"},
        "endpoints": ["grpc://10.0.0.5:8080?isSecure=false"],
    }


def test_micro(clean_etcd, open_sink):
    """A service of go-micro with one node, the mark in its metadata as text."""
    sink = open_sink(clean_etcd.address, layout="micro")
    sink.register(new(sink, WEB))
    found = json.loads(stored(clean_etcd, "/micro/registry/web/host1:web:80"))
    (node,) = found.pop("nodes")
    assert found["name"] == "web"
    assert mark_in(json.loads(node["metadata"].pop("syncer"))["mark"]) == MARK
    assert node == {
        "id": "host1:web:80",
        "address": "10.0.0.5:8080",
        "metadata": {"team": "shop"},
    }


FOREIGN = {
    "registrator": ("/services/web/x", "10.0.0.7:99", "x"),
    "json": ("/services/web/x", '{"address": "10.0.0.7", "port": 99}', "x"),
    "skydns": ("/skydns/local/cluster/web/x", '{"host": "10.0.0.7", "port": 99}', "x"),
    "grpc": ("services/web/10.0.0.7:99", '{"Op": 0, "Addr": "10.0.0.7:99"}', "10.0.0.7:99"),
    "traefik": (
        "traefik/http/services/web/loadbalancer/servers/0/url",
        "http://10.0.0.7:99",
        "traefik/http/services/web/loadbalancer/servers/0/url",
    ),
    "kratos": (
        "/microservices/web/x",
        '{"id": "x", "name": "web", "endpoints": ["http://10.0.0.7:99"]}',
        "x",
    ),
    "micro": (
        "/micro/registry/web/x",
        '{"name": "web", "nodes": [{"id": "x", "address": "10.0.0.7:99"}]}',
        "x",
    ),
}


@pytest.mark.parametrize("layout", sorted(FOREIGN))
def test_foreign_entries_are_understood(clean_etcd, open_sink, layout):
    """What another program wrote is listed with its service, address and port, without a mark."""
    key, value, id_ = FOREIGN[layout]
    clean_etcd.api.put(key, value)
    (found,) = open_sink(clean_etcd.address, layout=layout).registrations().items
    assert found.mark is None
    assert found.id == id_
    instance = found.instance
    assert (instance.service, instance.address, instance.port) == ("web", "10.0.0.7", 99)


@pytest.mark.parametrize("layout", sorted(FOREIGN))
@pytest.mark.parametrize(
    "junk", ["", "nonsense", "[1]", "{}", '{"host": 7}', "\udcff", '{"Addr":', "[" * 5000, "null"]
)
def test_foreign_junk_harms_nothing(clean_etcd, open_sink, layout, junk):
    """A value that nobody can read, anywhere below the prefix, hides and breaks nothing."""
    sink = open_sink(clean_etcd.address, layout=layout)
    held = sink.register(new(sink, WEB))
    base = sink._layout.base
    raw = base64.b64encode(junk.encode("utf-8", "surrogateescape")).decode()
    for key in (FOREIGN[layout][0], f"{base}a", f"{base}a/b/c/d", f"{base}//", base):
        packed = base64.b64encode(key.encode()).decode()
        clean_etcd.api.request("kv/put", key=packed, value=raw)
    view = sink.registrations()
    assert [r for r in view.items if r.mark] == [held]
    sink.update(held, new(sink, attrs.evolve(WEB, port=9)))
    assert [r.instance.port for r in sink.registrations().items if r.mark] == [9]


@pytest.mark.parametrize("layout", sorted(FOREIGN))
def test_odd_names_do_not_collide(clean_etcd, open_sink, layout):
    """Slashes, dots, percent signs, blanks and other scripts in ids and names stay apart."""
    sink = open_sink(clean_etcd.address, layout=layout)
    odd = ["a/b", "a%2Fb", "a", "..", ".", "%2E", "ü", "a b", "a\u200bb", "A", "a-b", "🐳", "a:b"]
    instances = [make_instance(id=text) for text in odd]
    if layout not in ("skydns", "traefik"):
        instances += [make_instance(f"x{text}y", id=f"s-{text}") for text in odd]
    written = [sink.register(new(sink, instance)) for instance in instances]
    assert {r.id: r for r in sink.registrations().items} == {r.id: r for r in written}
    assert {r.damaged for r in sink.registrations().items} == {""}
    for one in written:
        sink.deregister(one)
    assert clean_etcd.api.values() == {}


def test_what_a_layout_cannot_hold(open_sink):
    """An instance that a layout has no form for is refused with the reason."""
    for layout, instance, words in (
        ("registrator", make_instance(port=0), "no port"),
        ("grpc", make_instance(protocol="udp"), "needs tcp"),
        ("traefik", make_instance("123"), "cannot name a service"),
        ("traefik", make_instance("a@b"), "cannot name a service"),
        ("traefik", make_instance(meta={"traefik_kind": "quic"}), "knows no quic"),
        ("skydns", make_instance("a b"), "not a DNS name"),
        ("skydns", make_instance(meta={"skydns_ttl": "soon"}), "must be a number"),
        ("kratos", make_instance(meta={"syncer": "x"}), "reserved"),
        ("json", make_instance(tags=("\ud800",)), "cannot be written"),
        ("json", make_instance(id="\ud800"), "cannot be written"),
    ):
        with pytest.raises(PermanentError, match=words):
            open_sink("x", layout=layout).adjust(instance)


def test_leftover_checks_are_told(open_sink):
    """Without a check translator checks are left out, and the instance says so."""
    adjusted = open_sink("x").adjust(make_instance(checks=(Check(kind="tcp"),)))
    assert adjusted.checks == ()
    assert "runs no checks" in adjusted.problems[0]


def test_edited_by_hand_is_damaged(clean_etcd, open_sink):
    """An entry whose value or twin was changed by hand is damaged, and put right by an update."""
    for layout in ("registrator", "json"):
        sink = open_sink(clean_etcd.address, layout=layout, prefix=f"/{layout}")
        held = sink.register(new(sink, WEB))
        key = f"/{layout}/web/host1:web:80"
        lease = clean_etcd.api.lease_of(key)
        value = clean_etcd.api.values()[key]
        clean_etcd.api.put(key, value.replace("8080", "9999"), lease)
        (found,) = sink.registrations().items
        assert found.damaged if layout == "registrator" else found.instance.port == 9999
        fixed = sink.update(found, new(sink, WEB))
        assert clean_etcd.api.values()[key] == value
        assert sink.registrations().items == (fixed,)
        assert held == fixed


def test_entry_or_twin_that_is_gone(clean_etcd, open_sink):
    """When only the entry or only the twin was removed, both come back, in place."""
    sink = open_sink(clean_etcd.address, layout="registrator")
    sink.register(new(sink, WEB))
    before = clean_etcd.api.values()
    for prefix, words in (("/services/", "is gone"), ("/syncer/", "mark is gone")):
        clean_etcd.api.delete(prefix)
        (found,) = sink.registrations().items
        assert words in found.damaged
        assert found.mark is not None
        sink.update(found, new(sink, WEB))
        assert clean_etcd.api.values() == before
        (found,) = sink.registrations().items
        assert found.damaged == ""


def test_a_copy_of_an_entry_is_not_ours(clean_etcd, open_sink):
    """A mark counts only under the key that it was put under."""
    sink = open_sink(clean_etcd.address)
    held = sink.register(new(sink, WEB))
    clean_etcd.api.put("/services/web/copy", clean_etcd.api.values()["/services/web/host1:web:80"])
    found = {r.id: bool(r.mark) for r in sink.registrations().items}
    assert found == {held.id: True, "/services/web/copy": False}


def test_segments():
    """Parts of keys are as people write them, unless that would be another key."""
    assert segment("host:web:80") == "host:web:80"
    assert segment("a/b%") == "a%2Fb%25"
    assert (segment("."), segment("..")) == ("%2E", "%2E%2E")
    assert segment("ü x\n") == "ü x%0A"


def test_labels():
    """An id that is a DNS label stays; every other gets one of its own, however long it is."""
    assert label_of("web-1") == "web-1"
    ids = ["Web-1", "h:web:80", "h-web-80:", "x" * 70, "x" * 71, "-", "ü", "a.b", ""]
    labels = [label_of(id_) for id_ in ids]
    assert len(set(labels)) == len(ids)
    assert all(len(label) <= 63 and label_of(label) == label for label in labels)


def third_party():
    """A layout as somebody else would write it."""
    from syncer_etcd import Layout

    class Lines(Layout):
        default_prefix = "/lines"
        knows = ("colour",)

        def key(self, instance):
            return f"{self.base}{segment(instance.id)}"

        def value(self, registration):
            mark = registration.mark
            fields = mark.fields() if mark else {}
            return f"{registration.instance.endpoint} {json.dumps(fields)}"

        def read(self, key, value):
            from syncer import Mark, Registration

            endpoint, _, fields = value.partition(" ")
            address, _, port = endpoint.rpartition(":")
            id_ = key.removeprefix(self.base)
            instance = make_instance(id=id_, service="any", address=address, port=int(port))
            return Registration(instance=instance, mark=Mark.from_fields(json.loads(fields)))

    return Lines


def test_third_party_layout(clean_etcd, open_sink, monkeypatch):
    """A layout of another distribution is found by its entry point, and works like ours."""
    from importlib import metadata

    from syncer_etcd import layout as module

    class Point:
        name, value, dist = "lines", "elsewhere:Lines", None

        def load(self):
            return third_party()

    found = [*metadata.entry_points(group=module.GROUP), Point()]
    monkeypatch.setattr(module, "entry_points", lambda group: found)
    sink = open_sink(clean_etcd.address, layout="lines", layout_options={"colour": "red"})
    one = sink.register(new(sink, make_instance("any", id="a")))
    assert stored(clean_etcd, "/lines/a").startswith("10.0.0.5:8080 {")
    assert sink.registrations().items == (one,)


def test_layouts_that_cannot_be_had(monkeypatch):
    """A wrong name, a wrong option and a broken layout are named, with what there is."""
    from syncer_etcd import layout as module

    with pytest.raises(ConfigError, match="did you mean skydns"):
        load_layout("skydsn", "", {})
    with pytest.raises(ConfigError, match="layout json: .* no option 'domain'"):
        load_layout("json", "", {"domain": "x"})
    with pytest.raises(ConfigError, match="needs the option domain"):
        load_layout("skydns", "", {})
    with pytest.raises(ConfigError, match="scheme must be one of"):
        load_layout("traefik", "", {"scheme": "ftp"})
    for prefix in ("/", "/syncer"):
        with pytest.raises(ConfigError, match="choose one of its own"):
            load_layout("registrator", prefix, {})

    class Point:
        name, value, dist = "broken", "elsewhere:Broken", None

        def load(self):
            raise ImportError("no module")

    monkeypatch.setattr(module, "entry_points", lambda group: [Point()])
    with pytest.raises(ConfigError, match="layout broken of elsewhere:Broken cannot be used"):
        load_layout("broken", "", {})


def ask_dns(port, name, kind):
    """The answers of a name server: addresses for A (1), (port, target) for SRV (33)."""
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    query = struct.pack("!6H", 7, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", kind, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.settimeout(2)
        line.sendto(query, ("127.0.0.1", port))
        said = line.recv(4096)
    at, found = len(query), []
    for _ in range(struct.unpack("!H", said[6:8])[0]):
        while said[at] and said[at] < 192:
            at += said[at] + 1
        at += 2 if said[at] else 1
        type_, _, _, size = struct.unpack("!HHIH", said[at : at + 10])
        data = said[at + 10 : at + 10 + size]
        at += 10 + size
        if type_ == kind == 1:
            found.append(socket.inet_ntoa(data))
        elif type_ == kind:
            found.append(struct.unpack("!3H", data[:6])[2])
    return sorted(found)


def test_coredns_answers(clean_etcd, open_sink, server_guard):
    """CoreDNS gives addresses and ports for the service's name, and no longer when it is gone."""
    if shutil.which("coredns") is None:
        pytest.skip("not on the PATH: coredns")
    port = free_port()
    config = server_guard.folder / f"corefile-{port}"
    config.write_text(
        f"cluster.local:{port} {{\n errors\n etcd {{\n  endpoint {clean_etcd.url}\n }}\n}}\n"
    )
    server = Server(server_guard, f"coredns-{port}", ["coredns", "-conf", config])
    sink = open_sink(clean_etcd.address, layout="skydns")
    held = [
        sink.register(new(sink, attrs.evolve(WEB, address=f"10.0.0.{n}", id=f"h:web{n}:80")))
        for n in (1, 2)
    ]
    server.start(lambda: ask_dns(port, "web.cluster.local", 1))
    try:
        assert ask_dns(port, "web.cluster.local", 1) == ["10.0.0.1", "10.0.0.2"]
        assert ask_dns(port, "web.cluster.local", 33) == [8080, 8080]
        one = label_of("h:web1:80")
        assert ask_dns(port, f"{one}.web.cluster.local", 1) == ["10.0.0.1"]
        sink.deregister(held[0])
        wait_for_server(
            lambda: ask_dns(port, "web.cluster.local", 1) == ["10.0.0.2"], 10, "the answer changes"
        )
    finally:
        server.kill()
