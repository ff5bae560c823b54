"""`syncer registrator` takes over what registrator left, and nobody sees a gap.

The entries are written here as registrator writes them: by the registries' own APIs, without mark.
"""

import json
import re
import threading
import urllib.request

import pytest

from servers.dropin import HOST, start_dropin
from servers.waiting import wait_until
from servers.zookeeper import end

__all__ = ["start_dropin"]

IP = "127.0.0.1"
NAMES = ("web1", "web2", "web3")
OLD_NAME = "9f0c2b7d51aa"
GONE = f"{HOST}:gone:8000"


class Client(threading.Thread):
    """A client that looks at a registry all the time, and keeps what it missed.

    `look` returns what can be used now; the first answer is what must stay so.
    """

    def __init__(self, look):
        super().__init__(daemon=True)
        self.look, self.missed, self.looks = look, [], 0
        self.wanted = look()
        self._ended = threading.Event()

    def run(self):
        while not self._ended.wait(0.003):
            found = self.look()
            self.looks += 1
            if not self.wanted <= found:
                self.missed.append(self.wanted - found)

    def end(self):
        """Stop looking."""
        self._ended.set()
        self.join()


@pytest.fixture
def watching():
    """Starts clients: `watching(look)`; they end with the test."""
    clients = []

    def watch(look):
        clients.append(Client(look))
        clients[-1].start()
        return clients[-1]

    yield watch
    for client in clients:
        client.end()


@pytest.fixture
def ports(clean_docker):
    """Containers of the service web that run already, with their published ports by name."""
    for name in NAMES:
        clean_docker.run(
            name,
            labels={
                "SERVICE_NAME": "web",
                "SERVICE_TAGS": "a,b",
                "SERVICE_TEAM": "shop",
                "SERVICE_CHECK_HTTP": "/health",
                "SERVICE_CHECK_INTERVAL": "1s",
            },
            ports={"8000/tcp": ("0.0.0.0", None)},
        )
    return {name: clean_docker.host_port(name) for name in NAMES}


def left_by_registrator(host, name, port):
    """A service as registrator registers it in Consul."""
    check = {"HTTP": f"http://{IP}:{port}/health", "Interval": "1s"}
    return {
        "ID": f"{host}:{name}:8000",
        "Name": "web",
        "Address": IP,
        "Port": port,
        "Tags": ["b", "a"],
        "Meta": {"team": "shop", "check_http": "/health", "check_interval": "1s"},
        "Check": check,
    }


def owners(consul):
    """Whose each service is, by id; "": nobody's."""
    return {
        id_: (one["Meta"] or {}).get("syncer-owner", "")
        for id_, one in consul.api.services().items()
    }


def wait_owners(consul, **wanted):
    """Wait until the ids are owned so, and no others are there."""
    wait_until(
        lambda: owners(consul) == wanted,
        60,
        f"the owners to be {wanted}, not {owners(consul)}",
    )


@pytest.fixture
def in_consul(clean_consul, ports):
    """What registrator left in Consul under a host's name, and what is not its."""

    def leave(host):
        for name, port in ports.items():
            clean_consul.api.register(left_by_registrator(host, name, port))
        wait_until(
            lambda: len(clean_consul.api.passing_ids("web")) == len(NAMES),
            60,
            "registrator's own checks to pass",
        )

    return leave


OTHERS = {"host2:web1:8000": "", "by-hand": ""}


def register_others(consul):
    consul.api.register({"ID": "host2:web1:8000", "Name": "other", "Address": IP, "Port": 81})
    consul.api.register({"ID": "by-hand", "Name": "other", "Address": IP, "Port": 82})
    consul.api.register({"ID": GONE, "Name": "other", "Address": IP, "Port": 83})


