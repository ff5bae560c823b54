"""What a cycle costs, counted: inspections, translations, requests, function calls. No seconds."""

import gc
import subprocess
import sys
import tracemalloc
from collections import Counter
from datetime import timedelta

import attrs
import pytest
from fakes import FakeSource, PickySink, World, offer, skips, workload

import syncer
from servers.counting import CountingProxy
from servers.waiting import wait_until

MANY, FEW = 500, 50
#: What a function call more or less here and there may cost; not a loop over everything.
SLACK = 1.3
#: Bytes that one instance may take, from container to registration; 6,200 with Python 3.11.
MOST_BYTES = 6_400


class CountingSink(PickySink):
    """A sink that gives the same registrations again while nothing changes, and counts."""

    def registrations(self):
        self.log.append(("registrations", ""))
        return syncer.View(self.store.all())


class Costs:
    """A world of as many workloads, all registered, with nothing left to do."""

    def __init__(self, count):
        self.workloads = [made(number) for number in range(count)]
        self.world = World(sink=CountingSink(), source=FakeSource(*self.workloads))
        self.translations = 0
        self._count_translations()
        for _ in range(2):
            self.world.cycle()
        self.forget()

    def forget(self):
        """Count from here."""
        self.translations = 0
        self.world.sink.adjusted.clear()
        self.world.sink.log.clear()
        self.world.source.asked.clear()

    def change(self, number):
        """One workload gets a tag, and its source is asked about it."""
        old = self.workloads[number]
        self.world.source.put(made(number, tags=("changed",)))
        self.world.tracker.ask(old.id)

    def _count_translations(self):
        tracker = self.world.tracker
        translator = tracker._translator

        class Counting:
            @staticmethod
            def translate(*about):
                self.translations += 1
                return translator.translate(*about)

        tracker._translator = Counting


def made(number, **fields):
    """A workload with one instance under an id of its own."""
    return workload(f"w{number}", offers=(offer(**fields),))


def calls(do):
    """How many Python functions are called while it is done."""
    gc.collect()  # what other tests left, or it is finalized meanwhile and counted too
    found = Counter()

    def note(frame, event, argument):
        found[event] += 1

    sys.setprofile(note)
    try:
        do()
    finally:
        sys.setprofile(None)
    return found["call"]


def test_a_cycle_without_a_change_works_out_nothing():
    """Nothing is translated, adjusted, asked for or written; the sink is read once."""
    costs = Costs(MANY)
    report = costs.world.cycle()
    assert (report.plan.unchanged, report.plan.changes) == (MANY, ())
    assert (costs.translations, costs.world.sink.adjusted, costs.world.source.asked) == (0, [], [])
    assert costs.world.sink.log == [("registrations", "")]


def test_a_cycle_without_a_change_calls_as_little_for_many_as_for_few():
    """Most of what is registered is not even looked at, beyond that it is the same object."""
    few, many = (
        calls(lambda costs=costs: costs.world.cycle(relist=False))
        for costs in map(Costs, (FEW, MANY))
    )
    assert many <= few * SLACK, f"{few} calls with {FEW}, {many} with {MANY}"


def test_a_wake_about_one_among_many_works_out_one():
    """The one is asked for, translated, adjusted and written; the sink is not read."""
    costs = Costs(MANY)
    costs.change(7)
    report = costs.world.cycle(relist=False, fresh=False)
    id_ = "h:w7:80"
    assert report.plan.unchanged == MANY - 1
    assert costs.world.source.asked == [costs.workloads[7].id]
    assert (costs.translations, costs.world.sink.adjusted) == (1, [id_])
    assert costs.world.sink.log == [("update", id_)]


@pytest.mark.parametrize("fresh", [True, False])
def test_a_wake_calls_as_little_among_many_as_among_few(fresh):
    """The work of a wake grows with what changed, not with what exists."""

    def wake(costs):
        costs.change(7)
        costs.world.cycle(relist=False, fresh=fresh)

    few, many = (calls(lambda costs=costs: wake(costs)) for costs in map(Costs, (FEW, MANY)))
    assert many <= few * SLACK, f"{few} calls among {FEW}, {many} among {MANY}"


@pytest.mark.parametrize("standing", ["conflict", "lags"])
def test_what_stands_in_the_way_makes_no_wake_dearer(standing):
    """Neither an entry that somebody else has, nor a sink that is asked again before a change."""

    def wake(costs):
        if standing == "lags":
            costs.world.sink.stale_for = timedelta(seconds=30)
        else:
            found = costs.world.sink.registration("h:w9:80")
            costs.world.sink.store.put(attrs.evolve(found, mark=None), found.version)
            for _ in range(2):
                assert skips(costs.world.cycle().plan) == {"h:w9:80": "conflict"}
        costs.change(7)
        return calls(lambda: costs.world.cycle(relist=False, fresh=False))

    few, many = (wake(Costs(count)) for count in (FEW, MANY))
    assert many <= few * SLACK, f"{few} calls among {FEW}, {many} among {MANY}"


