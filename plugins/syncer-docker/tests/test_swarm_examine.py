"""What `syncer doctor` finds in the way of reading a swarm: a real one, and answers of others."""

import pytest

import syncer
from servers.docker_proxy import DockerProxy
from syncer import Level
from syncer_docker import SwarmOptions, create_swarm
from syncer_docker.swarm.options import Mode


@pytest.fixture
def found():
    """Examines: `found(address, mode, **options)` gives (level, text), the advice after a `;`."""

    def examine(address, mode=Mode.TASKS, **options):
        made = SwarmOptions(endpoint=address, mode=mode, **options)
        source = create_swarm(made, syncer.Context(name="swarm"))
        try:
            return [(one.level, f"{one.what}; {one.advice}") for one in source.examine()]
        finally:
            source.close()

    return examine


def of(level, findings):
    return [text for found, text in findings if found is level]


def test_all_is_well(found, clean_swarm):
    """The engine, its place in the swarm, the rights, the clock and the nodes."""
    clean_swarm.service("web", ports=[(31820, 8000)])
    findings = found(clean_swarm.address, Mode.INGRESS)
    assert {level for level, _ in findings} == {Level.OK}
    texts = [text.partition(";")[0] for _, text in findings]
    assert texts[0].startswith(f"the engine at {clean_swarm.address} uses API 1.")
    assert texts[1:3] == [
        "the engine is a manager (managers: 1, nodes: 1)",
        "tasks, services and nodes can be listed, and events received",
    ]
    assert texts[4:] == ["1 of 1 nodes are used"]


def test_who_reaches_what(found, clean_swarm):
    """Services without an address, and networks that nobody else can join, are named."""
    clean_swarm.overlay("front")
    clean_swarm.service("inside", networks=["front"])
    clean_swarm.service("meshed", ports=[(31821, 8000)])
    clean_swarm.service("there", ports=[(31822, 8000, "host")])
    tasks = of(Level.WARNING, found(clean_swarm.address))
    assert [text.partition(";")[0] for text in tasks] == [
        "services without an address in mode tasks: meshed",
        "networks that only services of the swarm can join: front",
    ]
    assert "mode=host" in tasks[0]
    vip = of(Level.WARNING, found(clean_swarm.address, Mode.VIP))
    assert vip[0].startswith("services without an address in mode vip: meshed, there;")
    assert of(Level.WARNING, found(clean_swarm.address, Mode.INGRESS)) == []


def test_filters_that_no_node_fits(found, clean_swarm):
    """Nothing would be registered, and nobody would know why."""
    (text,) = of(Level.WARNING, found(clean_swarm.address, node_labels=("zone=b",)))
    assert "no node matches node_roles, node_labels" in text


def test_an_engine_in_no_swarm(found, clean_docker):
    """The finding says what to do."""
    (text,) = of(Level.PROBLEM, found(clean_docker.address))
    assert text.startswith("the engine is not in a swarm: inactive;")
    assert "name a manager as endpoint" in text


def test_a_proxy_that_forbids_one_thing(found, clean_swarm, monkeypatch):
    """What must be let through is named."""
    allowed = ("/_ping", "/version", "/info", "/tasks", "/nodes", "/networks", "/events")
    monkeypatch.setattr("servers.docker_proxy.ALLOWED", allowed)
    proxy = DockerProxy(clean_swarm.folder / "doctor.sock", clean_swarm.socket)
    try:
        (text,) = of(Level.PROBLEM, found(proxy.address))
    finally:
        proxy.close()
        (clean_swarm.folder / "doctor.sock").unlink()
    assert text.startswith("GET /services: ")
    assert text.endswith("allow GET /services")


def test_a_socket_that_is_not_there(found, tmp_path):
    """It is a problem, and the rest is not looked at."""
    ((level, text),) = found(f"unix://{tmp_path}/no.sock")
    assert level is Level.PROBLEM
    assert "no socket at" in text


MANAGER = {
    "LocalNodeState": "active",
    "ControlAvailable": True,
    "Cluster": {"ID": "c1"},
    "Managers": 3,
    "Nodes": 3,
}


@pytest.mark.parametrize(
    ("place", "text"),
    [
        (
            {"LocalNodeState": "locked"},
            "is locked on this engine; unlock it with the swarm's key: docker swarm un",
        ),
        ({"LocalNodeState": "pending"}, "the engine is not in a swarm: pending; name a manager"),
        (
            {"LocalNodeState": "error", "Error": "no certificate"},
            "the engine is not in a swarm: error no certificate; name a manager",
        ),
        ({}, "the engine is not in a swarm: inactive; name a manager"),
        (
            {
                "LocalNodeState": "active",
                "ControlAvailable": False,
                "RemoteManagers": [{"Addr": "192.0.2.1:2377"}, {"Addr": "192.0.2.2:2377"}],
            },
            "the engine is a worker, and workers do not know services; its managers:"
            " 192.0.2.1:2377, 192.0.2.2:2377; name a manager as endpoint",
        ),
        (
            {
                "LocalNodeState": "active",
                "ControlAvailable": True,
                "Error": "rpc error:\n too few managers are online",
            },
            "the manager has no access to its swarm: rpc error: too few managers are online; more"
            " than half of the managers must run",
        ),
        (
            {"LocalNodeState": "active", "ControlAvailable": True},
            "the manager has no access to its swarm: no leader; more than half",
        ),
    ],
)
def test_what_an_engine_may_be(found, scripted_engine, place, text):
    """A worker, a manager without a leader, one that is locked: each with what to do."""
    engine = scripted_engine({"/info": {"Name": "h", "Swarm": place}})
    (problem,) = of(Level.PROBLEM, found(engine.address))
    assert text in problem


def node(name, **sections):
    """What a manager says of a node."""
    return {
        "ID": name,
        "Description": {"Hostname": name},
        "Spec": {"Role": "worker", "Availability": "active"},
        "Status": {"State": "ready", "Addr": "192.0.2.9"},
        **sections,
    }


def test_nodes(found, scripted_engine):
    """Those that are away, silent, drained, or have no address are named."""
    nodes = [
        node("well"),
        node("away", Status={"State": "down", "Addr": "192.0.2.8"}),
        node("silent", ManagerStatus={"Reachability": "unreachable", "Addr": "192.0.2.7:2377"}),
        node("leader", ManagerStatus={"Reachability": "reachable", "Addr": "192.0.2.6:2377"}),
        node("drained", Spec={"Role": "worker", "Availability": "drain"}),
        node("nowhere", Status={"State": "ready", "Addr": "0.0.0.0"}),
    ]
    engine = scripted_engine(
        {
            "/info": {"Name": "h", "Swarm": MANAGER},
            "/tasks": [],
            "/services": [],
            "/nodes": nodes,
            "/networks": [],
        }
    )
    engine.routes["/events"] = engine.stream(hold=False)
    findings = found(engine.address)
    assert of(Level.PROBLEM, findings) == []
    assert [text.partition(";")[0] for text in of(Level.WARNING, findings)] == [
        "managers that the others cannot reach: silent",
        "nodes that are not ready: away",
        "nodes without a known address: nowhere",
    ]
    assert "5 of 6 nodes are used; drained or paused: drained; " in of(Level.OK, findings)
