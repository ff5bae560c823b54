"""From an engine's description of a container to a workload."""

import json

import pytest

from syncer import Binding, Health, Network, Port, State
from syncer_docker.containers.describe import describe


def described(container):
    return describe(container, "docker", "host1")


def networks(**endpoints):
    return {"Ports": {}, "Networks": endpoints}


def test_everything(inspected):
    """A usual container is described with all that syncer knows of a workload."""
    workload = described(inspected())
    assert workload.source == "docker"
    assert workload.scope == "host1"
    assert workload.id == "a" * 64
    assert workload.name == "web"
    assert workload.state is State.RUNNING
    assert workload.health is None
    assert workload.image == "nginx:1.25"
    assert workload.hostname == "aaaaaaaaaaaa"
    assert workload.labels == {"SERVICE_NAME": "web"}
    assert workload.env == {"PATH": "/bin", "EMPTY": "", "EQ": "a=b"}
    assert workload.ports == (
        Port(
            number=80,
            bindings=(Binding(address="0.0.0.0", port=8080), Binding(address="::", port=8080)),
        ),
        Port(number=443),
    )
    assert workload.networks == (Network(name="bridge", ipv4="172.17.0.2"),)
    assert workload.network_mode == "bridge"
    assert workload.namespace == ""
    assert workload.offers is None


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ({"Status": "running", "Running": True, "Pid": 1}, State.RUNNING),
        ({"Status": "paused", "Running": True, "Paused": True, "Pid": 1}, State.PAUSED),
        ({"Status": "restarting", "Running": True, "Restarting": True, "Pid": 0}, State.RESTARTING),
        ({"Status": "running", "Running": True, "Restarting": True, "Pid": 7}, State.RESTARTING),
        ({"Status": "running", "Running": True, "Pid": 0}, State.RESTARTING),
        ({"Status": "created", "Running": False, "Pid": 0}, State.CREATED),
        ({"Status": "exited", "Running": False, "Pid": 0}, State.EXITED),
        ({"Status": "removing", "Running": False, "Pid": 0}, State.DEAD),
        ({"Status": "dead", "Dead": True, "Pid": 0}, State.DEAD),
        ({"Status": "stopping", "Running": True, "Pid": 5}, State.STOPPING),
        ({"Running": True, "Pid": 5}, State.RUNNING),
        ({"Running": True, "Paused": True, "Pid": 5}, State.PAUSED),
        ({"Running": True, "Restarting": True, "Pid": 0}, State.RESTARTING),
        ({"Running": False}, State.EXITED),
        ({"Running": False, "Dead": True}, State.DEAD),
    ],
)
def test_state(inspected, state, expected):
    """The state follows the engine's word, and its flags and pid where the word is wrong."""
    container = inspected()
    container["State"] = state
    assert described(container).state is expected


@pytest.mark.parametrize(
    ("health", "expected"),
    [
        ({"Status": "starting"}, Health.STARTING),
        ({"Status": "healthy", "FailingStreak": 0, "Log": []}, Health.HEALTHY),
        ({"Status": "unhealthy"}, Health.UNHEALTHY),
        ({"Status": "none"}, None),
        ({"Status": ""}, None),
        ({}, None),
        (None, None),
    ],
)
def test_health(inspected, health, expected):
    """The container's HEALTHCHECK becomes the workload's health."""
    assert described(inspected(State={"Health": health})).health is expected


@pytest.mark.parametrize(
    ("bindings", "expected"),
    [
        ([("0.0.0.0", "80")], [("0.0.0.0", 80)]),
        ([("::", "80"), ("0.0.0.0", "80")], [("0.0.0.0", 80), ("::", 80)]),
        ([("::", "79"), ("0.0.0.0", "80")], [("0.0.0.0", 80), ("::", 79)]),
        ([("", "80")], [("", 80)]),
        (
            [("2001:DB8::1", "70"), ("10.0.0.9", "90"), ("10.0.0.9", "80"), ("fe80::1", "60")],
            [("10.0.0.9", 80), ("10.0.0.9", 90), ("fe80::1", 60), ("2001:db8::1", 70)],
        ),
        ([("0.0.0.0", "")], []),
        ([], []),
    ],
)
def test_bindings(inspected, bindings, expected):
    """All bindings of a port are kept: once each, IPv4 first, then by port."""
    listed = [{"HostIp": address, "HostPort": port} for address, port in bindings]
    container = inspected(NetworkSettings={"Ports": {"80/tcp": listed}})
    [port] = [port for port in described(container).ports if port.number == 80]
    assert port.bindings == tuple(Binding(address=a, port=p) for a, p in expected)


def test_order_of_bindings_does_not_matter(inspected):
    """The engine's order of bindings changes by itself and makes no other workload."""
    found = []
    for turn in (1, -1):
        listed = [{"HostIp": "::", "HostPort": "9"}, {"HostIp": "10.0.0.1", "HostPort": "8"}][
            ::turn
        ]
        found.append(described(inspected(NetworkSettings={"Ports": {"80/tcp": listed}})))
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("exposed", "expected"),
    [
        ({"53/udp": {}, "53/tcp": {}}, [(53, "tcp"), (53, "udp")]),
        ({"9999/sctp": {}}, [(9999, "sctp")]),
        ({"80": {}}, [(80, "tcp")]),
        ({"8000-8002/udp": {}}, [(8000, "udp"), (8001, "udp"), (8002, "udp")]),
        ({}, []),
        (None, []),
    ],
)
def test_exposed_ports(inspected, exposed, expected):
    """Exposed ports are listed by number, with every protocol that the engine knows."""
    container = inspected(Config={"ExposedPorts": exposed}, NetworkSettings={"Ports": None})
    assert [(p.number, p.protocol) for p in described(container).ports] == expected


