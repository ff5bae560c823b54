"""The catalog of a real datacenter as a source for mirrors."""

from datetime import timedelta
from threading import Event, Thread

import pytest

from servers.consul import ACL, MANAGEMENT_TOKEN
from syncer import (
    Context,
    Engine,
    Health,
    PermanentError,
    Secret,
    TemporaryError,
    open_engine,
)
from syncer.plugin.builtin.memory import MemorySink
from syncer.testing import SourceContract, make_registration, wait_until
from syncer_consul import CatalogOptions
from syncer_consul.catalog import CatalogSource
from syncer_consul.options import Consistency

PATIENCE = 20.0
TOKEN = Secret("g3heim-token")


@pytest.fixture
def open_source():
    """Makes sources: `open_source(address, **options)`."""
    opened = []

    def make(address, **options):
        source = CatalogSource(CatalogOptions(address=address, **options), Context(name="mirror"))
        opened.append(source)
        return source

    yield make
    for source in opened:
        source.close()


@pytest.fixture
def source(clean_consul, open_source):
    return open_source(clean_consul.url)


class TestContract(SourceContract):
    """What every source must keep."""

    declines = {"unclear": "Consul keeps nothing that it cannot describe and a mirror could read"}

    @pytest.fixture
    def source(self, clean_consul, open_source):
        return open_source(
            clean_consul.url, token=Secret("g3heim-token"), timeout=timedelta(seconds=5)
        )

    @pytest.fixture
    def start(self, clean_consul, source):
        def start(name):
            clean_consul.api.register({"ID": name, "Name": name, "Port": 80})
            return listed(source, name)[name].id

        return start

    @pytest.fixture
    def end(self, clean_consul):
        return lambda id_: clean_consul.api.deregister(id_.partition("/")[2])

    @pytest.fixture
    def reopen(self, clean_consul, open_source):
        return lambda: open_source(clean_consul.url)

    @pytest.fixture
    def unreachable(self, open_source):
        return open_source(
            "127.0.0.1:1", token=Secret("g3heim-token"), timeout=timedelta(seconds=1)
        )

    @pytest.fixture
    def break_watch(self, source):
        return lambda: source._watcher.close()

    @pytest.fixture
    def secrets(self):
        return [TOKEN.reveal()]


def services(source):
    return {workload.name: workload for workload in source.workloads().items}


def listed(source, name):
    """Return what `services` does once it has this one: the catalog follows the agent."""
    return wait_until(lambda: {name} & (found := services(source)).keys() and found, PATIENCE, name)


WEB = {
    "ID": "web-1",
    "Name": "web",
    "Address": "10.1.2.3",
    "Port": 8080,
    "Tags": ["blue", "public"],
    "Meta": {"team": "shop"},
    "Weights": {"Passing": 5, "Warning": 1},
}


def test_what_stands_there_is_offered_as_it_is(clean_consul, source):
    """Name, id, address, port, tags, metadata and weights; Consul itself is left out."""
    clean_consul.api.register(WEB)
    found = listed(source, "web-1")
    assert set(found) == {"web-1"}
    (offer,) = found["web-1"].offers
    assert (offer.service, offer.id) == ("web", "web-1")
    assert (offer.register_address, offer.register_port) == ("10.1.2.3", 8080)
    assert (offer.tags, dict(offer.meta), offer.weight) == (("blue", "public"), {"team": "shop"}, 5)
    assert found["web-1"].via == source.scope() == "consul:dc1"
    assert found["web-1"].health is Health.HEALTHY


def test_without_an_address_of_its_own_the_nodes_counts(clean_consul, source):
    """As for every other client of Consul."""
    clean_consul.api.register({"Name": "web", "Port": 80})
    (offer,) = listed(source, "web")["web"].offers
    assert offer.register_address == "127.0.0.1"


