"""Locks on a real server: who is gone without a word is followed after the lock's length."""

from datetime import timedelta

import pytest

from servers.faultproxy import FaultProxy
from servers.waiting import wait_until
from syncer import Context, Engine, Lock, SinkPart, TemporaryError
from syncer.testing import FakeSource, make_workload
from syncer_etcd import EtcdOptions
from syncer_etcd.locks import PLACE
from syncer_etcd.sink import EtcdSink

TTL = timedelta(seconds=60)


@pytest.fixture
def pair(clean_etcd, open_sink):
    """Two sinks at one server."""
    return open_sink(clean_etcd.address), open_sink(clean_etcd.address)


def test_it_runs_out(pair, clean_etcd):
    """A lock that nobody keeps is free after its length, and not before."""
    one, two = pair
    assert one.locks.take("a", timedelta(seconds=8))
    assert not two.locks.take("a", TTL)
    (lease,) = clean_etcd.api.leases()
    wait_until(lambda: two.locks.take("a", TTL), 30, "the lock runs out")
    assert lease not in clean_etcd.api.leases()
    assert not one.locks.take("a", TTL)


def test_it_lives_while_it_is_kept(pair, clean_etcd):
    """Keeping makes no other lease, and the key stays as it was written."""
    one, two = pair
    one.locks.take("a", TTL)
    before = clean_etcd.api.entries(PLACE)
    for _ in range(50):
        assert one.locks.take("a", TTL)
        assert not two.locks.take("a", TTL)
    assert clean_etcd.api.entries(PLACE) == before
    assert len(clean_etcd.api.leases()) == 1


def test_a_key_that_somebody_removed_is_written_again(pair, clean_etcd):
    """By who asks first: there is one holder again."""
    one, two = pair
    one.locks.take("a", TTL)
    clean_etcd.api.delete(f"{PLACE}a")
    assert two.locks.take("a", TTL)
    assert not one.locks.take("a", TTL)


def test_a_lease_that_somebody_revoked_is_no_lock(pair, clean_etcd):
    """It is taken anew if it is free."""
    one, two = pair
    one.locks.take("a", TTL)
    for lease in clean_etcd.api.leases():
        clean_etcd.api.revoke(lease)
    assert one.locks.take("a", TTL)
    assert not two.locks.take("a", TTL)


def test_one_failed_request_does_not_lose_it(clean_etcd, open_sink):
    """Who could not ask in between still has the lock, by the same lease."""
    proxy = FaultProxy(clean_etcd.address)
    sink = open_sink(proxy.address)
    assert sink.locks.take("a", TTL)
    before = clean_etcd.api.leases()
    proxy.set(cut=True)
    with pytest.raises(TemporaryError):
        sink.locks.take("a", TTL)
    proxy.heal()

    def answer():
        return (sink.locks.take("a", TTL),)

    assert wait_until(answer, 30, "an answer", ignore=(TemporaryError,)) == (True,)
    assert clean_etcd.api.leases() == before
    proxy.close()


class Unhurried(EtcdSink):
    """Writes one by one, each once its lock was asked for again, or 30 s have passed."""

    def __init__(self, options, context):
        super().__init__(options, context)
        self.asked, take = 0, self.locks.take

        def counted(name, ttl):
            has = take(name, ttl)
            self.asked += 1
            return has

        self.locks.take = counted

    def apply(self, changes):
        for change in changes:
            before = self.asked
            wait_until(lambda before=before: self.asked > before, 30, "the lock is kept meanwhile")
            yield from super().apply([change])


def test_a_single_cycle_keeps_its_lock_while_it_writes(clean_etcd, open_sink):
    """One that writes for as long as its lock lasts writes all of it, and is still the only one."""
    options = EtcdOptions(endpoints=(clean_etcd.address,), layout="json")
    sink, other = Unhurried(options, Context(name="etcd")), open_sink(clean_etcd.address)
    lock = Lock(name="a", ttl=timedelta(seconds=9))
    source = FakeSource(make_workload("web"), make_workload("db"), make_workload("cache"))
    engine = Engine({"kit": source}, {"etcd": SinkPart(sink=sink, lock=lock)})
    report = engine.reconcile()["etcd"]
    assert (report.applied, dict(report.failed), report.plan.skipped) == (3, {}, ())
    assert not other.locks.take("a", TTL)
    asked = sink.asked
    engine.stop()
    assert other.locks.take("a", TTL)
    assert sink.asked == asked
