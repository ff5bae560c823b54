"""What exactly stands in ZooKeeper, as others read it: by hand, and by Java's libraries."""

import json

import attrs
import pytest

from syncer import ConfigError, Conflict, PermanentError, Status
from syncer.kits.keyvalue import Layout
from syncer.testing import make_instance, make_registration

MARK = {"owner": "syncer", "scope": "kit-scope", "source": "kit", "workload": "9f0c2b7d51aa"}
WEB = make_instance(
    id="host1:web:80", port=32768, address="192.0.2.10", tags=("blue",), meta={"team": "shop"}
)
SIX = make_instance("six", 81, id="host1:six:81", address="fd00::5")
SPRING = "org.springframework.cloud.zookeeper.discovery.ZookeeperInstance"


@pytest.fixture
def written(clean_zookeeper, open_sink, register):
    """Writes instances in a layout, and returns what then stands there, decoded."""

    def write(layout, *instances, **options):
        sink = open_sink(clean_zookeeper.address, layout=layout, **options)
        register(sink, *instances, workload=MARK["workload"])
        return {path: json.loads(text) for path, text in clean_zookeeper.values().items()}

    return write


def marked(own):
    """The mark in what is ours, without its digest."""
    return {name: text for name, text in own["mark"].items() if name != "digest"}


def test_registrator(written):
    """registrator's fields and path, and ours beside them."""
    ((path, value),) = written("registrator", WEB).items()
    own = value.pop("syncer")
    assert path == "/services/web/192.0.2.10:32768"
    assert value == {
        "Name": "web",
        "IP": "192.0.2.10",
        "PublicPort": 32768,
        "PrivatePort": 80,
        "ContainerID": "9f0c2b7d51aa",
        "Tags": ["blue"],
        "Attrs": {"team": "shop"},
    }
    assert (own.pop("id"), marked(own)) == ("host1:web:80", MARK)


def test_registrator_paths(written):
    """UDP has its own path, IPv6 brackets; a port that is not in the id is 0."""
    udp = attrs.evolve(WEB, id="host1:web:80:udp", protocol="udp")
    named = make_instance(id="mine", port=82)
    found = written("registrator", WEB, udp, SIX, named)
    assert {path: value["PrivatePort"] for path, value in found.items()} == {
        "/services/web/192.0.2.10:32768": 80,
        "/services/web/192.0.2.10:32768:udp": 80,
        "/services/six/[fd00::5]:81": 81,
        "/services/web/10.0.0.5:82": 0,
    }


def test_registrator_by_id(written):
    """With `node = id` the path is that of the other layouts."""
    found = written("registrator", WEB, layout_options={"node": "id"})
    assert list(found) == ["/services/web/host1:web:80"]


def test_registrator_has_one_node_for_an_address(clean_zookeeper, open_sink, register, new):
    """A second instance of one service, address and port is refused as long as the first stays."""
    sink = open_sink(clean_zookeeper.address, layout="registrator")
    first, other = register(sink, WEB, attrs.evolve(WEB, id="host1:web:81", port=1))
    rival = new(sink, attrs.evolve(WEB, id="host2:web:80"))
    with pytest.raises(Conflict, match="/services/web/192.0.2.10:32768"):
        sink.register(rival)
    assert {one.id for one in sink.registrations().items} == {first.id, other.id}
    sink.deregister(first)
    sink.register(rival)
    assert {one.id for one in sink.registrations().items} == {rival.id, other.id}


def test_registrators_own_nodes(clean_zookeeper, open_sink):
    """What registrator wrote is understood, not ours, and not touched."""
    clean_zookeeper.put(
        "/services/www/10.0.0.9:80",
        '{"Name":"www","IP":"10.0.0.9","PublicPort":80,"PrivatePort":8080,'
        '"ContainerID":"abc","Tags":null,"Attrs":{"a":"b"}}',
    )
    (found,) = open_sink(clean_zookeeper.address, layout="registrator").registrations().items
    wanted = make_instance("www", 80, id="www/10.0.0.9:80", address="10.0.0.9", meta={"a": "b"})
    assert (found.instance, found.mark) == (wanted, None)