def test_health_is_that_of_all_checks(clean_consul, source):
    """A critical check, of the service or of its node, makes it unhealthy; a warning does not."""
    ttl = {"CheckID": "c", "TTL": "300s", "Status": "warning"}
    clean_consul.api.register({**WEB, "Check": ttl})
    assert listed(source, "web-1")["web-1"].health is Health.HEALTHY
    clean_consul.api.put("agent/check/fail/c")
    wait_until(
        lambda: services(source)["web-1"].health is Health.UNHEALTHY, PATIENCE, "it is unhealthy"
    )
    clean_consul.api.put("agent/check/pass/c")
    node = {"Name": "disk", "ID": "disk", "TTL": "300s", "Status": "critical"}
    clean_consul.api.put("agent/check/register", node)
    wait_until(
        lambda: services(source)["web-1"].health is Health.UNHEALTHY, PATIENCE, "the node is ill"
    )


@pytest.mark.parametrize("change", ["the status of a check", "the address", "the metadata"])
def test_what_changes_wakes(clean_consul, source, change):
    """Not only services that come and go."""
    check = {"CheckID": "c", "TTL": "300s", "Status": "passing"}
    clean_consul.api.register({**WEB, "Check": check})
    wakes, stop = [], Event()
    thread = Thread(target=source.watch, args=(wakes.append, stop), daemon=True)
    thread.start()
    wait_until(lambda: wakes, PATIENCE, "the watch begins")
    # The second query may begin after the first wake: each change until one is seen is another.
    for number in range(100):
        seen = len(wakes)
        if change == "the status of a check":
            clean_consul.api.put(f"agent/check/{'fail' if number % 2 else 'warn'}/c")
        elif change == "the address":
            clean_consul.api.register({**WEB, "Address": f"10.0.0.{number}", "Check": check})
        else:
            clean_consul.api.register({**WEB, "Meta": {"n": str(number)}, "Check": check})
        if Event().wait(0.05) or len(wakes) > seen:
            break
    wait_until(lambda: len(wakes) > 1, PATIENCE, "the change wakes")
    stop.set()
    thread.join(PATIENCE)
    assert not thread.is_alive()


def test_what_was_mirrored_is_not_mirrored_on(clean_consul, source, clean_marked):
    """It carries where it came from."""
    assert set(listed(source, "real")) == {"real"}
    assert source.workload("nowhere/copy") is None


@pytest.fixture
def clean_marked(clean_consul):
    for name, via in (("copy", "etcd:there"), ("real", "")):
        mark = make_registration(via=via).mark
        meta = {f"syncer-{key}": text for key, text in mark.fields().items()}
        clean_consul.api.register({"Name": name, "Port": 1, "Meta": meta})


def test_the_mark_of_another_syncer_is_no_metadata(source, clean_marked):
    """Else the copy would carry two marks."""
    (offer,) = listed(source, "real")["real"].offers
    assert dict(offer.meta) == {}


def test_one_id_on_two_nodes_is_two_services(clean_consul_cluster, open_source):
    """The copies carry the node's name before the id."""
    one, two = clean_consul_cluster.servers[:2]
    for member in (one, two):
        member.api.register({"ID": "web", "Name": "web", "Port": 80})
    source = open_source(one.url)
    wait_until(lambda: len(source.workloads().items) == 2, PATIENCE, "both are in the catalog")
    found = source.workloads().items
    assert len({workload.offers[0].id for workload in found}) == 2
    for workload in found:
        node, _, service = workload.id.partition("/")
        assert workload.offers[0].id == f"{node}:{service}"
        assert source.workload(workload.id) == workload
    two.api.deregister("web")
    wait_until(lambda: len(source.workloads().items) == 1, PATIENCE, "one is left")
    assert source.workloads().items[0].offers[0].id == "web"


def test_a_datacenter_that_is_not_there_is_an_error(clean_consul, open_source):
    """And not an empty catalog."""
    source = open_source(clean_consul.url, datacenter="atlantis")
    with pytest.raises((TemporaryError, PermanentError), match="(?i)atlantis|path to datacenter"):
        source.workloads()


