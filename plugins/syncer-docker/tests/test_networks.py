"""Which addresses of a container clients can use."""

import pytest

from syncer import Network, PermanentError
from syncer_docker.containers.appearance import described, listed
from syncer_docker.containers.describe import describe
from syncer_docker.containers.networks import Networks

TASK = {"com.docker.swarm.task.id": "t1"}


def endpoint(address, id="n1"):
    return {"IPAddress": address, "GlobalIPv6Address": "", "NetworkID": id}


@pytest.fixture
def alone(inspected):
    """Makes a container in one network that lists no port: `alone(asked={"80/tcp": [...]})`."""

    def make(asked=None, exposed=("80/tcp",)):
        return inspected(
            HostConfig={"NetworkMode": "lan", "PortBindings": asked or {}},
            Config={"ExposedPorts": {port: {} for port in exposed}},
            NetworkSettings={"Ports": {}, "Networks": {"lan": endpoint("192.168.7.20")}},
        )

    return make


def direct(container, **network):
    """Whether clients reach the container itself, if this is what the engine says of `lan`."""
    networks = Networks({"n1": network}.get if network else lambda id: None)
    (found,) = describe(container, "docker", "h", networks.of(container)).networks
    return found.direct


@pytest.mark.parametrize("driver", ["macvlan", "ipvlan", "l2bridge", "transparent"])
def test_a_driver_that_publishes_nothing(alone, driver):
    """Its containers are reached at their own addresses, whether they expose ports or not."""
    assert direct(alone(), Driver=driver, Internal=False)
    assert direct(alone(exposed=()), Driver=driver, Internal=False)


def test_a_driver_that_nobody_knows(alone):
    """If it does not even list the exposed ports, it can publish none."""
    assert direct(alone(), Driver="weavemesh:latest", Internal=False)
    assert not direct(alone(exposed=()), Driver="weavemesh:latest", Internal=False)


@pytest.mark.parametrize("driver", ["bridge", "macvlan", "weavemesh"])
def test_an_internal_network(alone, driver):
    """It lists no port either, but nobody outside the host reaches it."""
    assert not direct(alone(), Driver=driver, Internal=True)


def test_a_bridge_that_lists_nothing(alone):
    """A bridge could have published: its address is not taken for one that clients reach."""
    assert not direct(alone(), Driver="bridge", Internal=False)


def test_a_network_that_the_engine_does_not_describe(alone):
    """Ports that should be published and are not show what the network is."""
    assert not direct(alone())
    assert direct(alone(asked={"80/tcp": [{"HostIp": "", "HostPort": "80"}]}))


def test_a_listed_port_tells_enough(inspected):
    """If a port is listed, published or not, the engine is not asked about networks."""
    asked = []
    networks = Networks(asked.append)
    container = inspected(
        HostConfig={"NetworkMode": "lan"}, NetworkSettings={"Ports": {"1/tcp": None}}
    )
    assert networks.of(container) == {}
    for mode in ("host", "none"):
        bare = inspected(NetworkSettings={"Ports": {}, "Networks": {mode: endpoint("")}})
        assert networks.of(bare) == {}
    assert asked == []


def test_each_network_is_asked_about_once(alone):
    """Also after it was described for another container; one that is gone is asked for again."""
    asked, known = [], {}

    def ask(id):
        asked.append(id)
        return known.get(id)

    networks = Networks(ask)
    assert networks.of(alone()) == {}
    known["n1"] = {"Driver": "macvlan", "Internal": False, "Ingress": False, "Containers": {}}
    for _ in range(2):
        assert networks.of(alone())["n1"]["Driver"] == "macvlan"
    assert asked == ["n1", "n1"]


def test_an_engine_that_does_not_describe_networks(alone):
    """A proxy that refuses is not asked again, and the container is described without."""
    asked = []

    def refuse(id):
        asked.append(id)
        raise PermanentError("forbidden (status 403)")

    networks = Networks(refuse)
    assert [networks.of(alone()) for _ in range(2)] == [{}, {}]
    assert asked == ["n1"]


# -- the routing mesh -----------------------------------------------------------------------


@pytest.fixture
def task(inspected):
    """Makes a task in the routing mesh and in a network of its own: `task("ingress", "shop")`."""

    def make(*names, labels=TASK):
        endpoints = {name: endpoint(f"10.0.{i}.9", name) for i, name in enumerate(names)}
        return inspected(
            Config={"Labels": dict(labels)},
            NetworkSettings={"Ports": {"80/tcp": None}, "Networks": endpoints},
        )

    return make


def names(container, ingress=()):
    networks = Networks(lambda id: {"Driver": "overlay", "Ingress": id in ingress})
    found = describe(container, "docker", "h", networks.of(container)).networks
    return [network.name for network in found]


def test_the_routing_mesh_is_no_candidate(task):
    """Nobody reaches a task at its address there, also if it is in no other network."""
    assert names(task("ingress", "shop")) == ["shop"]
    assert names(task("ingress")) == []
    assert names(task("docker_gwbridge", "shop")) == ["shop"]


def test_a_routing_mesh_of_another_name(task):
    """The engine tells which network it is."""
    assert names(task("mesh", "shop"), ingress={"mesh"}) == ["shop"]


def test_a_network_that_is_only_called_so(task):
    """A container that is no task may be in a network of its own that is called `ingress`."""
    assert names(task("ingress", "shop", labels={})) == ["ingress", "shop"]


def test_the_list_shows_the_same(task, alone, entry):
    """The description of a task or of a container with a direct address holds as others do."""
    container = task("ingress", "shop")
    networks = {"Networks": container["NetworkSettings"]["Networks"]}
    shown = entry(Labels=TASK, NetworkSettings=networks, Ports=[])
    assert listed(shown) == described(describe(container, "docker", "h"))
    asked = {"80/tcp": [{"HostIp": "", "HostPort": "80"}]}
    workload = describe(alone(asked), "docker", "h")
    assert workload.networks == (Network(name="lan", ipv4="192.168.7.20", direct=True),)
    shown = entry(NetworkSettings={"Networks": {"lan": endpoint("192.168.7.20")}}, Ports=[])
    assert listed(shown) == described(workload)
