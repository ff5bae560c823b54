"""Reloads where entries live by a session or by heartbeats, with a lock, and of mirrors.

Each on real servers, beside a witness that asks the registry all the while. `test_reload` has what
Docker, Consul and etcd add to it.
"""

from collections.abc import Callable

import attrs
import pytest

from servers.reloading import listed, told, witness
from servers.waiting import wait_until

__all__ = ["told", "witness"]

#: Seconds between two questions of a witness.
OFTEN = 0.005
#: The shortest that a lease of etcd's may live, in seconds.
LEASE = 5


@attrs.frozen
class Registry:
    """A registry where an entry goes unless somebody keeps it.

    `sink` is the sink's table, `look` what everybody sees there, each entry once, and `lives` the
    seconds after which nothing of it is left at the latest.
    """

    sink: str
    look: Callable[[], list[str]]
    lives: float

    def wait(self, count):
        """Wait until so many entries are there; returns them."""

        def there():
            found = self.look()
            return len(found) == count and found

        return wait_until(there, 60, f"{count} entries", ignore=(OSError,))


class OutlivesReloads:
    """What holds for each such registry."""

    def test_an_entry_outlives_reloads(self, told, witness, tmp_path, registry):
        """Whoever asks finds it once, at any moment, beyond the time for which it would live."""
        text = listed(tmp_path, "web") + registry.sink
        syncer = told.start(text)
        entries = registry.wait(1)
        seen = witness(registry.look, entries, OFTEN)
        told.reload_for(1.2 * registry.lives, text)
        assert seen.finish() == []
        assert len(syncer.said("registered")) == 1
        assert not syncer.said("deregistered")
        listed(tmp_path, "web", "db")
        assert set(registry.wait(2)) > set(entries)


class TestZooKeeper(OutlivesReloads):
    """Nodes of a session: each configuration has one of its own."""

    @pytest.fixture
    def registry(self, clean_zookeeper):
        """A session may last 1 to 10 s there; a server counts it in steps of 0.5 s."""
        session = 4
        return Registry(
            f'[sinks.zookeeper]\nservers = ["{clean_zookeeper.address}"]\nsession = "{session}s"\n',
            lambda: sorted(clean_zookeeper.values("/services")),
            session + 1,
        )


class TestConsulKv(OutlivesReloads):
    """Keys of a session that every configuration finds again."""

    @pytest.fixture
    def registry(self, clean_consul):
        """Of the shortest session; Consul ends it after twice its length at the latest."""
        session = 10
        return Registry(
            f'[sinks.consulkv]\naddress = "{clean_consul.address}"\nprefix = "reloads"\n'
            f'session = "{session}s"\n',
            lambda: sorted(clean_consul.api.get("kv/reloads/", keys="")),
            2 * session,
        )


class TestEureka(OutlivesReloads):
    """Instances that live by heartbeats."""

    @pytest.fixture
    def registry(self, clean_eureka):
        """The server looks each second; of what was ever renewed it takes a lease for twice."""
        lease = 4
        return Registry(
            f'[sinks.eureka]\nurls = ["{clean_eureka.url}"]\ncache_delay = "0s"\ntimeout = "1s"\n'
            f'renewal_interval = "1s"\nlease_duration = "{lease}s"\n',
            lambda: sorted(one["instanceId"] for one in clean_eureka.api.instances()),
            2 * lease + 1,
        )


def test_a_swarm_with_a_lock(told, witness, clean_swarm, clean_consul):
    """The lock is had again by each configuration: tasks stay, and what is scaled follows."""
    clean_swarm.overlay("front")
    service = clean_swarm.service(
        "web", replicas=2, networks=["front"], labels={"syncer.web.port": "8000"}
    )
    clean_swarm.wait_tasks("web", 2)
    text = (
        f'[sources.swarm]\nendpoint = "{clean_swarm.address}"\npoll = "200ms"\n'
        f"addresses.internal = true\n"
        f'[sinks.consul]\naddress = "{clean_consul.address}"\nlock = "reloads"\nlock_ttl = "10s"\n'
    )
    syncer = told.start(text)

    def fit():
        return sorted(clean_consul.api.passing_ids("web"))

    wait_until(lambda: len(fit()) == 2, 60, "both tasks to be fit for use")
    seen = witness(fit, fit(), OFTEN)
    for number in range(2, 7):
        told.reload(told.other(text))
        syncer.wait_said("became leader", count=number)
    assert seen.finish() == []
    assert len(syncer.said("registered")) == 2
    assert not syncer.said("deregistered")
    assert not syncer.said("became standby")
    clean_swarm.scale(service, 3)
    third = "web.3:8000"
    wait_until(lambda: any(id_.endswith(third) for id_ in fit()), 60, "the third task to be there")


def test_a_mirror(told, witness, clean_consul, clean_etcd):
    """What was copied outlives its lease while it reloads, and what changes later is copied."""
    api = clean_consul.api
    api.register({"ID": "web-1", "Name": "web", "Address": "192.0.2.7", "Port": 8080})
    text = (
        f'[sources.consul]\naddress = "{clean_consul.address}"\n'
        f'[sinks.etcd]\nendpoints = ["{clean_etcd.address}"]\n'
        f'prefix = "/services"\nttl = "{LEASE}s"\n'
    )
    syncer = told.start(text)

    def copied():
        return clean_etcd.api.values("/services/")

    web = {"/services/web/web-1": "192.0.2.7:8080"}
    wait_until(lambda: copied() == web, 60, "web to be copied")
    seen = witness(copied, web, OFTEN)
    told.reload_for(1.5 * LEASE, text)
    assert seen.finish() == []
    assert len(syncer.said("registered")) == 1
    assert not syncer.said("updated")
    api.register({"ID": "db-1", "Name": "db", "Address": "192.0.2.8", "Port": 5432})
    both = {**web, "/services/db/db-1": "192.0.2.8:5432"}
    wait_until(lambda: copied() == both, 60, "db to be copied")
    assert not syncer.said("deregistered")
    api.deregister("web-1")
    wait_until(lambda: set(copied()) == both.keys() - web.keys(), 60, "web to go")
