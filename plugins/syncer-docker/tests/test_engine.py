"""The source on a real Docker engine."""

import threading
from datetime import timedelta

import pytest

import syncer
from servers.docker import PLAIN_IMAGE, health_check
from servers.waiting import wait_until
from syncer import Health, Network, State
from syncer_docker.client.client import DockerClient


@pytest.fixture
def engine(clean_docker):
    return clean_docker


@pytest.fixture
def inspections():
    """The ids that the source inspected, in order."""
    return []


@pytest.fixture
def source(engine, make_source, inspections):
    class Client(DockerClient):
        def inspect(self, id):
            inspections.append(id)
            return super().inspect(id)

    return make_source(engine.address, client=Client)


def by_name(source):
    view = source.workloads()
    assert view.complete
    assert not view.unclear
    return {workload.name: workload for workload in view.items}


def becomes(source, watcher, id, wanted, what):
    """Wait until an answer after a wake for the workload is as wanted."""

    def found():
        workload = source.workload(id) if id in watcher.wakes else None
        return workload if workload is not None and wanted(workload) else None

    return wait_until(found, 15, what)


def test_nothing_runs(source):
    """An engine without containers gives a complete, empty view."""
    assert source.workloads() == syncer.View(())


def test_scope(engine, make_source):
    """The engine's own name is the scope."""
    expected = engine.client.info()["Name"]
    assert make_source(engine.address, scope="").scope() == expected


def test_identity(engine, make_source):
    """The engine's id, which outlives its restart."""
    identity = make_source(engine.address).identity()
    assert identity == engine.client.info()["ID"] != ""
    engine.restart()
    assert make_source(engine.address).identity() == identity


def test_listing(engine, source):
    """Containers of every kind of network are described as the engine made them."""
    engine.network("apps", v6_subnet="fd5c:214:1::/64")
    web = engine.run(
        "web",
        labels={"SERVICE_NAME": "web"},
        environment={"A": "1"},
        ports={"8000/tcp": None, "53/udp": ("127.0.0.1", 0)},
        hostname="front",
    )
    engine.run("six", network="apps")
    engine.run("on-host", network_mode="host")
    engine.run("alone", network_mode="none")
    engine.run("joined", network_mode="container:web", environment={"PORT": "8001"})
    found = by_name(source)
    assert set(found) == {"web", "six", "on-host", "alone", "joined"}

    first = found["web"]
    assert (first.id, first.state, first.health) == (web, State.RUNNING, None)
    assert (first.labels, first.env["A"]) == ({"SERVICE_NAME": "web"}, "1")
    assert (first.hostname, first.network_mode) == ("front", "bridge")
    udp, tcp = first.ports
    assert (udp.number, udp.protocol) == (53, "udp")
    assert [binding.address for binding in udp.bindings] == ["127.0.0.1"]
    assert (tcp.number, tcp.protocol) == (8000, "tcp")
    assert [binding.address for binding in tcp.bindings] == ["0.0.0.0", "::"]
    assert tcp.bindings[0].port == engine.host_port("web")
    assert [network.ipv4 for network in first.networks] == [engine.ip("web")]

    assert found["six"].networks == (
        Network(name="apps", ipv4=engine.ip("six", "apps"), ipv6=engine.ip("six", "apps", v6=True)),
    )
    assert found["six"].networks[0].ipv6.startswith("fd5c:214:1:")
    assert found["six"].network_mode == "apps"
    assert found["on-host"].network_mode == "host"
    assert [port.number for port in found["on-host"].ports] == [8000]
    assert found["alone"].network_mode == "none"
    assert found["joined"].namespace == web
    assert found["joined"].networks == ()


def test_listing_again_asks_nothing(engine, source, inspections):
    """What the list shows proves every description: nothing is inspected twice."""
    engine.network("apps", v6_subnet="fd5c:214:2::/64")
    engine.run("web", ports={"8000/tcp": None, "53/udp": ("127.0.0.1", 0)})
    engine.run("six", network="apps", healthcheck=health_check())
    engine.run("ill", healthcheck=health_check("false"))
    engine.run("on-host", network_mode="host")
    engine.run("alone", network_mode="none")
    engine.run("joined", network_mode="container:web", environment={"PORT": "8001"})
    engine.run("resting")
    engine.container("resting").pause()
    engine.wait_healthy("six")
    engine.wait_healthy("ill", "unhealthy")
    first = source.workloads()
    assert len(first.items) == len(inspections) == 7
    assert source.workloads() == first
    assert len(inspections) == 7


