"""What stands in etcd in each layout, read by `etcdctl` and decoded without syncer's code."""

import base64
import json

import attrs
import pytest

from syncer import STATUS_KEY, Check, ConfigError, PermanentError, Status
from syncer.testing import make_instance, make_registration
from syncer_etcd import EtcdOptions
from syncer_etcd.layouts.skydns import label_of
from syncer_etcd.options import layout_of

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
        ("kratos", make_instance(protocol="udp"), "needs tcp"),
        ("micro", make_instance(protocol="sctp"), "needs tcp"),
        ("traefik", make_instance(protocol="sctp"), "forwards no sctp"),
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


def test_labels():
    """An id that is a DNS label stays; every other gets one of its own, however long it is."""
    assert label_of("web-1") == "web-1"
    ids = ["Web-1", "h:web:80", "h-web-80:", "x" * 70, "x" * 71, "-", "ü", "a.b", ""]
    labels = [label_of(id_) for id_ in ids]
    assert len(set(labels)) == len(ids)
    assert all(len(label) <= 63 for label in labels)
    # Nobody can give the label of another id as an id.
    assert not {label_of(label) for label in labels} & set(labels)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"layout": "skydsn"}, "no layout 'skydsn'; did you mean 'skydns'"),
        ({"layout": "json", "layout_options": {"domain": "x"}}, "json: .* no option 'domain'"),
        ({"layout": "skydns"}, "needs the option domain"),
        ({"layout": "traefik", "layout_options": {"scheme": "ftp"}}, "scheme must be one of"),
        ({"layout": "traefik", "layout_options": {"kind": "udp"}}, "kind must be one of"),
        ({"layout": "kratos", "layout_options": {"scheme": "ftp"}}, "scheme must be one of"),
        ({"prefix": "/syncer"}, "choose one of its own"),
    ],
)
def test_layouts_that_cannot_be_had(options, words):
    """A wrong name and wrong options of a layout are named when the sink is made."""
    with pytest.raises(ConfigError, match=words):
        layout_of(EtcdOptions(**options))
