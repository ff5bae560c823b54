"""What a manager's answers make: several nodes, states and odd things, which one node has not."""

import copy

import pytest

from syncer import Binding, Health, Network, Port, State
from syncer_docker.swarm.describe import Describer, Snapshot
from syncer_docker.swarm.nodes import Nodes
from syncer_docker.swarm.options import Labels, Mode, SwarmOptions

# Shortened from a manager of Engine 20.10.
SERVICE = {
    "ID": "s1",
    "Spec": {
        "Name": "web",
        "Labels": {"from": "service", "a": "1"},
        "TaskTemplate": {"ContainerSpec": {"Image": "shop:2", "Labels": {"c": "3"}}},
    },
    "Endpoint": {
        "Ports": [
            {"Protocol": "tcp", "TargetPort": 80, "PublishedPort": 8080, "PublishMode": "ingress"},
            {"Protocol": "udp", "TargetPort": 53, "PublishedPort": 5300, "PublishMode": "host"},
        ],
        "VirtualIPs": [
            {"NetworkID": "mesh", "Addr": "10.0.0.3/24"},
            {"NetworkID": "n1", "Addr": "10.0.1.2/24"},
        ],
    },
}


def task(id="t1", state="running", desired="running", node="one", slot=1, **fields):
    def place(name, address, **spec):
        return {"Network": {"ID": name, "Spec": {"Name": name, **spec}}, "Addresses": [address]}

    host_port = {"Protocol": "udp", "TargetPort": 53, "PublishedPort": 5300, "PublishMode": "host"}
    return {
        "ID": id,
        "ServiceID": "s1",
        "NodeID": node,
        "Slot": slot,
        "DesiredState": desired,
        "Status": {"State": state, "PortStatus": {"Ports": [host_port, host_port]}},
        "Spec": {
            "ContainerSpec": {
                "Image": "shop:1",
                "Labels": {"from": "container", "b": "2"},
                "Env": ["A=b=c", "EMPTY"],
                "Hostname": "{{.Node.Hostname}}",
            }
        },
        "NetworksAttachments": [
            place("ingress", "10.0.0.7/24", Ingress=True),
            place("front", "10.0.1.7/24"),
        ],
    } | fields


def node(id, address, role="worker", availability="active", state="ready", **labels):
    return {
        "ID": id,
        "Spec": {"Role": role, "Availability": availability, "Labels": labels},
        "Status": {"State": state, "Addr": address},
    }


NODES = (
    node("one", "10.1.0.1", role="manager", zone="a"),
    node("two", "10.1.0.2", availability="pause", zone="b", public="192.0.2.2"),
    node("three", "10.1.0.3", availability="drain"),
    node("four", "10.1.0.4", state="down", zone="a"),
)


def described(tasks=(), service=SERVICE, nodes=NODES, mode="tasks", labels="both", **options):
    """Workloads by id, and what is unclear."""
    options = SwarmOptions(**options)
    describer = Describer(source="swarm", scope="sw", mode=Mode(mode), labels=Labels(labels))
    snapshot = Snapshot(
        tasks=tuple(tasks),
        services={service["ID"]: service},
        nodes=Nodes.of(nodes, options),
        networks={"n1": "front"},
    )
    found, unclear = describer.workloads(snapshot)
    assert all(reason.why for reason in unclear.values())
    return {workload.id: workload for workload in found}, set(unclear)


def test_a_task():
    """It has its slot's name, its own addresses, and the ports that its node publishes for it."""
    found, unclear = described([task()])
    one = found["t1"]
    assert (one.name, one.scope, one.source, one.state) == ("web.1", "sw", "swarm", State.RUNNING)
    assert one.networks == (Network(name="front", ipv4="10.0.1.7"),)
    assert one.ports == (
        Port(number=53, protocol="udp", bindings=[Binding(address="10.1.0.1", port=5300)]),
        Port(number=80, protocol="tcp"),
    )
    assert (one.image, one.hostname, dict(one.env)) == ("shop:1", "", {"A": "b=c", "EMPTY": ""})
    assert unclear == set()


def test_a_task_of_a_global_service_is_named_by_its_node():
    """It has no slot, and there is one on each node."""
    assert described([task(slot=None)])[0]["t1"].name == "web.one"


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ("both", {"from": "service", "a": "1", "b": "2"}),
        ("service", {"from": "service", "a": "1"}),
        ("container", {"from": "container", "b": "2"}),
    ],
)
def test_labels(labels, expected):
    """The service's labels count before the container's."""
    assert described([task()], labels=labels)[0]["t1"].labels == expected


@pytest.mark.parametrize(
    ("state", "desired", "expected"),
    [
        ("running", "running", State.RUNNING),
        ("running", "shutdown", State.STOPPING),
        ("running", "remove", State.STOPPING),
        ("starting", "running", None),
        ("preparing", "running", None),
        ("ready", "ready", None),
        ("complete", "shutdown", None),
        ("failed", "running", None),
        ("rejected", "shutdown", None),
        ("orphaned", "running", None),
    ],
)
def test_states(state, desired, expected):
    """Only running tasks are offered; one that runs but should not is stopping."""
    found, unclear = described([task(state=state, desired=desired)])
    assert ({"t1": expected} if expected else {}) == {id: w.state for id, w in found.items()}
    assert unclear == set()


