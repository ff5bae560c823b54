"""`syncer run` on a real swarm: what is scaled, updated and removed is so in the registry."""

import json

import pytest

from servers import syncer as command
from servers.syncer_fixtures import start_syncer  # noqa: F401 - a fixture
from servers.waiting import wait_until


@pytest.fixture
def registry(tmp_path):
    """The file that the sink writes."""
    return tmp_path / "registry.json"


@pytest.fixture
def sources(clean_swarm, registry):
    """The arguments for a swarm and a file: `sources(mode="vip")`."""

    def make(**options):
        options = {"mode": "tasks", "poll": "200ms", **options}
        given = [
            f"sources.swarm.{key.replace('__', '.')}={value}" for key, value in options.items()
        ]
        sets = [word for text in given for word in ("--set", text)]
        return (
            *("--source", f"swarm={clean_swarm.address}", "--sink", f"file={registry}"),
            *sets,
        )

    return make


def entries(registry):
    """What is registered: address and port by id, without the scope."""
    if not registry.exists():
        return {}
    found = json.loads(registry.read_text())["registrations"]
    return {entry["id"].partition(":")[2]: f"{entry['address']}:{entry['port']}" for entry in found}


def test_tasks_are_registered_and_removed(clean_swarm, sources, registry, start_syncer):  # noqa: F811
    """Scale up, down, update and remove: the registry follows, by the tasks' own addresses."""
    clean_swarm.overlay("front")
    start_syncer("--interval", "2s", *sources(addresses__internal="true"))
    service = clean_swarm.service(
        "web", networks=["front"], labels={"syncer.web.port": "8000", "syncer.web.tags": "a"}
    )

    def follows(count):
        """Whether exactly the addresses of the tasks that run are registered."""
        tasks = clean_swarm.tasks("web")
        wanted = {
            address.partition("/")[0] + ":8000"
            for task in tasks
            for place in task["NetworksAttachments"]
            if place["Network"]["Spec"]["Name"] == "front"
            for address in place["Addresses"]
        }
        return len(tasks) == count and set(entries(registry).values()) == wanted

    wait_until(lambda: follows(1), 60, "the task to be registered")
    assert list(entries(registry)) == ["web.1:8000"]
    clean_swarm.scale(service, 3)
    wait_until(lambda: follows(3), 60, "all three to be registered")
    assert sorted(entries(registry)) == [f"web.{slot}:8000" for slot in (1, 2, 3)]

    before = {task["ID"] for task in clean_swarm.tasks("web")}
    clean_swarm.update(service, force_update=1, fetch_current_spec=True)

    def replaced():
        now = {task["ID"] for task in clean_swarm.tasks("web")}
        return not now & before and follows(3)

    wait_until(replaced, 120, "the new tasks to be registered in place of the old")
    clean_swarm.scale(service, 1)
    wait_until(lambda: follows(1), 60, "one to be left")
    service.remove()
    wait_until(lambda: entries(registry) == {}, 60, "nothing to be left")


def test_published_ports_are_registered_at_the_node(clean_swarm, sources, registry):
    """Without internal mode the ports that nodes publish count; labels of the service name it."""
    node = clean_swarm.node().id
    clean_swarm.service("web", ports=[(31900, 8000)], labels={"SERVICE_NAME": "shop"})
    clean_swarm.wait_tasks("web", 1)
    applied = command.command("apply", *sources(mode="ingress"))
    assert applied.returncode == 0, applied.stderr
    assert entries(registry) == {f"web.{node}:8000": "127.0.0.1:31900"}


def test_a_virtual_address_is_registered(clean_swarm, sources, registry):
    """One instance for the service, which stays when it is scaled."""
    clean_swarm.overlay("front")
    service = clean_swarm.service(
        "web", replicas=2, networks=["front"], labels={"syncer.web.port": "8000"}
    )
    clean_swarm.wait_tasks("web", 2)
    applied = command.command("apply", *sources(mode="vip", addresses__internal="true"))
    assert applied.returncode == 0, applied.stderr
    service.reload()
    networks = {n.id: n.name for n in clean_swarm.client.networks.list()}
    (vip,) = [
        place["Addr"].partition("/")[0]
        for place in service.attrs["Endpoint"]["VirtualIPs"]
        if networks[place["NetworkID"]] == "front"
    ]
    assert entries(registry) == {"web:8000": f"{vip}:8000"}