def test_changes_without_events(engine, source, inspections):
    """Nobody watches: the listing alone shows every change."""
    engine.network("apps")
    engine.run("web", healthcheck=health_check())
    engine.wait_healthy("web")
    by_name(source)
    engine.container("web").rename("shop")
    assert set(by_name(source)) == {"shop"}
    engine.client.networks.get("apps").connect("shop")
    assert [network.name for network in by_name(source)["shop"].networks] == ["bridge", "apps"]
    engine.client.networks.get("apps").disconnect("shop")
    assert [network.name for network in by_name(source)["shop"].networks] == ["bridge"]
    engine.set_healthy("shop", False)
    engine.wait_healthy("shop", "unhealthy")
    assert by_name(source)["shop"].health is Health.UNHEALTHY
    engine.container("shop").pause()
    assert by_name(source)["shop"].state is State.PAUSED
    assert len(inspections) == 6


def test_life(engine, source, watch):
    """Start, pause, unpause, rename, stop, start and removal each wake and are seen."""
    watcher = watch(source)
    id = engine.run("web")
    watcher.wait_state(id, State.RUNNING)
    container = engine.container("web")
    container.pause()
    watcher.wait_state(id, State.PAUSED)
    container.unpause()
    watcher.wait_state(id, State.RUNNING)
    container.rename("shop")
    becomes(source, watcher, id, lambda found: found.name == "shop", "the new name")
    container.stop(timeout=5)
    watcher.wait_state(id, State.EXITED)
    assert by_name(source) == {}
    container.start()
    watcher.wait_state(id, State.RUNNING)
    assert set(by_name(source)) == {"shop"}
    before = len(watcher.wakes)
    container.remove(force=True)
    watcher.wait_for(id, since=before)
    gone = becomes(source, watcher, id, lambda found: found.state is State.EXITED, "its end")
    assert gone.name == "shop"
    assert watcher.errors == []


def test_not_up(engine, source):
    """Created and ended containers are not listed; asked for, they are what they are."""
    created = engine.client.containers.create(PLAIN_IMAGE, name="new").id
    ended = engine.run("done", command="true")
    wait_until(lambda: engine.container("done").status == "exited", 10, "its end")
    assert by_name(source) == {}
    assert source.workload(created).state is State.CREATED
    assert source.workload(ended).state is State.EXITED
    assert source.workload("0" * 64) is None


def test_health(engine, source, watch):
    """A HEALTHCHECK that fails and recovers wakes and is seen."""
    watcher = watch(source)
    id = engine.run("web", healthcheck=health_check())
    becomes(source, watcher, id, lambda w: w.health is Health.HEALTHY, "health")
    before = len(watcher.wakes)
    engine.set_healthy("web", False)
    watcher.wait_for(id, since=before)
    assert source.workload(id).health is Health.UNHEALTHY
    before = len(watcher.wakes)
    engine.set_healthy("web", True)
    watcher.wait_for(id, since=before)
    assert source.workload(id).health is Health.HEALTHY


def test_restart_with_another_port(engine, source, watch):
    """After a restart that gave another published port, that one is seen."""
    id = engine.run("web", ports={"8000/tcp": None})
    watcher = watch(source)
    [port] = by_name(source)["web"].ports
    engine.container("web").stop(timeout=5)
    # The engine hands out ports in turn.
    engine.run("other", ports={"8000/tcp": None})
    engine.container("web").start()
    expected = engine.host_port("web")
    assert expected != port.bindings[0].port

    def moved(workload):
        return [p.bindings[0].port for p in workload.ports if p.bindings] == [expected]

    becomes(source, watcher, id, moved, "the new port")
    assert moved(by_name(source)["web"])


def test_networks(engine, source, watch):
    """Connecting to a network, and leaving it, wakes and is seen."""
    engine.network("apps")
    id = engine.run("web")
    watcher = watch(source)
    engine.client.networks.get("apps").connect("web")
    becomes(source, watcher, id, lambda w: len(w.networks) == 2, "two networks")
    engine.client.networks.get("bridge").disconnect("web")
    becomes(source, watcher, id, lambda w: [n.name for n in w.networks] == ["apps"], "one network")