def test_json(written):
    """The object of `syncer.kits.keyvalue`."""
    ((path, value),) = written("json", WEB).items()
    assert path == "/services/web/host1:web:80"
    mark = value.pop("syncer")
    assert {name: text for name, text in mark.items() if name != "digest"} == MARK
    assert value == {
        "id": "host1:web:80",
        "name": "web",
        "address": "192.0.2.10",
        "port": 32768,
        "protocol": "tcp",
        "status": "up",
        "tags": ["blue"],
        "meta": {"team": "shop"},
    }


CURATOR = {
    "name": "web",
    "id": "host1:web:80",
    "address": "192.0.2.10",
    "port": 32768,
    "sslPort": None,
    "payload": None,
    "registrationTimeUTC": 0,
    "serviceType": "DYNAMIC",
    "uriSpec": {
        "parts": [
            {"value": "scheme", "variable": True},
            {"value": "://", "variable": False},
            {"value": "address", "variable": True},
            {"value": ":", "variable": False},
            {"value": "port", "variable": True},
        ]
    },
    "enabled": True,
}


@pytest.mark.parametrize(
    ("layout", "options", "payload"),
    [
        ("curator", {}, None),
        ("curator", {"payload": "map"}, {"metadata": {"team": "shop"}, "tags": ["blue"]}),
        (
            "spring",
            {},
            {
                "@class": SPRING,
                "id": "host1:web:80",
                "name": "web",
                "metadata": {"tags": "blue", "team": "shop", "instance_status": "UP"},
            },
        ),
    ],
)
def test_curator(written, layout, options, payload):
    """Curator's fields, each with the payload that is asked for, and ours beside them."""
    ((path, value),) = written(layout, WEB, layout_options=options).items()
    own = value.pop("syncer")
    assert path == "/services/web/host1:web:80"
    assert value == {**CURATOR, "payload": payload}
    assert marked(own) == MARK


def test_curators_own_nodes(clean_zookeeper, open_sink):
    """What Java programs wrote is understood, with metadata and status, and is not ours."""
    spring = {
        **CURATOR,
        "id": "uuid",
        "payload": {
            "@class": SPRING,
            "metadata": {"zone": "a", "instance_status": "OUT_OF_SERVICE"},
        },
    }
    old = {"name": "web", "id": "old", "address": "h", "port": None, "sslPort": 443}
    for one in (spring, old):
        clean_zookeeper.put(f"/services/web/{one['id']}", json.dumps(one))
    view = open_sink(clean_zookeeper.address, layout="spring").registrations()
    found = {one.id: one for one in view.items}
    assert found["uuid"].instance.meta == {"zone": "a"}
    assert found["uuid"].instance.status is Status.PAUSED
    assert (found["old"].instance.port, found["old"].instance.status) == (443, Status.UP)
    assert {one.mark for one in view.items} == {None}


def written_for_java(clean_zookeeper, open_sink, register, layout, **options):
    """Instances that are up, ill, of IPv6, and of TLS."""
    sink = open_sink(clean_zookeeper.address, layout=layout, prefix="/discovery", **options)
    ill = attrs.evolve(WEB, id="host1:ill:80", status=Status.UNHEALTHY)
    tls = make_instance("tls", 443, id="host1:tls:443", meta={"secure": "true"})
    register(sink, WEB, ill, SIX, tls)
    return clean_zookeeper.address


def test_curator_in_java(clean_zookeeper, open_sink, register, java_consumer):
    """Curator's service discovery finds all, and its providers choose from what is up."""
    address = written_for_java(clean_zookeeper, open_sink, register, "curator")
    found = java_consumer("curator", address, "/discovery")
    assert sorted(found) == ["six", "tls", "web"]
    web = {one["id"]: one for one in found["web"]["instances"]}
    assert web["host1:web:80"] == {
        "name": "web",
        "id": "host1:web:80",
        "address": "192.0.2.10",
        "port": 32768,
        "sslPort": None,
        "enabled": True,
        "type": "DYNAMIC",
        "payload": None,
        "uri": "http://192.0.2.10:32768",
    }
    assert (web["host1:ill:80"]["enabled"], found["web"]["provided"]) == (False, ["host1:web:80"])
    assert found["six"]["instances"][0]["uri"] == "http://[fd00::5]:81"
    assert found["tls"]["instances"][0]["uri"] == "https://10.0.0.5:443"
    assert found["tls"]["instances"][0]["sslPort"] == 443