@pytest.mark.parametrize("flags", [(), ("-cleanup",)], ids=["plain", "cleanup"])
def test_consul_in_place(
    flags, in_consul, clean_consul, clean_docker, ports, start_dropin, watching
):
    """Each entry is updated where it stands and passes all the time; what is gone goes if asked."""
    in_consul(HOST)
    register_others(clean_consul)
    client = watching(lambda: clean_consul.api.passing_ids("web"))
    start_dropin(*flags, "-ip", IP, f"consul://{clean_consul.address}", engine=clean_docker)
    left = OTHERS if flags else {**OTHERS, GONE: ""}
    wait_owners(clean_consul, **{f"{HOST}:{name}:8000": "syncer" for name in NAMES}, **left)
    wait_until(
        lambda: all(
            check["Output"] for check in clean_consul.api.checks().values() if check["ServiceID"]
        ),
        60,
        "the new checks to have run",
    )
    client.end()
    assert len(client.wanted) == len(NAMES)
    assert client.looks > 10
    assert client.missed == []
    found = clean_consul.api.services()[f"{HOST}:web1:8000"]
    assert (found["Tags"], found["Port"]) == (["a", "b"], ports["web1"])
    assert found["Meta"]["team"] == "shop"
    assert not [key for key in found["Meta"] if key.startswith("check_")]
    assert all(id_.endswith(":http") for id_ in clean_consul.api.checks())


def test_consul_from_a_container_with_a_random_name(
    in_consul, clean_consul, clean_docker, ports, start_dropin, watching
):
    """Under another id the new entry passes first; then the old one goes."""
    in_consul(OLD_NAME)
    endpoints = {f"{IP}:{port}" for port in ports.values()}

    def look():
        found = clean_consul.api.health("web", passing=True)
        return {f"{one['Service']['Address']}:{one['Service']['Port']}" for one in found}

    client = watching(look)
    line = ("-ip", IP, "-adopt", OLD_NAME, "-resync", "1", f"consul://{clean_consul.address}")
    start_dropin(*line, engine=clean_docker)
    wait_owners(clean_consul, **{f"{HOST}:{name}:8000": "syncer" for name in NAMES})
    client.end()
    assert client.wanted == endpoints
    assert client.missed == []


def test_what_was_taken_over_goes_with_its_container(
    in_consul, clean_consul, clean_docker, start_dropin
):
    """From then on the entry is as every other of syncer's."""
    in_consul(HOST)
    start_dropin("-ip", IP, f"consul://{clean_consul.address}", engine=clean_docker)
    wait_owners(clean_consul, **{f"{HOST}:{name}:8000": "syncer" for name in NAMES})
    clean_docker.remove("web1")
    wait_owners(clean_consul, **{f"{HOST}:{name}:8000": "syncer" for name in NAMES[1:]})


def test_an_id_that_two_ports_shared(clean_consul, clean_docker, start_dropin):
    """Each has one of its own here; the old entry goes once these are there."""
    ports = {"8000/tcp": (IP, None), "9000/tcp": (IP, None)}
    labels = {"SERVICE_NAME": "shop", "SERVICE_ID": "same"}
    clean_docker.run("shared", labels=labels, ports=ports)
    at = clean_docker.host_port("shared", "9000/tcp")
    old = {"ID": "same", "Name": "shop-9000", "Address": IP, "Port": at}
    clean_consul.api.register(old)
    clean_consul.api.register({**old, "ID": "by-hand"})
    line = ("-ip", IP, "-resync", "1", f"consul://{clean_consul.address}")
    start_dropin(*line, engine=clean_docker)
    wait_owners(clean_consul, **{"same-8000": "syncer", "same-9000": "syncer", "by-hand": ""})


def test_a_label_takes_nothing_that_was_made_by_hand(clean_consul, clean_docker, start_dropin):
    """Though the id has this host's name: only a container of that name has it."""
    id_ = f"{HOST}:legacy:5432"
    by_hand = {"ID": id_, "Name": "legacy", "Address": "10.0.0.50", "Port": 5432}
    clean_consul.api.register(by_hand)
    before = clean_consul.api.services()[id_]
    labels = {"SERVICE_NAME": "team-a", "SERVICE_ID": id_}
    for name, more in (("thief", labels), ("other", {})):
        clean_docker.run(name, labels=more, ports={"8000/tcp": (IP, None)})
    line = ("-ip", IP, "-resync", "1", f"consul://{clean_consul.address}")
    syncer = start_dropin(*line, engine=clean_docker)
    wait_owners(clean_consul, **{f"{HOST}:other:8000": "syncer", id_: ""})
    syncer.wait_said("change held back", why="conflict")
    clean_docker.remove("thief")
    clean_docker.remove("other")
    wait_owners(clean_consul, **{id_: ""})
    assert clean_consul.api.services()[id_] == before


