"""A mirror of a large catalog: what a change costs, and that nothing is lost by reading less."""

import random
from datetime import timedelta

import pytest

from servers.faultproxy import FaultProxy
from servers.following import Follower, cost_of
from syncer import Context, Health
from syncer_consul import CatalogOptions
from syncer_consul.catalog import CatalogSource


@pytest.fixture
def proxy(clean_consul):
    made = FaultProxy(clean_consul.url.removeprefix("http://"), on_answer=lambda number: None)
    yield made
    made.close()


@pytest.fixture
def open_source(proxy):
    """Makes sources that read through the proxy."""
    opened = []

    def make():
        options = CatalogOptions(address=proxy.address, timeout=timedelta(seconds=5))
        opened.append(CatalogSource(options, Context(name="mirror")))
        return opened[-1]

    yield make
    for source in opened:
        source.close()


def checked(name, status="passing", **fields):
    check = {"CheckID": f"check-{name}", "TTL": "600s", "Status": status}
    return {"ID": name, "Name": name, "Port": 80, "Check": check, **fields}


class TestWhatACheckCosts:
    """A few small readings, however many services there are."""

    def costs(self, count, agent, proxy, source):
        """Bytes and answers of a check that fails and passes, beside so many services."""
        for number in range(count):
            agent.api.register({"ID": f"s{number}", "Name": f"s{number % 10}", "Port": 80})
        agent.api.register(checked("web"))
        with Follower(source) as follower:
            follower.until(lambda seen: len(seen) == count + 1)
            (id_,) = [one for one in follower.seen if one.endswith("/web")]
            # Each service tells the catalog when its agent has synced it: let that end.
            cost_of(lambda: None, proxy, settled=lambda: None)
            before, found = follower.listings, []
            for how, health in [("fail", Health.UNHEALTHY), ("pass", Health.HEALTHY)]:
                found.append(
                    cost_of(
                        lambda how=how: agent.api.put(f"agent/check/{how}/check-web"),
                        proxy,
                        settled=lambda health=health: follower.until(
                            lambda seen: seen[id_].health is health
                        ),
                    )
                )
            assert follower.listings == before
        return found

    def test_it_does_not_grow(self, clean_consul, proxy, open_source):
        """Beside three hundred services as beside ten."""
        few = self.costs(10, clean_consul, proxy, open_source())
        many = self.costs(300, clean_consul, proxy, open_source())
        for (least, answers), (most, more) in zip(few, many, strict=True):
            assert most < 2 * least + 1000
            assert more <= answers + 2


def some_change(rng, api):
    """Do something that others may do."""
    name = f"s{rng.randrange(5)}"
    if (kind := rng.randrange(10)) < 3:
        api.register(checked(name, rng.choice(["passing", "critical"]), Port=rng.randrange(1, 9)))
    elif kind < 4:
        api.deregister(name)
    elif kind < 5:
        api.put("agent/maintenance", enable=rng.choice(["true", "false"]))
    elif f"check-{name}" in api.checks():
        api.put(f"agent/check/{rng.choice(['fail', 'pass', 'warn'])}/check-{name}")


def test_after_any_history_it_says_what_a_listing_says(clean_consul, proxy, open_source):
    """Whatever others did, also while the queries were broken."""
    rng, api, whole = random.Random(7), clean_consul.api, open_source()
    with Follower(open_source()) as follower:
        for turn in range(10):
            for _ in range(rng.randrange(1, 12)):
                some_change(rng, api)
            if turn % 4 == 3:
                proxy.set(refuse=True)
                some_change(rng, api)
                proxy.heal()
            # The agent's changes reach the catalog a little later.
            follower.until(lambda seen: seen == {one.id: one for one in whole.workloads().items})
        api.put("agent/maintenance", enable="false")
