"""The sink worked by the engine, as it is in production, on real servers."""

from contextlib import contextmanager
from time import monotonic

import pytest

from servers.squatters import Squatted
from servers.waiting import wait_until
from syncer import Engine, Offer
from syncer.engine.engine import SourcePart
from syncer.testing import FakeSource, make_workload

PLAIN = ["json", "registrator"]


def container(name, host="host1", address="10.0.0.5"):
    """A container that offers a service of its name, known by its host's name."""
    offer = Offer(service=name, port=8080, register_address=address, register_port=8080)
    return make_workload(name, scope=host, id=f"{host}-{name}", offers=(offer,))


class Host:
    """A host with a source, a sink, and the engine between them."""

    def __init__(self, sink, name="host1", *containers):
        self.source = FakeSource(*containers, scope=name)
        self.engine = Engine({"kit": SourcePart(source=self.source)}, {"etcd": sink})

    def cycle(self):
        """One cycle and one renewal; returns how many changes it made. None may fail."""
        report = self.engine.reconcile()["etcd"]
        assert not report.failed
        return report.applied

    @contextmanager
    def running(self):
        """The engine in its threads, until the block ends."""
        self.engine.start()
        try:
            yield
        finally:
            self.engine.stop()


def services(server, prefix="/services/"):
    """The keys that consumers see."""
    return set(server.api.values(prefix))


@pytest.mark.parametrize("layout", PLAIN)
def test_a_thousand_cycles_leave_one_lease(clean_etcd, open_sink, layout):
    """Listing, planning, renewing, writing now and then: one lease, for all entries and twins."""
    host = Host(open_sink(clean_etcd.address, layout=layout), "host1", container("web"))
    assert host.cycle() == 1
    leases = clean_etcd.api.leases()
    assert len(leases) == 1
    for turn in range(1, 1000):
        changed = turn % 10 == 0
        if changed:
            host.source.put(container("web", address=f"10.0.1.{turn // 10}"))
        assert host.cycle() == changed
    assert clean_etcd.api.leases() == leases
    assert {int(entry["lease"]) for entry in clean_etcd.api.entries().values()} == leases


@pytest.mark.parametrize("layout", PLAIN)
def test_two_hosts_under_one_prefix(clean_etcd, open_sink, layout):
    """Of two syncers with one owner, neither ever writes or removes a key of the other's."""
    one, two = (
        Host(open_sink(clean_etcd.address, layout=layout), name) for name in ("host1", "host2")
    )

    def untouched(cycle, other):
        """Run a cycle; the other host's entries and twins must stay, to the last revision."""
        before = of_host(other)
        cycle()
        assert of_host(other) == before

    def of_host(name):
        entries = clean_etcd.api.entries()
        return {key: entry for key, entry in entries.items() if f"/{name}:" in key}

    for turn in range(12):
        for host, name, other in ((one, "host1", "host2"), (two, "host2", "host1")):
            host.source.put(container(f"c{turn}", name))
            if turn % 3 == 2:
                host.source.remove(f"{name}-c{turn - 1}")
            untouched(host.cycle, other)
    kept = {f"c{turn}" for turn in range(12) if turn % 3 != 1}
    for name in ("host1", "host2"):
        names = {key.split(":")[1] for key in of_host(name)}
        assert names == kept
    one.source.remove(*(f"host1-{name}" for name in kept))
    untouched(one.cycle, "host2")
    assert of_host("host1") == {}
    assert len(clean_etcd.api.leases()) == 2


@pytest.mark.parametrize("layout", ["json", "registrator", "skydns"])
def test_an_id_that_another_host_gave_away(clean_etcd, open_sink, layout):
    """Its own container gets it, though the other was first, and each host leaves it at that."""
    sinks = [open_sink(clean_etcd.address, layout=layout) for _ in range(2)]
    assert Squatted(*sinks).settled() == ("10.0.0.5", "host2")


def test_partition_longer_than_the_lease(start_etcd, open_sink):
    """All entries run out while etcd is away; when it is back so are they, on one lease."""
    server = start_etcd()
    containers = [container(f"web{n}") for n in range(50)]
    host = Host(open_sink(server.address, ttl=5, timeout=1.0), "host1", *containers)
    with host.running():
        wait_until(lambda: len(services(server)) == 50, 20, "all are registered")
        (lease,) = server.api.leases()
        server.freeze()
        end = monotonic() + 6  # etcd's clock goes on while it is stopped
        wait_until(lambda: monotonic() > end, 30, "the lease's length goes by")
        server.thaw()
        wait_until(lambda: lease not in server.api.leases(), 30, "the lease runs out")
        wait_until(lambda: len(services(server)) == 50, 30, "all are back")
        wait_until(lambda: len(server.api.leases()) == 1, 30, "they hang on one lease")
        host.source.remove("host1-web0")
        wait_until(lambda: len(services(server)) == 49, 30, "changes are followed")


def test_leader_and_member_lost_under_way(clean_etcd_cluster, open_sink):
    """While services come and go, the leader hands over and a member dies: nothing is missed."""
    cluster = clean_etcd_cluster
    host = Host(open_sink(*cluster.addresses, ttl=20, timeout=3.0), "host1", container("first"))

    def follows(names):
        keys = {f"/services/{name}/host1:{name}:8080" for name in names}
        # A member that has no leader for a moment answers with an error.
        wait_until(
            lambda: services(cluster) == keys, 40, f"{names} are registered", ignore=(OSError,)
        )

    with host.running():
        follows(["first"])
        cluster.move_leader()
        host.source.put(container("second"))
        follows(["first", "second"])
        lost = cluster.wait_leader()
        lost.kill()
        host.source.put(container("third"))
        host.source.remove("host1-first")
        cluster.wait_leader()
        follows(["second", "third"])
        lost.start()
        host.source.remove("host1-second")
        follows(["third"])
        assert len(cluster.api.leases()) == 1


def test_revoked_lease_under_way(clean_etcd, open_sink):
    """A lease that an operator revokes takes all entries along; they are back at once."""
    containers = [container(f"web{n}") for n in range(20)]
    host = Host(open_sink(clean_etcd.address, layout="registrator"), "host1", *containers)
    with host.running():
        wait_until(lambda: len(services(clean_etcd)) == 20, 20, "all are registered")
        (lease,) = clean_etcd.api.leases()
        clean_etcd.api.revoke(lease)
        wait_until(lambda: clean_etcd.api.leases() - {lease}, 20, "another lease")
        wait_until(lambda: len(services(clean_etcd)) == 20, 20, "all are back")
        assert len(services(clean_etcd, "/syncer/")) == 20
    assert len(clean_etcd.api.leases()) == 1