def test_published_but_not_exposed(inspected):
    """A port that is published without being exposed by the image is a port."""
    container = inspected(
        Config={"ExposedPorts": None},
        NetworkSettings={"Ports": {"70/tcp": [{"HostIp": "10.0.0.1", "HostPort": "7000"}]}},
    )
    bindings = (Binding(address="10.0.0.1", port=7000),)
    assert described(container).ports == (Port(number=70, bindings=bindings),)


def test_addresses_of_old_engines_are_not_used(inspected):
    """Addresses come only from NetworkSettings.Networks: new engines leave out the old fields."""
    container = inspected(NetworkSettings={"IPAddress": "1.2.3.4", "Networks": None})
    assert described(container).networks == ()


def test_new_engine(inspected):
    """A description of Engine 29 (API 1.52), without the old fields, is understood."""
    container = inspected()
    container["NetworkSettings"] = {
        "SandboxID": "c" * 64,
        "SandboxKey": "/var/run/docker/netns/c",
        "Ports": {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}]},
        "Networks": {"bridge": {"IPAddress": "172.17.0.2", "GwPriority": 0, "DNSNames": None}},
    }
    del container["Config"]["Hostname"]
    workload = described(container)
    assert workload.networks == (Network(name="bridge", ipv4="172.17.0.2"),)
    assert workload.hostname == ""


@pytest.mark.parametrize(
    ("mode", "endpoints", "expected"),
    [
        ("default", {"apps": {}, "bridge": {}}, ["bridge", "apps"]),
        ("web", {"apps": {}, "web": {}, "db": {}}, ["web", "apps", "db"]),
        ("e" * 64, {"apps": {}, "web": {"NetworkID": "e" * 64}}, ["web", "apps"]),
        ("gone", {"b": {}, "a": {}}, ["a", "b"]),
        ("web", {"web": {"GwPriority": 0}, "out": {"GwPriority": 5}}, ["out", "web"]),
        ("web", {"web": {"GwPriority": -1}, "b": {"GwPriority": 0}}, ["b", "web"]),
        ("web", {"web": None}, ["web"]),
    ],
)
def test_order_of_networks(inspected, mode, endpoints, expected):
    """The network that Docker would use itself comes first, the others by name."""
    container = inspected(HostConfig={"NetworkMode": mode}, NetworkSettings=networks(**endpoints))
    assert [network.name for network in described(container).networks] == expected


def test_ipv6_and_macvlan(inspected):
    """A network may give both families, one of them, or none."""
    container = inspected(
        HostConfig={"NetworkMode": "lan"},
        NetworkSettings=networks(
            lan={"IPAddress": "192.0.2.7", "GlobalIPv6Address": "2001:DB8:0::7"},
            six={"IPAddress": "", "GlobalIPv6Address": "fd00::1"},
        ),
    )
    assert described(container).networks == (
        Network(name="lan", ipv4="192.0.2.7", ipv6="2001:db8::7"),
        Network(name="six", ipv6="fd00::1"),
    )


@pytest.mark.parametrize(
    ("mode", "network_mode", "namespace"),
    [
        ("default", "bridge", ""),
        ("bridge", "bridge", ""),
        ("host", "host", ""),
        ("none", "none", ""),
        ("apps", "apps", ""),
        ("b" * 64, "bridge", ""),
        ("container:" + "f" * 64, "", "f" * 64),
        ("", "", ""),
    ],
)
def test_network_mode(inspected, mode, network_mode, namespace):
    """The mode is a network's name, host or none; another container's network is a namespace."""
    workload = described(inspected(HostConfig={"NetworkMode": mode}))
    assert (workload.network_mode, workload.namespace) == (network_mode, namespace)


def test_bare_container():
    """All that an engine may leave out may be absent or null."""
    bare = {"Id": "1", "State": {"Status": "exited"}}
    full = bare | dict.fromkeys(("Name", "Config", "HostConfig", "NetworkSettings"))
    assert described(bare) == described(full)
    assert described(bare).name == ""


@pytest.mark.parametrize(
    "sections",
    [
        {"State": "running"},
        {"State": {"Status": "levitating"}},
        {"State": {"Health": {"Status": "sick"}}},
        {"Config": {"Env": "A=b"}},
        {"Config": {"Labels": ["a"]}},
        {"Config": {"ExposedPorts": {"http/tcp": {}}}},
        {"Config": {"ExposedPorts": {"70000/tcp": {}}}},
        {"NetworkSettings": {"Ports": {"80/tcp": ["8080"]}}},
        {"NetworkSettings": {"Ports": {"80/tcp": [{"HostPort": "many"}]}}},
        {"NetworkSettings": {"Ports": {"80/tcp": 8080}}},
        {"NetworkSettings": {"Networks": {"bridge": "172.17.0.2"}}},
        {"Id": ""},
        {"Id": None},
        {"Name": 5},
    ],
)
def test_nonsense(inspected, sections):
    """What makes no sense is refused with ValueError, not guessed at and not a crash."""
    with pytest.raises(ValueError, match=r"\S"):
        described(inspected(**sections))


def test_secrets_are_not_shown(inspected):
    """The environment is in no repr."""
    workload = described(inspected(Config={"Env": ["PASSWORD=hunter2"]}))
    assert "hunter2" not in repr(workload)


def test_input_is_left_alone(inspected):
    """Describing changes nothing in what the engine said."""
    container = inspected()
    before = json.dumps(container)
    described(container)
    assert json.dumps(container) == before
