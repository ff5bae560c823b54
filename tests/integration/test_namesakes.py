"""Two hosts of one name, each with an engine and a syncer, write to one registry."""

import pytest

from servers import syncer as command
from servers.docker import DockerEngine
from servers.waiting import wait_until

#: Complete looks at engine and registry in which nothing may happen.
ROUNDS = 8


@pytest.fixture(scope="module")
def two_engines(server_guard):
    """Two engines of the module's own: their ids change."""
    engines = [DockerEngine(server_guard, name) for name in ("left", "right")]
    for engine in engines:
        engine.start()
    yield engines
    for engine in engines:
        engine.close()


@pytest.fixture
def engines(two_engines):
    """Both, without containers, and each with an id of its own."""
    for engine in two_engines:
        engine.clean()
    left, right = two_engines
    if left.identity == right.identity:
        right.install_anew()
    assert left.identity != right.identity
    yield two_engines
    for engine in two_engines:
        engine.clean()


class Consul:
    """One agent for all."""

    def __init__(self, server):
        self.server = server
        self.flags = ("--sink", f"consul=http://{server.address}")

    def ids(self):
        """What is registered: container and port by the end of each id."""
        return {id_.split(":", 1)[1] for id_ in self.server.api.services()}

    def owners(self):
        """The identity in each mark."""
        services = self.server.api.services().values()
        return {one["Meta"].get("syncer-identity", "") for one in services}

    def address(self, id_):
        """Where an entry leads to."""
        services = self.server.api.services().items()
        return next(one["Address"] for key, one in services if key.endswith(id_))


class Etcd:
    """One cluster for all, with short leases."""

    def __init__(self, server):
        self.server = server
        self.flags = ("--sink", f"etcd=http://{server.address}", "--set", "sinks.etcd.ttl=5s")
        self.flags += ("--set", "sinks.etcd.layout=json")

    def ids(self):
        """What is registered."""
        return {key.rpartition("/")[2].split(":", 1)[1] for key in self.server.api.values("")}


@pytest.fixture
def consul(clean_consul):
    """Consul as the registry."""
    return Consul(clean_consul)


@pytest.fixture
def etcd(clean_etcd):
    """etcd as the registry."""
    return Etcd(clean_etcd)


@pytest.fixture(params=["consul", "etcd"])
def registry(request):
    """Either."""
    return request.getfixturevalue(request.param)


def flags(engine, registry, *more, address="192.0.2.1"):
    """How each host's syncer is started: nothing says which host it is."""
    return (
        *("--source", f"docker={engine.address}", *registry.flags),
        *("--set", f"sources.docker.addresses.advertise={address}", "--set", "interval=1s", *more),
    )


def run(engine, name):
    """A container that publishes a port."""
    engine.run(name, ports={"8000/tcp": None}, labels={"SERVICE_NAME": "shop"})


def is_held(syncer, why):
    """The lines that say what is held back for this reason."""
    lines = syncer.said("change held back", why=why)
    return lines + [line for line in syncer.lines() if line.get("why") == why and line not in lines]


def wait_ids(registry, *ids):
    """Wait until exactly these are registered."""
    wait_until(lambda: registry.ids() == set(ids), 60, f"{ids} to be registered")


def after_cycles(*syncers):
    """Wait until each has looked at everything some more times."""
    counts = [len(syncer.said("cycle finished")) + ROUNDS for syncer in syncers]
    for syncer, count in zip(syncers, counts, strict=True):
        syncer.wait_said("cycle finished", count=count, deadline=90)


def test_both_stay_registered(engines, registry, start_syncer):
    """Each has its own entries, nobody removes the other's, and each is told of the other once."""
    left, right = engines
    run(left, "web-a")
    run(right, "web-b")
    one, two = (start_syncer("--verbose", *flags(engine, registry)) for engine in engines)
    wait_ids(registry, "web-a:8000", "web-b:8000")
    after_cycles(one, two)
    # Whatever else happens on either is followed.
    run(left, "more")
    wait_ids(registry, "web-a:8000", "web-b:8000", "more:8000")
    left.remove("more")
    wait_ids(registry, "web-a:8000", "web-b:8000")
    after_cycles(one, two)
    assert [line["id"].partition(":")[2] for line in one.said("deregistered")] == ["more:8000"]
    assert two.said("deregistered") == []
    assert [line["id"] for line in (*one.lines(), *two.lines()) if line.get("drift")] == []
    for syncer, other in ((one, right), (two, left)):
        (line,) = is_held(syncer, "namesake")
        assert (line["level"], other.identity in line["reason"]) == ("warning", True)
        assert "set sources.docker.scope" in line["reason"]


