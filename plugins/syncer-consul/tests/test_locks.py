"""Locks on a real agent: who is gone without a word is followed when the session has run out."""

from datetime import timedelta

import pytest

from servers.faultproxy import FaultProxy
from syncer import Context, TemporaryError
from syncer.testing import wait_until
from syncer_consul import KvOptions
from syncer_consul.kv.sink import ConsulKvSink
from syncer_consul.locks import PLACE

#: The shortest that Consul takes; it ends a session after twice that at the latest.
TTL = timedelta(seconds=10)


@pytest.fixture
def pair(clean_kv):
    """Two sinks at one agent."""
    options = KvOptions(address=clean_kv.url)
    sinks = [ConsulKvSink(options, Context(name="consulkv")) for _ in range(2)]
    yield sinks
    for sink in sinks:
        sink.close()


def test_it_runs_out(pair):
    """A lock that nobody keeps is free when its session has ended."""
    one, two = pair
    assert one.locks.take("a", TTL)
    assert not two.locks.take("a", TTL)
    wait_until(lambda: two.locks.take("a", TTL), 60, "the lock runs out")
    assert not one.locks.take("a", TTL)


def test_it_lives_while_it_is_kept(pair, clean_kv):
    """Keeping makes no other session, and the key stays as it was written."""
    one, two = pair
    one.locks.take("a", TTL)
    before = clean_kv.entries(PLACE)
    for _ in range(20):
        assert one.locks.take("a", TTL)
        assert not two.locks.take("a", TTL)
    assert clean_kv.entries(PLACE) == before
    assert len(clean_kv.sessions()) == 1


def test_a_session_that_somebody_ended_is_no_lock(pair, clean_kv):
    """It is taken anew if it is free."""
    one, two = pair
    one.locks.take("a", TTL)
    for session in clean_kv.sessions():
        clean_kv.api.put(f"session/destroy/{session}")
    assert two.locks.take("a", TTL)
    assert not one.locks.take("a", TTL)


def test_a_key_that_somebody_removed_is_written_again(pair, clean_kv):
    """By who asks first: there is one holder again."""
    one, two = pair
    one.locks.take("a", TTL)
    clean_kv.kv_delete(f"{PLACE}a")
    assert two.locks.take("a", TTL)
    assert not one.locks.take("a", TTL)


def test_one_failed_request_does_not_lose_it(clean_kv, clean_consul, open_kv):
    """Who could not ask in between still has the lock, by the same session."""
    proxy = FaultProxy(clean_consul.address)
    sink = open_kv(f"http://{proxy.address}")
    assert sink.locks.take("a", TTL)
    before = clean_kv.sessions()
    proxy.set(cut=True)
    with pytest.raises(TemporaryError):
        sink.locks.take("a", TTL)
    proxy.heal()
    assert sink.locks.take("a", TTL)
    assert clean_kv.sessions() == before
    proxy.close()