def test_a_cluster_without_a_leader_is_an_error(clean_consul_cluster, open_source):
    """What the agent remembers is not what stands there."""
    keeper, *others = clean_consul_cluster.servers
    keeper.api.register({"Name": "web", "Port": 80})
    source = open_source(keeper.url, timeout=timedelta(seconds=5))
    wait_until(lambda: source.workloads().items, PATIENCE, "it is in the catalog")
    for member in others:
        member.freeze()
    try:

        def fails():
            try:
                source.workloads()
            except TemporaryError:
                return True
            return False

        wait_until(fails, 40, "the missing leader is noticed")
    finally:
        for member in others:
            member.thaw()


def test_it_is_mirrored(clean_consul, source):
    """From a real catalog into another registry, with everything that follows."""
    clean_consul.api.register(WEB)
    listed(source, "web-1")
    sink = MemorySink()
    engine = Engine({"consul": source}, {"memory": sink})
    engine.reconcile()
    (copy,) = sink.store.all()
    assert (copy.id, copy.mark.via, copy.mark.scope) == ("web-1", "consul:dc1", "consul:dc1")
    clean_consul.api.deregister("web-1")
    wait_until(lambda: not source.workloads().items, PATIENCE, "the catalog follows")
    engine.reconcile()
    engine.reconcile()
    assert sink.store.all() == ()


def test_rights_that_hide_services_make_the_view_incomplete(start_consul, open_source):
    """Nothing is concluded from what is not shown."""
    agent = start_consul(config=ACL)
    agent.api.token = MANAGEMENT_TOKEN
    agent.api.register({"Name": "web", "Port": 80})
    everything = open_source(agent.url, token=Secret(MANAGEMENT_TOKEN))
    wait_until(lambda: "web" in services(everything), PATIENCE, "it is in the catalog")
    assert everything.workloads().complete
    nothing = open_source(agent.url, datacenter="dc1")
    assert not nothing.workloads().complete
    with pytest.raises(TemporaryError, match="ACLs hide"):
        nothing.workload(everything.workloads().items[0].id)


def mirror(source, sink, *, settings=()):
    """An engine that mirrors, by the kinds and options that a user writes."""
    return open_engine(sources=[source], sinks=[sink], settings=settings, environ={})


def ids(agent):
    return set(agent.api.services())


def test_filters_by_service_and_tag(clean_consul, start_consul):
    """Only what is included, and nothing that is excluded, is copied; a tag that goes takes the
    copy with it.
    """
    for name, tags in (("web", ["public"]), ("shop", ["public", "old"]), ("db", ["public"])):
        clean_consul.api.register({"Name": name, "Port": 80, "Tags": tags})
    clean_consul.api.register({"ID": "web-2", "Name": "web", "Port": 81, "Tags": ["internal"]})
    target = start_consul(config={"datacenter": "dc2"})
    engine = mirror(
        f"consul={clean_consul.url}",
        f"consul={target.url}",
        settings=[
            "sources.consul.include=service:web,service:shop,tag:nothing",
            "sources.consul.exclude=tag:internal,tag:o*",
        ],
    )
    try:
        engine.reconcile()
        assert ids(target) == {"web"}
        clean_consul.api.register({"ID": "web-2", "Name": "web", "Port": 81, "Tags": ["public"]})
        clean_consul.api.register({"Name": "web", "Port": 80, "Tags": ["internal"]})

        def mirrored():
            engine.reconcile()
            return ids(target) == {"web-2"}

        wait_until(mirrored, PATIENCE, "the copies follow the tags")
    finally:
        engine.stop()


