"""ZooKeeper as a source: the contract, what a change costs, and that nothing is lost by it."""

import json
import random
from datetime import timedelta

import pytest

from servers.faultproxy import FaultProxy
from servers.following import Follower, cost_of
from syncer import Context, Secret
from syncer.testing import SourceContract, make_instance
from syncer_zookeeper import ZooKeeperOptions, syncer_sources

(KIND,) = syncer_sources()
SECRET = "pa55word-of-the-tests"


@pytest.fixture
def open_source():
    """Makes sources as syncer does, in JSON."""
    opened = []

    def make(address, **options):
        seconds = {"timeout": timedelta(seconds=5), "session": timedelta(seconds=5)}
        made = ZooKeeperOptions(servers=(address,), layout="json", **seconds, **options)
        opened.append(KIND.create(made, Context(name="zookeeper")))
        return opened[-1]

    yield make
    for source in opened:
        source.close()


@pytest.fixture
def proxy(clean_zookeeper):
    made = FaultProxy(clean_zookeeper.address, on_answer=lambda number: None)
    yield made
    made.close()


class TestSource(SourceContract):
    """The contract of sources, on a real server."""

    patience = 20.0
    # ZooKeeper tells of changes of what was listed: the history below has them, and breaks.
    declines = dict.fromkeys(["wakes", "breaks"], "only what was listed before is told")

    @pytest.fixture
    def source(self, proxy, open_source):
        return open_source(proxy.address, user=Secret("me"), password=Secret(SECRET))

    @pytest.fixture
    def start(self, sink, register):
        def start(name):
            return register(sink, make_instance(name))[0].id

        return start

    @pytest.fixture
    def end(self, sink):
        def end(id_):
            sink.deregister(next(one for one in sink.registrations().items if one.id == id_))

        return end

    @pytest.fixture
    def reopen(self, proxy, open_source):
        return lambda: open_source(proxy.address)

    @pytest.fixture
    def unreachable(self, open_source):
        return open_source("127.0.0.1:9", user=Secret("me"), password=Secret(SECRET))

    @pytest.fixture
    def obscure(self, clean_zookeeper):
        def spoil(id_):
            (path,) = [path for path in clean_zookeeper.values() if path.endswith(f"/{id_}")]
            clean_zookeeper.put(path, "{nonsense")

        return spoil

    @pytest.fixture
    def secrets(self):
        return [SECRET]


def value(port):
    return json.dumps({"address": "10.0.0.7", "port": port})


def port_of(seen, id_):
    return seen[id_].offers[0].port if id_ in seen else 0


class TestWhatAChangeCosts:
    """The nodes that changed, and the names beside them, however many there are elsewhere."""

    def costs(self, count, server, proxy, source):
        """Bytes and answers of an entry that comes, changes and goes, beside so many others."""
        for number in range(count):
            server.put(f"/services/s{number % 10}/i{number}", value(80))
        with Follower(source) as follower:
            follower.until(lambda seen: len(seen) == count)
            found = []
            for change, there in [
                (lambda: server.put("/services/web/x", value(81)), lambda s: port_of(s, "x") == 81),
                (lambda: server.put("/services/web/x", value(82)), lambda s: port_of(s, "x") == 82),
                (lambda: server.client.delete("/services/web/x"), lambda s: "x" not in s),
            ]:
                settled = lambda there=there: follower.until(there)  # noqa: E731
                found.append(cost_of(change, proxy, settled=settled))
        return found

    def test_it_does_not_grow(self, clean_zookeeper, proxy, open_source):
        """Beside four hundred entries as beside ten."""
        few = self.costs(10, clean_zookeeper, proxy, open_source(proxy.address))
        many = self.costs(400, clean_zookeeper, proxy, open_source(proxy.address))
        for (least, _), (most, _) in zip(few, many, strict=True):
            assert most < 2 * least + 2000


def some_change(rng, server):
    """Do something that others may do."""
    path = f"/services/s{rng.randrange(3)}/i{rng.randrange(6)}"
    if (kind := rng.randrange(10)) < 5:
        server.put(path, rng.choice([value(rng.randrange(1, 9)), "{nonsense"]))
    elif server.client.exists(path) and kind < 9:
        server.client.delete(path)
    elif server.client.exists(folder := path.rpartition("/")[0]):
        server.client.delete(folder, recursive=True)


def test_after_any_history_it_says_what_a_listing_says(clean_zookeeper, proxy, open_source):
    """Whatever others did, also while the connection was broken."""
    rng = random.Random(7)
    with Follower(open_source(proxy.address)) as follower:
        for turn in range(10):
            for _ in range(rng.randrange(1, 25)):
                some_change(rng, clean_zookeeper)
            if turn % 4 == 3:
                proxy.set(refuse=True)
                some_change(rng, clean_zookeeper)
                proxy.heal()
            follower.until_it_is(open_source(proxy.address).workloads())
