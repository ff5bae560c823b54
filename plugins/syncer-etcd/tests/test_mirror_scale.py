"""A mirror of many entries: what a change costs, and that nothing is lost by reading so little."""

import json
import random
from datetime import timedelta

import pytest

from servers.faultproxy import FaultProxy
from servers.following import Follower, cost_of
from syncer import Context
from syncer_etcd import EtcdOptions, syncer_sources
from syncer_etcd.mirror import MOST

(KIND,) = syncer_sources()


@pytest.fixture
def open_source():
    """Makes sources as syncer does."""
    opened = []

    def make(address, layout="json"):
        made = EtcdOptions(endpoints=(address,), layout=layout, timeout=timedelta(seconds=5))
        opened.append(KIND.create(made, Context(name="etcd")))
        return opened[-1]

    yield make
    for source in opened:
        source.close()


@pytest.fixture
def proxy(clean_etcd):
    made = FaultProxy(clean_etcd.address, on_answer=lambda number: None)
    yield made
    made.close()


def value(port, **fields):
    return json.dumps({"address": "10.0.0.7", "port": port, **fields})


def port_of(seen, id_):
    return seen[id_].offers[0].port if id_ in seen else 0


class TestWhatAChangeCosts:
    """Two small readings, however many entries there are."""

    def costs(self, count, clean_etcd, proxy, source):
        """Bytes and answers of an entry that comes, changes and goes, beside so many others."""
        api = clean_etcd.api
        for number in range(count):
            api.put(f"/services/s{number}/i{number}", value(80))
        with Follower(source) as follower:
            follower.until(lambda seen: len(seen) == count)
            found = []
            for change, there in [
                (lambda: api.put("/services/web/x", value(81)), lambda s: port_of(s, "x") == 81),
                (lambda: api.put("/services/web/x", value(82)), lambda s: port_of(s, "x") == 82),
                (lambda: api.delete("/services/web/x"), lambda s: "x" not in s),
            ]:
                settled = lambda there=there: follower.until(there)  # noqa: E731
                found.append(cost_of(change, proxy, settled=settled))
            assert (follower.listings, len(follower.seen)) == (1, count)
        return found

    def test_it_does_not_grow(self, clean_etcd, proxy, open_source):
        """Beside five hundred entries as beside ten."""
        few = self.costs(10, clean_etcd, proxy, open_source(proxy.address))
        many = self.costs(500, clean_etcd, proxy, open_source(proxy.address))
        for (least, answers), (most, more) in zip(few, many, strict=True):
            assert most < 2 * least + 1000
            assert more <= answers + 2

    def test_many_changes_at_once_are_one_listing(self, clean_etcd, open_source):
        """A lease with many entries that ends, say."""
        api, source = clean_etcd.api, open_source(clean_etcd.address)
        with Follower(source) as follower:
            follower.until(lambda seen: follower.listings)
            lease = int(api.request("lease/grant", TTL=600)["ID"])
            for number in range(MOST + 10):
                api.put(f"/services/s/i{number}", value(80), lease)
            follower.until(lambda seen: len(seen) == MOST + 10)
            before = follower.asked
            api.revoke(lease)
            follower.until(lambda seen: not seen)
            assert follower.asked == before


def change_json(rng, api):
    """Do something that others may do: also what makes two keys have one id, or is not valid."""
    key = f"/services/s{rng.randrange(3)}/i{rng.randrange(6)}"
    kind = rng.randrange(10)
    if kind < 4:
        api.put(key, value(rng.randrange(1, 9)))
    elif kind < 5:
        api.put(key, value(80, id=f"i{rng.randrange(6)}"))
    elif kind < 6:
        api.put(key, rng.choice(["{nonsense", "{}", "[]", '{"port": "x"}']))
    elif kind < 9:
        api.delete(key)
    else:
        api.delete(key.rpartition("/")[0])


def change_registrator(rng, api):
    """Write or remove an entry, or its twin, by hand."""
    key = f"services/s/i{rng.randrange(6)}"
    kind = rng.randrange(4)
    if kind == 0:
        api.put(f"/{key}", rng.choice(["10.0.0.7:80", "10.0.0.7:81", "no endpoint"]))
    elif kind == 1:
        twin = {"id": key[-2:], "service": "s", "tags": [f"t{rng.randrange(9)}"]}
        api.put(f"/syncer/{key}", json.dumps(twin))
    else:
        api.delete(f"/{key}" if kind == 2 else f"/syncer/{key}")


@pytest.mark.parametrize(
    ("layout", "change"), [("json", change_json), ("registrator", change_registrator)]
)
def test_after_any_history_it_says_what_a_listing_says(
    clean_etcd, proxy, open_source, layout, change
):
    """Whatever others did, also while the stream was broken."""
    rng, api = random.Random(7), clean_etcd.api
    whole = open_source(proxy.address, layout)
    with Follower(open_source(proxy.address, layout)) as follower:
        for turn in range(12):
            for _ in range(rng.randrange(1, 25)):
                change(rng, api)
            if turn % 4 == 3:
                proxy.set(refuse=True)
                change(rng, api)
                proxy.heal()
            follower.until_it_is(whole.workloads())
        assert follower.asked > 10