def test_two_that_mirror_each_other_do_not_grow(clean_consul, start_consul):
    """Each has its own and a copy of the other's, however often they look; what is gone where it
    came from is gone in both.
    """
    other = start_consul(config={"datacenter": "dc2"})
    clean_consul.api.register({"Name": "here", "Port": 80})
    other.api.register({"Name": "there", "Port": 80})
    engines = [
        mirror(f"consul={clean_consul.url}", f"consul={other.url}"),
        mirror(f"consul={other.url}", f"consul={clean_consul.url}"),
    ]
    try:
        for _ in range(10):
            for engine in engines:
                engine.reconcile()
        assert ids(clean_consul) == ids(other) == {"here", "there"}
        assert "syncer-via" not in clean_consul.api.services()["here"]["Meta"]
        assert clean_consul.api.services()["there"]["Meta"]["syncer-via"] == "consul:dc2"
        assert other.api.services()["here"]["Meta"]["syncer-via"] == "consul:dc1"
        other.api.deregister("there")

        def gone():
            for engine in engines:
                engine.reconcile()
            return ids(clean_consul) == ids(other) == {"here"}

        wait_until(gone, PATIENCE, "it is gone in both")
    finally:
        for engine in engines:
            engine.stop()


def test_maintenance_makes_it_unhealthy(clean_consul, source):
    """Of the service, and of its node."""
    api = clean_consul.api
    api.register(WEB)

    def health():
        return services(source)["web-1"].health

    wait_until(lambda: health() is Health.HEALTHY, PATIENCE, "it is healthy")
    api.maintenance("web-1", True)
    wait_until(lambda: health() is Health.UNHEALTHY, PATIENCE, "the service is in maintenance")
    api.maintenance("web-1", False)
    wait_until(lambda: health() is Health.HEALTHY, PATIENCE, "it is healthy again")
    api.put("agent/maintenance", enable="true")
    wait_until(lambda: health() is Health.UNHEALTHY, PATIENCE, "the node is in maintenance")
    api.put("agent/maintenance", enable="false")


@pytest.mark.parametrize("consistency", list(Consistency))
def test_consistencies(clean_consul, open_source, consistency):
    """Each is taken by Consul, for reading and for watching."""
    source = open_source(clean_consul.url, consistency=consistency)
    clean_consul.api.register(WEB)
    wait_until(lambda: "web-1" in services(source), PATIENCE, "it is listed")
    assert source.workload(source.workloads().items[0].id) is not None
    wakes, stop = [], Event()
    thread = Thread(target=source.watch, args=(wakes.append, stop), daemon=True)
    thread.start()
    wait_until(lambda: wakes, PATIENCE, "it begins")
    seen = len(wakes)
    clean_consul.api.register({**WEB, "Port": 8081})
    wait_until(lambda: len(wakes) > seen, PATIENCE, "a change wakes")
    stop.set()
    thread.join(PATIENCE)
    assert not thread.is_alive()


def test_a_stale_answer_without_a_leader_is_an_error(clean_consul_cluster, open_source):
    """A server that lost the others tells what it remembers, perhaps nothing: that is believed
    no more than an empty answer.
    """
    keeper, *others = clean_consul_cluster.servers
    keeper.api.register({"Name": "web", "Port": 80})
    source = open_source(keeper.url, consistency=Consistency.STALE, timeout=timedelta(seconds=5))
    wait_until(lambda: source.workloads().items, PATIENCE, "it is in the catalog")
    for member in others:
        member.freeze()
    try:

        def fails():
            try:
                source.workloads()
            except TemporaryError as error:
                return "no cluster leader" in str(error)
            return False

        wait_until(fails, 40, "the missing leader is noticed")
    finally:
        for member in others:
            member.thaw()


def test_proxies_are_left_out(clean_consul, source):
    """They are of this mesh; elsewhere nobody could use them."""
    clean_consul.api.register(WEB)
    proxy = {"Kind": "connect-proxy", "Name": "web-proxy", "Port": 81}
    clean_consul.api.register({**proxy, "Proxy": {"DestinationServiceName": "web"}})
    wait_until(lambda: "web-proxy" in clean_consul.api.services(), PATIENCE, "both are there")
    wait_until(lambda: clean_consul.api.catalog("web-proxy"), PATIENCE, "both are listed")
    assert set(services(source)) == {"web-1"}