def test_a_listing_without_a_change_translates_nothing():
    """Not even when the host has new interfaces are all worked out again for the sinks."""
    costs = Costs(FEW)
    before = costs.world.tracker.snapshot().workloads
    assert not costs.world.tracker.relist()
    assert costs.translations == 0
    costs.world.source.host = lambda: syncer.Host(name="h", addresses={"veth1": ("10.9.9.9",)})
    costs.world.tracker.relist()
    after = costs.world.tracker.snapshot().workloads
    assert all(after[id_] is entry for id_, entry in before.items())


def opened(docker, consul):
    """An engine from a made-up Docker engine to the Consul at this address."""
    return syncer.open_engine(
        sources=[f"docker={docker.address}"],
        sinks=[f"consul=http://{consul}"],
        settings=["sources.docker.addresses.internal=true", "sinks.consul.timeout=30s"],
        environ={},
    )


@pytest.fixture
def docker_to_consul(fake_docker, clean_consul):
    """A made-up engine with many containers, all registered in Consul through a counting proxy."""
    docker, proxy = fake_docker(containers=MANY), CountingProxy(clean_consul.address)
    engine = opened(docker, proxy.address)
    assert engine.reconcile()["consul"].applied == MANY
    engine.reconcile()
    proxy.counts.clear()
    docker.control("reset")
    yield docker, proxy, engine
    engine.stop()
    proxy.close()


def test_a_cycle_of_docker_and_consul_without_a_change(docker_to_consul):
    """One listing of containers and no inspection; two reads of Consul and no write."""
    docker, proxy, engine = docker_to_consul
    assert engine.reconcile()["consul"].plan.unchanged == MANY
    asked = docker.control("stats")["requests"]
    assert (asked.get("list"), asked.get("inspect", 0)) == (1, 0)
    assert proxy.counts == {"GET /v1/agent/services": 1, "GET /v1/agent/checks": 1}


def test_a_container_more_in_docker_and_consul(docker_to_consul):
    """It costs one inspection, one look at its id and one write, beside the cycle's reads."""
    docker, proxy, engine = docker_to_consul
    docker.control("add", name="one")
    assert engine.reconcile()["consul"].applied == 1
    assert docker.control("stats")["requests"]["inspect"] == 1
    reads = {"GET /v1/agent/services": 1, "GET /v1/agent/checks": 1}
    rest = {what: n for what, n in proxy.counts.items() if what not in reads}
    assert sum(rest.values()) == 2
    assert rest["PUT /v1/agent/service/register"] == 1


def test_a_container_that_stops_in_docker_and_consul(docker_to_consul):
    """Its end costs one inspection, one look and one write, though the engine tells it twice."""
    docker, proxy, engine = docker_to_consul
    engine.start()
    # The second listing is made because syncer listens: later ones are far away.
    wait_until(lambda: docker.control("stats")["requests"].get("list") == 2, 30, "two listings")
    docker.control("add", name="one")
    wait_until(lambda: proxy.counts["PUT /v1/agent/service/register"] == 1, 30, "its entry")
    docker.control("reset")
    proxy.counts.clear()
    docker.control("die", name="one")
    wait_until(lambda: counted(proxy, REMOVE), 30, "the removal")
    docker.control("add", name="other")  # what the engine told before has been heard then
    wait_until(lambda: proxy.counts["PUT /v1/agent/service/register"] == 1, 30, "the next entry")
    assert docker.control("stats")["requests"]["inspect"] == 2
    assert counted(proxy, REMOVE) == 1
    assert counted(proxy, "GET /v1/agent/service/") == 2


REMOVE = "PUT /v1/agent/service/deregister/"


def counted(proxy, what):
    """How many requests began so."""
    return sum(n for asked, n in dict(proxy.counts).items() if asked.startswith(what))


#: Calls of functions for each container that a start lists, describes, translates and plans for
#: Consul, of which the request takes half; 1,160 with Python 3.11.
MOST_CALLS = 1_200


