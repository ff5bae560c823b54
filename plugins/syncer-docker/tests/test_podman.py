"""A real Podman, which has Docker's API with its own states, in addition to the contract."""

from servers.waiting import wait_until
from syncer import Health, State


def test_what_is_described(make_source, clean_podman):
    """Labels, environment, ports and networks are read as Docker's are."""
    id = clean_podman.run(
        "web", ports={"8000/tcp": 18000}, labels={"SERVICE_NAME": "w"}, environment={"A": "b"}
    )
    (web,) = make_source(clean_podman.address).workloads().items
    assert (web.id, web.name, web.state, web.health) == (id, "web", State.RUNNING, None)
    assert (web.image, web.labels["SERVICE_NAME"], web.env["A"]) == (
        "localhost/syncer-test:web",
        "w",
        "b",
    )
    ((binding,),) = [port.bindings for port in web.ports]
    assert (web.ports[0].number, binding.port) == (8000, 18000)
    assert [network.name for network in web.networks] == ["podman"]
    assert web.networks[0].ipv4


def test_no_identity(make_source, clean_podman):
    """It makes up an id for each answer, so it has none that could tell it from another one."""
    one, two = (clean_podman.client.info()["ID"] for _ in range(2))
    assert one != two
    source = make_source(clean_podman.address)
    assert source.identity() == source.identity() == ""


def test_a_life(make_source, clean_podman, watch):
    """Start, pause, rename, stop and removal wake, and are described."""
    source = make_source(clean_podman.address)
    watcher = watch(source)
    id = clean_podman.run("web")
    watcher.wait_state(id, State.RUNNING)
    container = clean_podman.container(id)
    container.pause()
    watcher.wait_state(id, State.PAUSED)
    container.unpause()
    watcher.wait_state(id, State.RUNNING)
    container.rename("other")
    wait_until(lambda: source.workload(id).name == "other", 30, "the new name")
    container.stop(timeout=1)
    watcher.wait_state(id, State.EXITED)
    container.remove()
    wait_until(lambda: source.workloads().items == (), 30, "nothing to be listed")


def test_health(make_source, clean_podman, watch):
    """A HEALTHCHECK is read; Podman runs it through systemd, or on request."""
    source = make_source(clean_podman.address)
    watcher = watch(source)
    test = {"test": ["CMD-SHELL", "test -e /www/health"], "interval": 10**9 * 3600, "retries": 1}
    id = clean_podman.run("web", healthcheck=test)
    assert source.workload(id).health is Health.STARTING
    watcher.wait_for(id)
    before = len(watcher.wakes)
    clean_podman.check_health(id)
    watcher.wait_for(id, before)
    assert source.workload(id).health is Health.HEALTHY
    listed = [found.health for found in source.workloads().items]
    assert listed == [Health.HEALTHY]


def test_a_container_that_shares_a_network(make_source, clean_podman):
    """It names the one whose network it has."""
    owner = clean_podman.run("owner")
    id = clean_podman.run("guest", network_mode=f"container:{owner}", environment={"PORT": "8001"})
    source = make_source(clean_podman.address)
    assert source.workload(id).namespace == owner
    assert source.workload(id).started >= source.workload(owner).started
    clean_podman.container(owner).restart(timeout=0)
    assert source.workload(id).started < source.workload(owner).started


def test_a_pod(make_source, clean_podman):
    """Containers of a pod share the network of its infra container, which has the ports."""
    id = clean_podman.run_in_pod("shop", "web", "18001:8000")
    source = make_source(clean_podman.address)
    web = source.workload(id)
    infra = source.workload(web.namespace)
    assert web.started >= infra.started
    assert web.state is State.RUNNING
    assert [binding.port for port in infra.ports for binding in port.bindings] == [18001]
