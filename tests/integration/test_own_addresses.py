"""Containers whose ports the engine cannot publish: where their addresses come from."""

import itertools
import json
import subprocess

import docker.types
import pytest

from servers.dropin import start_dropin
from servers.syncer import command
from servers.waiting import wait_until
from syncer import Host
from syncer.desired.addresses import AddressRules
from syncer.desired.translate import Translator
from syncer_docker.containers.describe import describe
from syncer_registrator import RegistratorOptions, create

RANCHER = "io.rancher.container.ip"
#: What Rancher 1.6 says of a container that it connects itself.
LABELS = {
    "io.rancher.cni.network": "ipsec",
    "io.rancher.cni.wait": "true",
    RANCHER: "10.42.93.88/16",
    "io.rancher.container.name": "shop-orders-1",
    "io.rancher.stack_service.name": "shop/orders",
}
_numbers = itertools.count(1)

__all__ = ["start_dropin"]


@pytest.fixture
def engine(clean_docker):
    clean_docker.image("orders:1", "EXPOSE 8080", "ENV SERVICE_NAME=orders")
    clean_docker.image("bare:1")
    return clean_docker


@pytest.fixture
def card():
    """Makes an interface as a network card is: `card("em")`; both ends of it are up."""
    made = []

    def make(start):
        name = f"{start}{next(_numbers)}s"
        ip("link", "add", name, "type", "veth", "peer", "name", f"{name}p")
        made.append(name)
        for end in (name, f"{name}p"):
            ip("link", "set", end, "up")
        return name

    yield make
    for name in made:
        ip("link", "delete", name)


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True)


def has(name, *addresses):
    """Give an interface these addresses and no other."""
    ip("addr", "flush", "dev", name)
    for address in addresses:
        ip("addr", "add", address, "dev", name)


@pytest.fixture
def lan(engine, card):
    """A network of the driver macvlan."""
    pool = docker.types.IPAMPool(subnet="10.233.5.0/24")
    ipam = docker.types.IPAMConfig(pool_configs=[pool])
    name = "lan"
    try:
        engine.client.networks.create(
            name, "macvlan", options={"parent": card("syncerp")}, ipam=ipam
        )
    except docker.errors.APIError as error:
        pytest.skip(f"no macvlan here: {error}")
    return name


