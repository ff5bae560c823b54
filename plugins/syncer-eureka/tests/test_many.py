"""A thousand instances on a real server: renewed in time, evenly, over few connections."""

from collections import Counter

from servers.waiting import wait_until
from syncer import Register
from syncer.engine.engine import Engine
from syncer.testing import FakeSource, ManualClock, make_instance, make_registration, make_workload

MANY = 1000
INTERVAL = 30
CONNECTIONS = 4


def register(sink):
    """Write all of them; returns what is held."""
    new = [
        Register(make_registration(sink.adjust(make_instance(f"s{n % 50}", 2000 + n))))
        for n in range(MANY)
    ]
    outcomes = list(sink.apply(new))
    assert [one.error for one in outcomes if one.error] == []
    return [one.registration for one in outcomes]


def renewals(server):
    """When the server renewed each instance last, by id."""
    return {
        one["instanceId"]: one["leaseInfo"]["lastRenewalTimestamp"]
        for one in server.api.instances()
    }


def test_renewed_for_ten_minutes(clean_eureka, open_sink):
    """Simulated time, real heartbeats: every instance once in each interval, evenly spread."""
    sink = open_sink(clean_eureka.url, connections=CONNECTIONS)
    clock = ManualClock()
    sink._renewer._clock = clock
    held = register(sink)
    before = renewals(clean_eureka)
    load, beats = Counter(), Counter()
    heartbeat = sink._api.heartbeat

    def counting(place, status, dirty):
        load[clock.now] += 1
        beats[place.instance_id] += 1
        return heartbeat(place, status, dirty)

    sink._api.heartbeat = counting
    for _ in range(600):
        clock.advance(1)
        assert sink.renew(held) == []
    assert set(beats) == {one.id for one in held}
    # The first comes up to one and a half intervals after the registration.
    assert set(beats.values()) == {19, 20}
    average = MANY / INTERVAL
    assert max(load.values()) < 2 * average
    settled = [load[now] for now in range(1061, 1601)]
    assert min(settled) > average / 3
    assert sum(server.http._pool.num_connections for server in sink._api.servers) <= CONNECTIONS
    after = renewals(clean_eureka)
    assert all(before[one.id] < after[one.id] for one in held)


def test_all_are_back_after_the_server_lost_them(start_eureka, open_sink):
    """A server restarted empty: heartbeats tell, and the engine writes all of them again."""
    server = start_eureka()
    sink = open_sink(server.url, renewal_interval=3, lease_duration=60, timeout=3)
    source = FakeSource(*(make_workload(f"s{n}") for n in range(MANY)))
    with Engine({"kit": source}, {"eureka": sink}, interval=60):
        wait_until(lambda: len(server.api.instances()) == MANY, 60, "all are registered")
        server.restart_empty()
        wait_until(lambda: len(server.api.instances()) == MANY, 90, "all are back")
