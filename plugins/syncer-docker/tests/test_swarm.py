"""Services and tasks of a real swarm: what is described of them, and how changes are seen."""

import threading

import docker
import pytest

import syncer
from servers.waiting import wait_until
from syncer import Port, State
from syncer_docker import SwarmOptions, create_swarm
from syncer_docker.swarm.options import Mode


@pytest.fixture
def open_swarm(clean_swarm):
    """Makes sources, closed after the test: `open_swarm(Mode.VIP, **options)`."""
    made = []

    def make(mode=Mode.TASKS, **options):
        options = SwarmOptions(endpoint=clean_swarm.address, mode=mode, **options)
        made.append(create_swarm(options, syncer.Context(name="swarm")))
        return made[-1]

    yield make
    for source in made:
        source.close()


def test_the_scope_is_the_swarms_id(open_swarm, clean_swarm):
    """All its managers have it."""
    cluster = clean_swarm.client.info()["Swarm"]["Cluster"]["ID"]
    assert open_swarm().scope() == cluster
    assert open_swarm(scope="prod").scope() == "prod"


def test_the_identity_is_the_swarms_id_too(open_swarm, clean_swarm):
    """So two swarms of one scope are told apart."""
    cluster = clean_swarm.client.info()["Swarm"]["Cluster"]["ID"]
    assert open_swarm(scope="prod").identity() == open_swarm().identity() == cluster


def test_tasks_vip_and_ingress(open_swarm, clean_swarm):
    """One service in each mode: its tasks, its virtual address, its port at the node."""
    clean_swarm.overlay("front")
    service = clean_swarm.service(
        "web",
        replicas=2,
        ports=[(31800, 8000)],
        networks=["front"],
        labels={"SERVICE_NAME": "shop"},
        container_labels={"c": "1"},
    )
    ids = clean_swarm.wait_tasks("web", 2)
    node = clean_swarm.node()

    tasks = {task.id: task for task in open_swarm().workloads().items}
    assert sorted(tasks) == ids
    assert {task.name for task in tasks.values()} == {"web.1", "web.2"}
    inside = {task.networks[0].ipv4 for task in tasks.values()}
    (vip,) = open_swarm(Mode.VIP).workloads().items
    (ingress,) = open_swarm(Mode.INGRESS).workloads().items

    assert len(inside | {vip.networks[0].ipv4}) == 3
    for found in (*tasks.values(), vip):
        assert [network.name for network in found.networks] == ["front"]
        assert found.ports == (Port(number=8000),)
        assert found.labels == {"SERVICE_NAME": "shop", "c": "1"}
    assert (vip.id, vip.name, ingress.id) == (service.id, "web", f"{service.id}.{node.id}")
    ((binding,),) = [port.bindings for port in ingress.ports]
    assert (binding.address, binding.port) == (node.attrs["Status"]["Addr"], 31800)


def test_ports_on_the_tasks_own_node(open_swarm, clean_swarm):
    """Published in mode host, a task's port is bound at its node."""
    clean_swarm.overlay("front")
    clean_swarm.service("web", ports=[(31801, 8000, "host")], networks=["front"])
    clean_swarm.wait_tasks("web", 1)
    (task,) = open_swarm().workloads().items
    assert [(b.address, b.port) for b in task.ports[0].bindings] == [("127.0.0.1", 31801)]


def test_a_task_that_is_told_to_end_is_stopping(open_swarm, clean_swarm):
    """It is there until it has ended, as stopping; asked for then, it is not offered."""
    source = open_swarm()
    command = ["sh", "-c", "trap '' TERM; while true; do sleep 1; done"]
    service = clean_swarm.service("web", command=command, stop_grace_period=6_000_000_000)
    (id,) = clean_swarm.wait_tasks("web", 1)
    assert [task.state for task in source.workloads().items] == [State.RUNNING]
    clean_swarm.scale(service, 0)

    def states():
        return [task.state for task in source.workloads().items]

    wait_until(lambda: states() == [State.STOPPING], 30, "the task to be stopping")
    assert source.workload(id).state is State.STOPPING
    wait_until(lambda: states() == [], 60, "the task to have ended")
    found = source.workload(id)
    assert found is None or not found.state.offered


def test_a_filter_of_nodes(open_swarm, clean_swarm):
    """What runs on other nodes is not listed; asked for, it is not offered."""
    clean_swarm.service("web", ports=[(31802, 8000)])
    (id,) = clean_swarm.wait_tasks("web", 1)
    for mode in (Mode.TASKS, Mode.INGRESS):
        source = open_swarm(mode, node_labels=("zone=b",))
        assert source.workloads().items == ()
    assert open_swarm(node_labels=("zone=b",)).workload(id).state is State.EXITED

    clean_swarm.set_node(zone="b")
    assert [task.id for task in open_swarm(node_labels=("zone=b",)).workloads().items] == [id]


@pytest.mark.parametrize("mode", Mode)
def test_what_is_not_there(open_swarm, mode):
    """A workload that the swarm does not know is gone for sure."""
    for id in ("nothing", "nothing.there"):
        assert open_swarm(mode).workload(id) is None


def test_an_engine_that_manages_no_swarm(clean_docker):
    """It is waited for, with a message that says what to do; nothing is concluded from it."""
    options = SwarmOptions(endpoint=clean_docker.address)
    source = create_swarm(options, syncer.Context(name="swarm"))
    with pytest.raises(syncer.TemporaryError, match="is not a swarm manager: name a manager"):
        source.scope()
    options = SwarmOptions(endpoint=clean_docker.address, scope="prod")
    source = create_swarm(options, syncer.Context(name="swarm"))
    with pytest.raises(syncer.TemporaryError, match="not a swarm manager"):
        source.workloads()
    source.close()


def test_tasks_that_come_and_go_wake(open_swarm, clean_swarm):
    """The engine has no events for tasks: a container that dies is seen all the same."""
    source = open_swarm()
    service = clean_swarm.service("web")
    clean_swarm.wait_tasks("web", 1)
    stop, wakes = threading.Event(), []

    def look(_):
        wakes.append({task.id for task in source.workloads().items})

    watch = threading.Thread(target=source.watch, args=(look, stop), daemon=True)
    watch.start()
    try:
        wait_until(lambda: wakes, 30, "the first look")
        (task,) = clean_swarm.tasks("web")
        clean_swarm.client.containers.get(task["Status"]["ContainerStatus"]["ContainerID"]).kill()
        wait_until(lambda: wakes[-1] and task["ID"] not in wakes[-1], 30, "the next task")
        assert wakes[-1] == {found["ID"] for found in service.tasks({"desired-state": "running"})}
    finally:
        stop.set()
        watch.join(30)
    assert not watch.is_alive()


def test_an_update_in_mode_vip_keeps_the_service(open_swarm, clean_swarm):
    """With one task, which is stopped before the next one starts, the service stays listed."""
    clean_swarm.overlay("front")
    order = docker.types.UpdateConfig(order="stop-first", delay=0, monitor=1_000_000_000)
    service = clean_swarm.service("web", networks=["front"], update_config=order)
    (old,) = clean_swarm.wait_tasks("web", 1)
    source = open_swarm(Mode.VIP)
    assert len(source.workloads().items) == 1
    clean_swarm.update(service, force_update=1, fetch_current_spec=True)

    def replaced():
        # Told of an update, a manager takes a moment to say that it is under way.
        listed.append(len(source.workloads().items))
        running = [task["ID"] for task in clean_swarm.tasks("web")]
        return bool(running) and running != [old]

    listed = []
    wait_until(replaced, 60, "the task to be replaced")
    assert set(listed) == {1}