def test_one_name_for_containers_too(engines, registry, start_syncer):
    """The id is its first one's; the other's container is told as a conflict, and takes over."""
    left, right = engines
    run(left, "web")
    one = start_syncer(*flags(left, registry))
    wait_ids(registry, "web:8000")
    run(right, "web")
    run(right, "api")
    two = start_syncer(*flags(right, registry))
    wait_ids(registry, "web:8000", "api:8000")
    (line,) = two.wait_said("change held back", why="conflict")
    assert left.identity in line["reason"]
    left.remove("web")
    one.wait_said("deregistered")
    two.wait_said("registered", count=2)
    wait_ids(registry, "web:8000", "api:8000")


def test_clones_with_one_id(engines, registry, start_syncer):
    """Nothing tells them apart; they stop to remove what comes back, and say so."""
    left, right = engines
    right.clone_of(left)
    assert left.identity == right.identity
    run(left, "web-a")
    run(right, "web-b")
    one, two = (start_syncer("--verbose", *flags(engine, registry)) for engine in engines)
    wait_until(lambda: is_held(one, "contested") or is_held(two, "contested"), 60, "one to give up")
    wait_ids(registry, "web-a:8000", "web-b:8000")
    removed = len(one.said("deregistered")) + len(two.said("deregistered"))
    after_cycles(one, two)
    assert registry.ids() == {"web-a:8000", "web-b:8000"}
    assert len(one.said("deregistered")) + len(two.said("deregistered")) == removed
    assert all(line["level"] == "warning" for line in is_held(one, "contested"))


def test_an_engine_installed_anew(engines, consul, start_syncer):
    """What it registered before stays until somebody says that it was its own."""
    engine, _ = engines
    run(engine, "web")
    run(engine, "old")
    before, parts = engine.identity, flags(engine, consul)
    syncer = start_syncer(*parts)
    wait_ids(consul, "web:8000", "old:8000")
    syncer.stop()
    engine.install_anew()
    assert engine.identity != before
    run(engine, "web")
    parts = flags(engine, consul, address="192.0.2.9")
    syncer = start_syncer("--verbose", *parts)
    assert before in syncer.wait_said("change held back", why="namesake")[0]["reason"]
    syncer.wait_said("change held back", why="conflict")
    after_cycles(syncer)
    assert consul.ids() == {"web:8000", "old:8000"}
    assert consul.owners() == {before}
    told = command.command("doctor", *parts).stdout
    assert f"former_identities = ['{before}']" in " ".join(told.split())
    syncer.stop()
    parts = flags(
        *(engine, consul, "--set", f'sources.docker.former_identities=["{before}"]'),
        address="192.0.2.9",
    )
    start_syncer(*parts)
    wait_ids(consul, "web:8000")
    assert consul.owners() == {engine.identity}
    assert consul.address("web:8000") == "192.0.2.9"


def test_a_lease_ends_what_a_former_engine_left(engines, etcd, start_syncer):
    """Nobody renews it, so its ids are free soon."""
    engine, _ = engines
    run(engine, "web")
    run(engine, "old")
    # A lease that outlives the installation, however long that takes.
    parts = flags(engine, etcd, "--set", "sinks.etcd.ttl=10m")
    syncer = start_syncer(*parts)
    wait_ids(etcd, "web:8000", "old:8000")
    lease = etcd.server.api.lease_of(next(iter(etcd.server.api.values(""))))
    syncer.stop()
    engine.install_anew()
    run(engine, "web")
    syncer = start_syncer(*parts)
    syncer.wait_said("change held back", why="conflict")
    etcd.server.api.revoke(lease)
    syncer.wait_said("registered", deadline=60)
    wait_ids(etcd, "web:8000")


def test_an_engine_installed_anew_while_syncer_runs(engines, consul, start_syncer):
    """What this process registered for it before is its own."""
    engine, _ = engines
    run(engine, "web")
    run(engine, "old")
    syncer = start_syncer("--verbose", *flags(engine, consul))
    wait_ids(consul, "web:8000", "old:8000")
    engine.install_anew()
    run(engine, "new")
    wait_ids(consul, "new:8000")
    assert consul.owners() == {engine.identity}
    assert is_held(syncer, "namesake") == is_held(syncer, "conflict") == []