def test_curators_map_in_java(clean_zookeeper, open_sink, register, java_consumer):
    """With `payload = map` metadata and tags are a map in Java."""
    options = {"layout_options": {"payload": "map"}}
    address = written_for_java(clean_zookeeper, open_sink, register, "curator", **options)
    found = java_consumer("curator", address, "/discovery")
    payloads = [one["payload"] for one in found["web"]["instances"]]
    assert payloads == [{"metadata": {"team": "shop"}, "tags": ["blue"]}] * 2


def test_spring_in_java(clean_zookeeper, open_sink, register, java_consumer):
    """Spring Cloud's DiscoveryClient finds instances, addresses and metadata."""
    address = written_for_java(clean_zookeeper, open_sink, register, "spring")
    found = java_consumer("spring", address, "/discovery")
    web = {one["metadata"]["instance_status"]: one for one in found["web"]}
    assert sorted(web) == ["OUT_OF_SERVICE", "UP"]
    up = web["UP"]
    assert up.pop("id") in ("host1:web:80", "None")
    assert up == {
        "service": "web",
        "host": "192.0.2.10",
        "port": 32768,
        "secure": False,
        "uri": "http://192.0.2.10:32768",
        "metadata": {"team": "shop", "tags": "blue", "instance_status": "UP"},
    }
    assert (found["tls"][0]["secure"], found["tls"][0]["port"]) == (True, 443)
    assert found["six"][0]["uri"] == "http://[fd00::5]:81"


@pytest.mark.parametrize("layout", ["registrator", "curator", "spring"])
def test_without_a_port(open_sink, layout):
    """What needs a port refuses instances that have none; JSON takes them."""
    bare = make_instance(port=0)
    with pytest.raises(PermanentError, match="no port"):
        open_sink("h", layout=layout).adjust(bare)
    assert open_sink("h", layout="json").adjust(bare) is not None


@pytest.mark.parametrize(
    ("layout", "options", "words"),
    [
        ("registrator", {"node": "x"}, "node must be one of endpoint, id"),
        ("curator", {"payload": "x"}, "payload must be one of none, map"),
        ("spring", {"payload": "map"}, "no option 'payload'"),
        ("curatr", {}, "did you mean 'curator'"),
    ],
)
def test_layouts_that_cannot_be(open_sink, layout, options, words):
    """What is wrong about a layout and its options is said at once."""
    with pytest.raises(ConfigError, match=words):
        open_sink("h", layout=layout, layout_options=options)


def test_layout_with_twins(open_sink, monkeypatch):
    """A third party's layout that wants twin entries is refused."""

    class Twins(Layout):
        twins = True
        key = value = read = lambda self, *_: ""

    monkeypatch.setattr("syncer_zookeeper.sink.load_layout", lambda *_: Twins("/x", {}))
    with pytest.raises(ConfigError, match="twin entries"):
        open_sink("h")


def test_status_goes_there_and_back(clean_zookeeper, open_sink, register):
    """An instance that is not up is listed with the status that it was written with."""
    for layout in ("json", "curator", "spring"):
        sink = open_sink(clean_zookeeper.address, layout=layout, prefix=f"/{layout}")
        register(sink, attrs.evolve(WEB, status=Status.STARTING))
        (found,) = sink.registrations().items
        assert found.instance.meta["syncer-status"] == "starting"
        assert found.instance == sink.adjust(attrs.evolve(WEB, status=Status.STARTING))


def test_marks_are_whole(clean_zookeeper, open_sink, register):
    """A mark comes back with all its fields."""
    for layout in ("json", "registrator", "curator", "spring"):
        sink = open_sink(clean_zookeeper.address, layout=layout, prefix=f"/{layout}")
        register(sink, WEB, via="consul:dc1")
        (found,) = sink.registrations().items
        assert found.mark == make_registration(WEB, via="consul:dc1").mark