def test_crash_loop(engine, source, watch):
    """A container that crashes and is started again and again is restarting, in the list too."""
    watcher = watch(source)
    policy = {"Name": "always"}
    id = engine.run("crash", command=["sh", "-c", "exit 1"], restart_policy=policy)
    watcher.wait_state(id, State.RESTARTING)
    wait_until(lambda: by_name(source)["crash"].state is State.RESTARTING, 10, "restarting")


def test_stop(engine, source, watch):
    """Between the stop signal and its end a container is stopping."""
    command = ["sh", "-c", "trap 'touch /tmp/stopped' TERM; while true; do sleep 0.1; done"]
    id = engine.run("slow", command=command)
    watcher = watch(source)
    by_name(source)
    stopper = threading.Thread(target=lambda: engine.container("slow").stop(timeout=4))
    stopper.start()
    watcher.wait_state(id, State.STOPPING)
    assert by_name(source)["slow"].state is State.STOPPING
    stopper.join(30)
    watcher.wait_state(id, State.EXITED)


def test_own_stop_signal(engine, source, watch):
    """The container's own stop signal counts, and no other one."""
    command = ["sh", "-c", "trap : TERM QUIT; while true; do sleep 0.1; done"]
    id = engine.run("web", command=command, stop_signal="SIGQUIT")
    watcher = watch(source)
    for signal, state in (("TERM", State.RUNNING), ("QUIT", State.STOPPING)):
        before = len(watcher.wakes)
        engine.container("web").kill(signal=signal)
        watcher.wait_for(id, since=before)
        assert source.workload(id).state is state


def test_burst(engine, source, watch):
    """After many starts and ends at once, events have reported all of them."""
    watcher = watch(source)
    ids = [engine.run(f"c{number}", command="sleep 60", image=PLAIN_IMAGE) for number in range(12)]
    for number in range(0, 12, 2):
        engine.remove(f"c{number}")
    for id in ids:
        watcher.wait_for(id)
    assert set(by_name(source)) == {f"c{number}" for number in range(1, 12, 2)}
    for number, id in enumerate(ids):
        expected = State.RUNNING if number % 2 else State.EXITED
        watcher.wait_state(id, expected)


@pytest.mark.parametrize("end", ["restart", "kill"])
def test_engine_goes_and_comes(engine, source, watch, end):
    """While the engine is away nothing is concluded; afterwards all is seen, and watched again."""
    stays, goes = engine.run("stays"), engine.run("goes")
    watcher = watch(source)
    assert set(by_name(source)) == {"stays", "goes"}
    engine.stop() if end == "restart" else engine.kill()
    with pytest.raises(syncer.TemporaryError):
        source.workloads()
    with pytest.raises(syncer.TemporaryError):
        source.workload(stays)
    before = len(watcher.wakes)
    engine.start()
    watcher.wait_for(None, since=before, deadline=20)
    assert set(by_name(source)) == {"stays", "goes"}
    before = len(watcher.wakes)
    engine.container("goes").kill()
    watcher.wait_for(goes, since=before)
    assert source.workload(goes).state is State.EXITED
    assert set(by_name(source)) == {"stays"}


def test_nothing_is_lost_between_streams(engine, make_source, watch):
    """Events missed while the stream is broken arrive when it is reopened."""
    id = engine.run("web")
    gate, streams = threading.Event(), []

    class Client(DockerClient):
        def events(self, since):
            if streams:
                gate.wait(20)
            streams.append(super().events(since))
            return streams[-1]

    source = make_source(engine.address, client=Client)
    watcher = watch(source)
    by_name(source)
    streams[0].close()
    engine.remove("web")
    gate.set()
    assert watcher.wait_state(id, State.EXITED).name == "web"


def test_frozen_engine(engine, make_source):
    """An engine that hangs is a temporary error after the timeout, and a watch of it can end."""
    source = make_source(engine.address, timeout=timedelta(seconds=3))
    source.workloads()
    engine.freeze()
    try:
        with pytest.raises(syncer.TemporaryError, match="timed out"):
            source.workloads()
        with pytest.raises(syncer.TemporaryError, match="timed out"):
            source.watch(lambda id: None, threading.Event())
    finally:
        engine.thaw()
    assert wait_until(source.workloads, 10, "an answer", ignore=(syncer.TemporaryError,))
