"""Servers that are broken on purpose, one `syncer run` for each module, and the results."""

import json
import os
import sys
from pathlib import Path

import pytest

from servers.faultbench import Bench
from servers.hosts import FakeHost, RealHost
from servers.registries import ConsulKvView, ConsulView, EtcdView, EurekaView, ZooKeeperView
from servers.syncer_fixtures import start_syncer

__all__ = ["start_syncer"]


@pytest.fixture(scope="session")
def consul(server_guard, _consul_program):
    """A Consul that keeps its data when it is killed, unlike the one of other tests."""
    agent = _consul_program.Consul(server_guard, "faults-consul", persistent=True)
    agent.start()
    yield agent
    agent.kill()


@pytest.fixture(scope="session")
def eureka(server_guard, _eureka_program):
    """An Eureka whose lists are never older than a second.

    Otherwise one that is read while it changes may stay as it was for three minutes.
    """
    fresh = {"eureka.server.response-cache-auto-expiration-in-seconds": "1"}
    server = _eureka_program.Eureka(server_guard, "faults-eureka", properties=fresh)
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="session")
def zookeeper(server_guard, _zookeeper_program):
    """A ZooKeeper whose sessions last as long as usual, 40 s at most, not 10 s."""
    server = _zookeeper_program.ZooKeeper(server_guard, "faults-zookeeper", tick=2.0)
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="session")
def views(consul, etcd, eureka):
    """The three registries."""
    return ConsulView(consul), EtcdView(etcd), EurekaView(eureka)


@pytest.fixture(params=["consul", "consulkv", "etcd", "eureka", "zookeeper"])
def view(request):
    """An empty registry of one kind, but for a foreign entry."""
    kinds = {
        "consul": (ConsulView, "consul"),
        "consulkv": (ConsulKvView, "consul"),
        "etcd": (EtcdView, "etcd"),
        "eureka": (EurekaView, "eureka"),
        "zookeeper": (ZooKeeperView, "zookeeper"),
    }
    make, fixture = kinds[request.param]
    server = request.getfixturevalue(fixture)
    server.clean()
    made = make(server)
    made.add_foreign()
    yield made
    server.clean()
    if fixture == "consul":
        server.api.request("DELETE", "kv/", recurse="1")


@pytest.fixture(scope="module")
def fake_host(server_guard, request):
    """A made-up engine of the module's own."""
    from servers.fake import FakeDocker

    name = f"fake-{Path(request.path).stem.removeprefix('test_')}"
    engine = FakeDocker(server_guard, name, containers=0, host_port=32000)
    engine.start()
    yield FakeHost(engine)
    engine.stop()


@pytest.fixture(scope="module")
def real_host(docker_engine):
    """The real engine, without other containers."""
    docker_engine.clean()
    yield RealHost(docker_engine)
    docker_engine.clean()


@pytest.fixture(scope="module")
def start_bench(server_guard, views, request):
    """A function: `start_bench(host) -> Bench`; one for each module."""
    started = []

    def start(host):
        name = f"syncer-{Path(request.path).stem.removeprefix('test_')}"
        started.append(Bench(server_guard, name, host, views))
        return started[-1]

    yield start
    for bench in started:
        bench.close()
        sys.stdout.write(f"{bench.syncer.tail()}\n")  # shown with a failure


@pytest.fixture
def bench(running):
    """The module's `running` bench with everything right; a test that fails spoils no other."""
    running.note_log()
    yield running
    running.heal()
    try:
        running.settle(deadline=20)
    except AssertionError:
        running.begin_anew()


class Results:
    """How long it took until all was right again, for the table in docs/proofs.md."""

    def __init__(self):
        self.rows = []

    def add(self, request, fault, promise, seconds_by_sink, **more):
        """One row for each sink; the test is found by its name."""
        test = f"{Path(request.path).name}::{request.node.originalname}"
        for sink, seconds in seconds_by_sink.items():
            row = {"fault": fault, "sink": sink, "promise": promise, "test": test}
            self.rows.append({**row, "seconds": round(seconds, 2), **more})


@pytest.fixture(scope="session")
def results():
    """Rows; at the end they are added to the file that SYNCER_FAULT_RESULTS names, one a line."""
    found = Results()
    yield found
    if path := os.environ.get("SYNCER_FAULT_RESULTS"):
        with open(path, "a", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in found.rows)