@pytest.fixture
def registered(engine, tmp_path):
    """What `syncer apply` registers: `registered("--internal")`, by id."""

    def found(*arguments):
        path = tmp_path / "registry.json"
        parts = ("--source", f"docker={engine.address}", "--sink", f"file={path}")
        parts += ("--set", "sources.docker.scope=vm", "--set", "guard.mode=off")
        done = command("apply", *parts, *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        entries = json.loads(path.read_text())["registrations"] if path.exists() else []
        return {one["id"]: f"{one['service']} {one['address']}:{one['port']}" for one in entries}

    return found


def run(engine, name, image="orders:1", **options):
    return engine.run(name, image=image, command=["sleep", "100000"], **options)


BY_LABEL = ("--set", f"sources.docker.addresses.label={RANCHER}")


@pytest.mark.parametrize("mode", [(), ("--internal",)])
def test_an_address_that_only_a_label_has(engine, registered, mode):
    """With no network of Docker's, the label gives the address and EXPOSE the port."""
    owner = run(engine, "r-orders-1", network_mode="none", labels=LABELS)
    run(engine, "r-side-1", network_mode=f"container:{owner}", environment={"SERVICE_NAME": "side"})
    assert registered(*mode, *BY_LABEL) == {
        "vm:r-orders-1:8080": "orders 10.42.93.88:8080",
        "vm:r-side-1:8080": "side 10.42.93.88:8080",
    }
    assert registered(*mode) == {}


def test_an_address_that_labels_give(engine, registered):
    """SERVICE_ADDRESS does the same for one container."""
    run(engine, "plain", network_mode="none", labels={"SERVICE_ADDRESS": "10.9.9.9"})
    assert registered() == {"vm:plain:8080": "orders 10.9.9.9:8080"}


def test_what_to_do_without_an_address(engine):
    """`explain` names what can be done there."""
    run(engine, "plain", network_mode="none")
    done = command("explain", "plain", "--source", f"docker={engine.address}", "--sink", "memory")
    assert "not registered: 8080/tcp: it has no network: connect it to one" in done.stdout
    assert "addresses.label" in done.stdout


@pytest.mark.parametrize("flags", [("-internal",), ()])
def test_in_registrators_place(engine, clean_consul, start_dropin, flags):
    """The same entry that registrator makes."""
    run(engine, "r-orders-1", network_mode="none", labels=LABELS)
    consul = f"consul://{clean_consul.address}"
    start_dropin(*flags, "-useIpFromLabel", RANCHER, consul, engine=engine)
    found = wait_until(lambda: clean_consul.api.services(), 30, "an entry")
    (entry,) = found.values()
    assert (entry["ID"], entry["Service"]) == ("host1:r-orders-1:8080", "orders")
    assert (entry["Address"], entry["Port"]) == ("10.42.93.88", 8080)


def test_a_network_without_published_ports(engine, lan, registered):
    """A container there is reached at its own address and port; others keep to the host's."""
    run(engine, "pihole", network=lan)
    run(engine, "asked", network=lan, ports={"8080/tcp": 18081})
    run(engine, "bare", "bare:1", network=lan, labels={"SERVICE_PORT": "8080"})
    owner = run(engine, "vpn", network=lan, labels={"SERVICE_IGNORE": "true"})
    run(engine, "side", network_mode=f"container:{owner}")
    engine.network("inner", internal=True)
    run(engine, "hidden", network="inner")
    run(engine, "unpublished")
    at = {name: engine.ip(name, lan) for name in ("pihole", "asked", "bare", "vpn")}
    found = registered("--advertise", "192.0.2.9")
    assert {id.split(":")[1]: text.split(" ")[1] for id, text in found.items()} == {
        "pihole": f"{at['pihole']}:8080",
        "asked": f"{at['asked']}:8080",
        "bare": f"{at['bare']}:8080",
        "side": f"{at['vpn']}:8080",
    }


def test_an_interface_without_an_address(engine, card, start_syncer, parts, services):
    """What is registered stays, and is put right when the address comes back."""
    nic = card("em")
    has(nic, "10.241.0.5/24")
    syncer = start_syncer(*parts, "--advertise", nic, "--set", "interval=1s")
    run(engine, "web", ports={"8080/tcp": ("0.0.0.0", None)})
    wait_until(lambda: services(), 30, "an entry")
    (before,) = services().values()
    assert before["Address"] == "10.241.0.5"
    has(nic)
    syncer.wait_said("problem", workload="web")
    run(engine, "later", ports={"8080/tcp": ("0.0.0.0", None)})
    syncer.wait_said("problem", workload="later")
    assert list(services().values()) == [before]
    done = command("doctor", *parts, "--advertise", nic)
    assert done.returncode == 1
    assert f"cannot advertise {nic}, which is neither an interface with an address" in done.stdout
    has(nic, "10.241.0.6/24")
    addresses = {"10.241.0.6"}
    wait_until(lambda: {one["Address"] for one in services().values()} == addresses, 30, "it")
    assert len(services()) == 2


@pytest.mark.parametrize("word", ["team0", "br-lan", "zt5u4y6ab", "en0", "typo.invalid"])
def test_a_word_that_is_no_address(engine, parts, word):
    """It is planned for nothing, and said."""
    run(engine, "web", ports={"8080/tcp": ("0.0.0.0", None)})
    done = command("plan", *parts, "--advertise", word, "--json")
    assert f"{word}:" not in done.stdout
    done = command("explain", "web", *parts, "--advertise", word)
    assert "orders at no address" in done.stdout
    assert f"cannot advertise {word}, which is neither an interface" in done.stdout


#: As Rancher 1.6 has its containers inspected, shortened.
INSPECTED = {
    "Id": "a" * 64,
    "Name": "/r-orders-1",
    "State": {"Status": "running", "Running": True, "Pid": 44},
    "Config": {
        "Hostname": "r-orders-1",
        "Image": "example/orders:1.0",
        "ExposedPorts": {"8080/tcp": {}},
        "Env": ["SERVICE_NAME=orders"],
        "Labels": LABELS,
    },
    "HostConfig": {"NetworkMode": "none", "PortBindings": {}},
    "NetworkSettings": {
        "Ports": {},
        "Networks": {"none": {"IPAMConfig": None, "NetworkID": "n0", "IPAddress": ""}},
    },
}


@pytest.mark.parametrize("internal", [False, True])
@pytest.mark.parametrize(
    "labels", [{}, {"SERVICE_PORT": "8080"}, {"SERVICE_ADDRESS": "10.42.93.88"}]
)
def test_what_rancher_shows(internal, labels):
    """The engine's own words for such a container become the entry that registrator makes."""
    config = INSPECTED["Config"] | {"Labels": LABELS | labels}
    workload = describe(INSPECTED | {"Config": config}, "docker", "vm")
    rules = AddressRules(internal=internal, label=RANCHER)
    parsers = [("registrator", create(RegistratorOptions()))]
    answer = Translator(parsers, rules).translate(workload, None, Host(name="vm"))
    (found,) = answer.instances
    assert (found.id, found.service) == ("vm:r-orders-1:8080", "orders")
    assert found.endpoint == "10.42.93.88:8080"
    assert answer.problems == ()