def test_etcd(clean_etcd, clean_docker, ports, start_dropin, watching):
    """Keys of API v3, on a lease that nobody renews any more, move to syncer's lease."""
    lease = clean_etcd.api.request("lease/grant", TTL="600")["ID"]
    for name, port in ports.items():
        clean_etcd.api.put(f"/services/web/{HOST}:{name}:8000", f"{IP}:{port}", lease)
    clean_etcd.api.put("/services/web/host2:web1:8000", "10.0.0.9:80")
    client = watching(lambda: set(clean_etcd.api.values("/services/").items()))
    start_dropin("-ip", IP, f"etcd://{clean_etcd.address}/services", engine=clean_docker)
    wait_until(
        lambda: len(clean_etcd.api.values("/syncer/")) == len(NAMES), 60, "all to be syncer's"
    )
    clean_etcd.api.revoke(lease)
    client.looks = 0
    wait_until(lambda: client.looks > 5, 60, "the client to look again")
    client.end()
    assert client.missed == []
    assert "/services/web/host2:web1:8000" in clean_etcd.api.values("/services/")


def test_skydns(clean_etcd, clean_docker, start_dropin, watching):
    """SkyDNS' records keep their names where these were DNS names."""
    clean_docker.run(
        "dns1",
        labels={"SERVICE_NAME": "web", "SERVICE_ID": "web-1"},
        ports={"8000/tcp": ("0.0.0.0", None)},
    )
    record = {"host": IP, "port": clean_docker.host_port("dns1")}
    key = "/skydns/local/cluster/web/web-1"
    clean_etcd.api.put(key, json.dumps(record))

    def look():
        found = clean_etcd.api.values("/skydns/")
        return {(k, json.loads(v)["host"], json.loads(v)["port"]) for k, v in found.items()}

    client = watching(look)
    start_dropin("-ip", IP, f"skydns2://{clean_etcd.address}/cluster.local", engine=clean_docker)
    wait_until(
        lambda: "syncer" in json.loads(clean_etcd.api.values("/skydns/")[key]), 60, "to be syncer's"
    )
    client.end()
    assert client.missed == []


@pytest.fixture
def store(clean_consul):
    """Consul's store, emptied afterwards: a function that writes text to a key."""

    def put(key, text):
        url = f"{clean_consul.url}/v1/kv/{key}"
        request = urllib.request.Request(url, data=text.encode(), method="PUT")
        urllib.request.urlopen(request, timeout=10).close()

    yield put
    clean_consul.api.request("DELETE", "kv/", recurse="")


def test_consulkv(clean_consul, store, clean_docker, ports, start_dropin, watching):
    """Keys of Consul's store keep their values."""
    api = clean_consul.api

    def look():
        return {one["Key"]: one["Value"] for one in api.get("kv/services/", recurse="")}.items()

    for name, port in ports.items():
        store(f"services/web/{HOST}:{name}:8000", f"{IP}:{port}")
    client = watching(look)
    start_dropin("-ip", IP, f"consulkv://{clean_consul.address}/services", engine=clean_docker)
    wait_until(
        lambda: len(api.get("kv/syncer/", keys="")) == len(NAMES),
        60,
        "all to be syncer's",
        ignore=(OSError,),
    )
    client.end()
    assert client.missed == []


def test_zookeeper(clean_zookeeper, clean_docker, ports, start_dropin, watching):
    """Ephemeral nodes outlive the session of registrator that made them."""
    registrator = clean_zookeeper.open_client()
    for name, port in ports.items():
        value = {"Name": "web", "IP": IP, "PublicPort": port, "PrivatePort": 8000}
        value |= {"ContainerID": name, "Tags": ["b", "a"], "Attrs": {"team": "shop"}}
        registrator.create(
            f"/services/web/{IP}:{port}", json.dumps(value).encode(), ephemeral=True, makepath=True
        )

    def look():
        return {path for path in clean_zookeeper.values("/services") if re.search(r":\d+$", path)}

    client = watching(look)
    start_dropin("-ip", IP, f"zookeeper://{clean_zookeeper.address}/services", engine=clean_docker)
    wait_until(
        lambda: all(
            "syncer" in json.loads(v) for v in clean_zookeeper.values("/services").values()
        ),
        60,
        "all to be syncer's",
    )
    end(registrator)
    client.looks = 0
    wait_until(lambda: client.looks > 5, 60, "the client to look again")
    client.end()
    assert len(client.wanted) == len(NAMES)
    assert client.missed == []
