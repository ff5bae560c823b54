"""A cluster of three: members that go, come, hang and hand over are survived."""

from threading import Event, Thread

import pytest

from servers.faultproxy import FaultProxy
from syncer import Register, TemporaryError
from syncer.testing import make_instance, make_registration, wait_until


def new(sink, name, port=80):
    return make_registration(sink.adjust(make_instance(name, port)))


def ids(sink):
    return {registration.id for registration in sink.registrations().items}


class Watch:
    """A watch that is begun again when it breaks off, as by the engine."""

    def __init__(self, sink):
        self.count, self.stop, self._sink = 0, Event(), sink
        self.thread = Thread(target=self._run, daemon=True)
        self.thread.start()
        wait_until(lambda: self.count, 20, "the watch begins")

    def _run(self):
        while not self.stop.is_set():
            try:
                self._sink.watch(self._wake, self.stop)
            except TemporaryError:
                self.stop.wait(0.2)

    def _wake(self):
        self.count += 1

    def after(self, do, within=40):
        before = self.count
        do()
        wait_until(lambda: self.count > before, within, "a wake")


@pytest.fixture
def cluster(clean_etcd_cluster):
    return clean_etcd_cluster


@pytest.fixture
def sink(cluster, open_sink):
    return open_sink(*cluster.addresses, ttl=60, timeout=6)


@pytest.fixture
def watch(sink):
    running = Watch(sink)
    yield running
    running.stop.set()
    running.thread.join(30)


def written(sink, name):
    """Write one, however often it takes; a repetition may find that it was written before."""

    def write():
        (outcome,) = sink.apply([Register(new(sink, name))])
        return outcome.error is None or (
            not isinstance(outcome.error, TemporaryError) and new(sink, name).id in ids(sink)
        )

    wait_until(write, 40, f"{name} is written")


def listed(sink):
    """The ids, as soon as the cluster answers."""

    def look():
        try:
            return sink.registrations()
        except TemporaryError:
            return None

    return {registration.id for registration in wait_until(look, 40, "a listing").items}


def test_leader_change(cluster, sink, watch):
    """When the leader hands over, writing, renewing and watching go on, with nothing lost."""
    held = sink.register(new(sink, "before"))
    cluster.move_leader()
    written(sink, "after")
    assert sink.renew([held]) == []
    assert len(cluster.api.leases()) == 1
    watch.after(lambda: cluster.api.put("/services/foreign/x", "{}"))
    assert listed(sink) >= {new(sink, "before").id, new(sink, "after").id}


@pytest.mark.parametrize("which", ["asked", "leader"])
def test_member_killed(cluster, sink, watch, which):
    """When the member that is asked, or the leader, crashes, the others are asked at once."""
    held = sink.register(new(sink, "before"))
    asked = sink._client._members.current().address
    lost = next(member for member in cluster.members if member.address == asked)
    if which == "leader":
        lost = cluster.wait_leader()
    lost.kill()
    cluster.wait_leader()
    written(sink, "after")
    assert wait_until(lambda: sink.renew([held]) == [], 20, "the lease is renewed")
    assert listed(sink) == {new(sink, "before").id, new(sink, "after").id}
    watch.after(lambda: cluster.api.put("/services/foreign/x", "{}"))
    lost.start()
    written(sink, "last")
    assert len(cluster.api.leases()) == 1


def test_member_that_hangs(cluster, sink):
    """A member that takes connections and does not answer costs a part of the deadline, once."""
    sink.register(new(sink, "before"))
    asked = sink._client._members.current().address
    frozen = next(member for member in cluster.members if member.address == asked)
    frozen.freeze()
    cluster_lives = [member for member in cluster.members if member is not frozen]
    wait_until(lambda: any(cluster_leads(m) for m in cluster_lives), 30, "another leader")
    assert listed(sink) == {new(sink, "before").id}
    assert sink._client._members.current().address != asked
    written(sink, "after")
    frozen.thaw()


def cluster_leads(member):
    said = member.api.request("maintenance/status")
    return said.get("leader", "0") != "0"


def test_majority_lost_and_back(cluster, sink):
    """Without a majority there is no answer, and never an empty one; then all is as before."""
    held = sink.register(new(sink, "before"))
    first, second = cluster.members[:2]
    first.kill()
    second.kill()
    with pytest.raises(TemporaryError):
        sink.registrations()
    with pytest.raises(TemporaryError):
        sink.renew([held])
    (outcome,) = sink.apply([Register(new(sink, "later"))])
    assert isinstance(outcome.error, TemporaryError)
    first.begin()
    second.begin()
    cluster.wait_leader()
    assert new(sink, "before").id in listed(sink)
    written(sink, "after")
    assert wait_until(lambda: sink.renew([held]) == [], 20, "the lease is renewed")


def test_first_endpoint_is_nobody(cluster, open_sink):
    """An endpoint where nothing listens is passed over, in the same call."""
    sink = open_sink("127.0.0.1:9", *cluster.addresses, timeout=6)
    sink.register(new(sink, "one"))
    assert ids(sink) == {new(sink, "one").id}


def test_a_half_open_line_is_left(clean_etcd, open_sink):
    """A line that swallows everything is left within seconds, however often syncer asks over it."""
    proxy = FaultProxy(clean_etcd.address)
    sink = open_sink(proxy.address, timeout=1.0)
    for _ in range(20):  # grpc measures the line
        sink.registrations()
    proxy.set(drop_requests=True, drop_answers=True)
    with pytest.raises(TemporaryError):
        sink.registrations()
    # The old connection stays silent from now on; new ones work.
    proxy.heal()
    assert listed(sink) == set()
    proxy.close()