def test_what_one_container_of_a_start_costs(fake_docker, clean_consul, monkeypatch):
    """From its inspection to the plan, in calls of functions: all in this thread, to count them."""
    monkeypatch.setattr("syncer_docker.source.ThreadPoolExecutor", InThisThread)
    found = []
    for count in (FEW, 2 * FEW):
        engine = opened(fake_docker(containers=count), clean_consul.address)
        found.append(calls(lambda engine=engine: planned(engine)))
        engine.stop()
    each = (found[1] - found[0]) / FEW
    assert each < MOST_CALLS, f"{each:.0f} calls for each container"


def planned(engine):
    """What a start does before it writes."""
    for tracker in engine._trackers.values():
        tracker.relist()
    for reconciler in engine._reconcilers.values():
        assert reconciler.plan().changes


class InThisThread:
    """Stands in for a pool of threads."""

    def __init__(self, *unused, **named):
        self.map = map

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        return None


def test_what_one_instance_takes_in_memory(fake_docker, clean_consul):
    """From its container to its registration, in bytes that Python allocates for it and keeps."""
    docker = fake_docker(containers=FEW)
    tracemalloc.start()
    try:
        engine = opened(docker, clean_consul.address)
        settle(engine, FEW)
        before = allocated()
        docker.control("add", count=MANY - FEW)
        settle(engine, MANY - FEW)
        most = before + MOST_BYTES * (MANY - FEW)
        # Other threads of this process, such as a proxy's, hold an answer for a moment.
        wait_until(lambda: allocated() < most, 30, f"less than {most} bytes")
        engine.stop()
    finally:
        tracemalloc.stop()


def settle(engine, new):
    """Register as many more, and list again."""
    assert engine.reconcile()["consul"].applied == new
    for _ in range(2):
        engine.reconcile()


def allocated():
    """The bytes that Python has allocated and keeps."""
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


#: What nobody needs who only registers: an event loop, probes, tables, traces, the other clients.
NEEDLESS = {
    *("aiohttp", "asyncio", "grpc", "kazoo", "opentelemetry"),
    *("pyetcd", "pygments", "rich", "structlog"),
}
CLIENTS = {"consul", "docker", "requests", "ssl", "urllib3"}


def loaded_by(*arguments):
    """The top-level modules that are loaded after the command, in a process of its own."""
    code = (
        "import sys\nfrom syncer.cli.commands import main\ntry:\n    main()\nfinally:\n"
        "    print('loaded', *{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    word, *names = done.stdout.splitlines()[-1].split()
    assert word == "loaded"
    return set(names)


def test_help_loads_no_client_and_no_event_loop():
    """Asking what there is to ask does not wait for libraries."""
    assert not loaded_by("--help") & (NEEDLESS | CLIENTS | {"cattrs", "pluggy"})


def test_docker_and_consul_load_nothing_that_they_do_not_use(fake_docker, clean_consul):
    """Registering brings the two clients and nothing for probes, other sinks or tables."""
    docker = fake_docker(containers=1)
    loaded = loaded_by(
        *("run", "--once", "--source", f"docker={docker.address}"),
        *("--sink", f"consul=http://{clean_consul.address}"),
        *("--set", "sources.docker.addresses.internal=true"),
    )
    assert {"docker", "consul"} <= loaded
    assert not loaded & NEEDLESS


def test_new_ones_in_eureka(fake_docker, clean_eureka, monkeypatch):
    """Each costs one look at its id and one write, beside the one list."""
    # On a busy machine more time passes between look and write than a look is trusted for.
    monkeypatch.setattr("syncer_eureka.sink.ABSENCE_TRUSTED", 60.0)
    host, _, path = clean_eureka.url.partition("://")[2].partition("/")
    proxy = CountingProxy(host)
    engine = syncer.open_engine(
        sources=[f"docker={fake_docker(containers=FEW).address}"],
        sinks=[f"eureka=http://{proxy.address}/{path}"],
        settings=["sources.docker.addresses.internal=true", "sinks.eureka.timeout=14s"],
        environ={},
    )
    try:
        assert engine.reconcile()["eureka"].applied == FEW
    finally:
        engine.stop()
        proxy.close()
    found = Counter()
    for what, count in proxy.counts.items():
        method, where = what.split(" ", 1)
        found["list" if where.endswith("/apps") else method] += count
    assert found == {"list": 1, "GET": FEW, "POST": FEW}


def test_garbage_is_collected_seldom():
    """While syncer runs, Python does not look at all that lives after each listing."""
    code = (
        "import gc\nfrom syncer.cli.commands import main\ntry:\n    main()\nfinally:\n"
        "    print(*gc.get_threshold())"
    )
    arguments = ("run", "--once", "--source", "file=services.toml", "--sink", "memory")
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
    )
    assert int(done.stdout.split()[0]) >= 50_000