@pytest.mark.parametrize(
    ("options", "nodes"),
    [
        ({}, "one two three"),
        ({"node_states": ()}, "one two three four"),
        ({"node_roles": ("manager",)}, "one"),
        ({"node_labels": ("zone",)}, "one two"),
        ({"node_labels": ("zone=b",)}, "two"),
        ({"node_labels": ("zone=b", "zone=a")}, ""),
        ({"node_availability": ("drain", "pause")}, "two three"),
    ],
)
def test_nodes_are_chosen(options, nodes):
    """By role, labels, availability and state; one that is down counts no more by default."""
    tasks = [task(id=name, node=name) for name in ("one", "two", "three", "four", "unknown")]
    assert " ".join(described(tasks, **options)[0]) == nodes


def test_a_service_at_its_virtual_address():
    """One for the service, in its networks but not in that of the routing mesh."""
    found, _ = described([task(), task(id="t2")], mode="vip")
    (one,) = found.values()
    assert (one.id, one.name, one.state) == ("s1", "web", State.RUNNING)
    assert one.networks == (Network(name="front", ipv4="10.0.1.2"),)
    assert [(port.number, port.bindings) for port in one.ports] == [(53, ()), (80, ())]
    assert (one.image, one.labels["c"]) == ("shop:2", "3")


def test_a_service_at_the_nodes():
    """One for each node that listens, at the address and port that it publishes."""
    found, _ = described([task(node="one")], mode="ingress", node_address_label="public")
    assert {id: workload.ports for id, workload in found.items()} == {
        f"s1.{name}": (
            Port(number=80, protocol="tcp", bindings=[Binding(address=address, port=8080)]),
        )
        for name, address in (("one", "10.1.0.1"), ("two", "192.0.2.2"))
    }
    assert found["s1.one"].name == "web.one"
    assert found["s1.one"].networks == ()


def test_drained_nodes_listen_if_asked():
    """The filter of availability is the user's."""
    found, _ = described([task()], mode="ingress", node_availability=("drain",))
    assert list(found) == ["s1.three"]


UPDATING = SERVICE | {"UpdateStatus": {"State": "updating"}}


@pytest.mark.parametrize("mode", ["vip", "ingress"])
@pytest.mark.parametrize(
    ("service", "tasks", "expected"),
    [
        (SERVICE, [task()], (State.RUNNING, None)),
        (SERVICE, [task(desired="shutdown")], (State.STOPPING, None)),
        (SERVICE, [task(state="starting")], None),
        (SERVICE, [], None),
        (UPDATING, [task(desired="shutdown"), task(id="t2")], (State.RUNNING, None)),
        (
            UPDATING,
            [task(desired="shutdown"), task(id="t2", state="ready", desired="ready")],
            (State.RUNNING, Health.STARTING),
        ),
        (UPDATING, [task(state="preparing")], (State.RUNNING, Health.STARTING)),
        (UPDATING, [task(state="failed")], None),
    ],
)
def test_a_service_stays_through_an_update(mode, service, tasks, expected):
    """While no task runs for a moment, it is starting and does not go; else it needs one."""
    found, _ = described(tasks, service, nodes=NODES[:1], mode=mode)
    states = [(workload.state, workload.health) for workload in found.values()]
    assert states == ([expected] if expected else [])


def test_a_service_without_ingress_ports_is_at_no_node():
    """What is published on each task's own node is not reached through the others."""
    service = copy.deepcopy(SERVICE)
    service["Endpoint"]["Ports"] = service["Endpoint"]["Ports"][1:]
    assert described([task()], service, mode="ingress") == ({}, set())


def test_a_task_in_the_hosts_network_has_its_nodes_address():
    """It has none of its own."""
    place = {"Network": {"ID": "h", "Spec": {"Name": "host"}}}
    found, _ = described([task(NetworksAttachments=[place])])
    assert found["t1"].networks == (Network(name="host", ipv4="10.1.0.1"),)


def test_a_manager_that_calls_itself_0_0_0_0():
    """By its other address its peers reach it; without one, nothing is concluded."""
    odd = node("one", "0.0.0.0")
    known = odd | {"ManagerStatus": {"Addr": "[fd00::1]:2377"}}
    (one,) = described([task()], nodes=[known])[0].values()
    assert one.ports[0].bindings == (Binding(address="fd00::1", port=5300),)
    assert described([task()], nodes=[odd]) == ({}, {"t1"})


@pytest.mark.parametrize(
    "odd",
    [
        {"Status": {}},
        {"Status": None},
        {"Spec": None},
        {"NetworksAttachments": "all"},
        {"NetworksAttachments": [{"Network": {}}]},
    ],
    ids=str,
)
def test_what_makes_no_sense_is_unclear(odd):
    """It exists, so what is registered for it stays."""
    found, unclear = described([task() | odd, task(id="t2")])
    assert (list(found), unclear) == (["t2"], {"t1"})


def test_a_task_whose_service_is_gone():
    """It is being removed with it."""
    assert described([task(ServiceID="old")]) == ({}, set())
