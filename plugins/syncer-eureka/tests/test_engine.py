"""The engine over real servers: health, lists that lag or are forbidden, restarts, mirrors."""

import json
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import attrs
import pytest

from servers.eureka import FORBIDDEN, LAG
from servers.squatters import Squatted
from servers.syncer import Syncer
from servers.waiting import holds_for, wait_until
from syncer import Check, Context, Health, Offer, SinkPart, State
from syncer.engine.engine import Engine
from syncer.events import CycleFinished
from syncer.plugin.builtin.memory import MemorySink
from syncer.testing import FakeSource, make_instance, make_registration, make_workload
from syncer_eureka import EurekaOptions, syncer_sources
from syncer_eureka.form.checks import translator


def engine(sink, source, **options):
    part = SinkPart(sink=sink, translate=translator(EurekaOptions()))
    return Engine({"kit": source}, {"eureka": part}, **{"interval": 60, **options})


@pytest.fixture
def status(clean_eureka):
    """A function: Eureka's status of each instance of an application, by id."""

    def statuses(app="web"):
        return {one["instanceId"]: one["status"] for one in clean_eureka.api.instances(app)}

    return statuses


def becomes(look, wanted):
    wait_until(lambda: look() == wanted, 60, f"{wanted}", ignore=(OSError,))


def test_states_of_a_workload_arrive(sink, status):
    """Health and state become Eureka's status within a cycle, in every order; what ends goes."""
    web = make_workload()
    source = FakeSource(web)
    with engine(sink, source):
        becomes(lambda: list(status().values()), ["UP"])
        for fields, wanted in (
            ({"health": Health.UNHEALTHY}, "DOWN"),
            ({"health": Health.HEALTHY}, "UP"),
            ({"health": Health.STARTING}, "STARTING"),
            ({"health": Health.HEALTHY}, "UP"),
            ({"state": State.PAUSED}, "OUT_OF_SERVICE"),
            ({}, "UP"),
            ({"state": State.STOPPING}, "OUT_OF_SERVICE"),
        ):
            source.put(attrs.evolve(web, **fields))
            becomes(lambda: list(status().values()), [wanted])
        source.put(attrs.evolve(web, state=State.EXITED))
        becomes(status, {})


@pytest.fixture
def backend():
    """A server of http whose health the test sets, and whether it answers."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.answers.wait(60)
            self.send_response(200 if self.server.healthy else 503)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.healthy, server.answers = False, threading.Event()
    server.answers.set()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server
    server.answers.set()
    server.shutdown()
    server.server_close()
    thread.join()


def test_what_syncer_probes_is_the_status(sink, status, backend):
    """Eureka runs no checks: syncer runs those of the labels, and tells what came of them."""
    port = backend.server_address[1]
    check = Check(kind="http", path="/health", interval=1)
    offer = Offer(service="web", register_address="127.0.0.1", register_port=port, checks=(check,))
    with engine(sink, FakeSource(make_workload(offers=(offer,)))):
        becomes(lambda: list(status().values()), ["DOWN"])
        backend.healthy = True
        becomes(lambda: list(status().values()), ["UP"])
        backend.healthy = False
        becomes(lambda: list(status().values()), ["DOWN"])


def test_what_is_not_probed_yet_stays_as_it_stands(open_sink, clean_eureka, backend):
    """After a restart of syncer, until a probe answers: no write, unless somebody spoiled it."""
    api, port = clean_eureka.api, backend.server_address[1]
    check = Check(kind="http", path="/health", interval=1, timeout=60)
    offer = Offer(service="web", register_address="127.0.0.1", register_port=port, checks=(check,))
    source = FakeSource(make_workload(offers=(offer,)))
    backend.healthy = True

    def found():
        (one,) = api.instances("web") or ({},)
        return [one.get(name) for name in ("status", "healthCheckUrl", "metadata")]

    with engine(open_sink(clean_eureka.url), source):
        becomes(lambda: found()[0], "UP")
    before, (stood,) = found(), api.instances("web")
    assert before[1] == f"http://127.0.0.1:{port}/health"
    backend.answers.clear()
    sink, heard = open_sink(clean_eureka.url), []
    counted = Counted(sink)

    def unprobed():
        cycles = [event for event in heard if isinstance(event, CycleFinished)]
        return [one for one in cycles if [skip.kind for skip in one.plan.skipped] == ["unprobed"]]

    again = FakeSource(*source.workloads().items)
    with engine(sink, again, interval=0.1, listeners=[heard.append]):
        wait_until(lambda: len(unprobed()) >= 5, 60, "cycles that know no outcome")
        assert counted.counts == {}
        assert found() == before
        later = str(int(stood["lastDirtyTimestamp"]) + 1)
        spoiled = {"healthCheckUrl": "http://elsewhere/", "lastDirtyTimestamp": later}
        api.request("POST", "apps/WEB", {"instance": stood | spoiled})
        becomes(found, before)
        seen = len(unprobed())
        wait_until(lambda: len(unprobed()) >= seen + 5, 60, "more such cycles")
        assert (found(), counted.counts) == (before, {"register": 1})
        backend.answers.set()
        cycles = len(heard)
        wait_until(lambda: settled(heard[cycles:]), 60, "an outcome is known")
        assert (found(), counted.counts) == (before, {"register": 1})


def settled(events):
    """Whether a cycle had nothing to do, and held nothing."""
    plans = [event.plan for event in events if isinstance(event, CycleFinished)]
    return any(plan.unchanged == 1 and not plan.skipped for plan in plans)


def test_an_override_is_as_it_was_ten_cycles_later(sink, clean_eureka, status):
    """An operator's OUT_OF_SERVICE costs no write, and ends when the operator lifts it."""
    made = engine(sink, FakeSource(make_workload()))
    made.reconcile()
    (id_,) = status()
    clean_eureka.api.override("web", id_, "OUT_OF_SERVICE")
    before = clean_eureka.api.instance("web", id_)
    for _ in range(10):
        (report,) = made.reconcile().values()
        assert report.plan.changes == ()
    after = clean_eureka.api.instance("web", id_)
    for name in ("status", "overriddenStatus", "lastDirtyTimestamp", "metadata"):
        assert after[name] == before[name]
    clean_eureka.api.override("web", id_, None)
    assert made.reconcile()["eureka"].plan.changes == ()
    assert status() == {id_: "UP"}
    made.stop()


class Counted:
    """Counts what a sink asks of Eureka to change."""

    def __init__(self, sink):
        self.counts = Counter()
        for name in ("register", "cancel"):
            self._count(sink._api, name)

    def _count(self, api, name):
        method = getattr(api, name)

        def counting(*arguments):
            self.counts[name] += 1
            return method(*arguments)

        setattr(api, name, counting)


def test_lists_that_lag_cost_no_write_and_no_instance(late_eureka, open_sink):
    """Cycles that see old lists again and again: each change is written once, nothing is cancelled
    that runs, and the next plan is empty."""
    server = late_eureka
    server.api.register("foreign", "foreign")
    sink = open_sink(server.url, cache_delay=2 * LAG)
    source = FakeSource(*(make_workload(f"s{n}") for n in range(5)))
    counted = Counted(sink)

    def stored():
        names = [f"s{n}" for n in range(6)]
        ids = {name: f"kit-scope:{name}:8080" for name in names}
        found = {name: server.api.instance(name, ids[name]) for name in names}
        return {name: one["ipAddr"] for name, one in found.items() if one}

    five = {f"s{n}": "10.0.0.5" for n in range(5)}
    with engine(sink, source, interval=0.05):
        becomes(stored, five)
        holds_for(lambda: stored() == five, 2 * LAG, "nothing is lost while lists lag")
        assert counted.counts == {"register": 5}
        moved = make_workload("s0").offers[0]
        moved = attrs.evolve(moved, register_address="10.0.0.6")
        source.put(make_workload("s0", offers=(moved,)), make_workload("s5"))
        source.remove("s1")
        wanted = {**five, "s0": "10.0.0.6", "s5": "10.0.0.5"}
        del wanted["s1"]
        becomes(stored, wanted)
        holds_for(lambda: stored() == wanted, 2 * LAG, "old lists change nothing")
        assert counted.counts == {"register": 7, "cancel": 1}
    assert server.api.instance("foreign", "foreign")["status"] == "UP"


def test_a_server_that_comes_back_empty_is_filled(start_eureka, open_sink):
    """Within one heartbeat and one back-off all are back."""
    server = start_eureka()
    times = {"renewal_interval": 2, "lease_duration": 30, "timeout": 2}
    sink = open_sink(server.url, **times)
    source = FakeSource(*(make_workload(f"s{n}") for n in range(20)))
    with engine(sink, source):
        becomes(lambda: len(server.api.instances()), 20)
        server.restart_empty()
        becomes(lambda: len(server.api.instances()), 20)


def test_a_server_that_comes_back_and_may_not_be_listed_is_filled(start_eureka, open_sink):
    """403 on lists stops cycles, not heartbeats; what these find missing is written again."""
    server = start_eureka()
    times = {"renewal_interval": 2, "lease_duration": 30, "timeout": 2}
    sink = open_sink(server.url, **times)
    source = FakeSource(*(make_workload(f"s{n}") for n in range(3)))
    counted = Counted(sink)

    def there():
        ids = [(f"s{n}", f"kit-scope:s{n}:8080") for n in range(3)]
        return all(server.api.instance(*one) for one in ids)

    with engine(sink, source):
        wait_until(there, 30, "all are there")
        server.properties |= FORBIDDEN
        server.restart_empty()
        wait_until(there, 60, "all are back", ignore=(OSError,))
        assert counted.counts["cancel"] == 0


def test_what_went_while_syncer_was_dead_is_cancelled(start_eureka, server_guard, tmp_path):
    """With self-preservation nothing runs out: after `kill -9` the next syncer cleans up."""
    server = start_eureka(properties={"eureka.server.enable-self-preservation": "true"})
    path = tmp_path / "services.json"

    def services(*names):
        rows = [{"name": name, "address": "10.0.0.5", "port": 80} for name in names]
        path.write_text(json.dumps({"services": rows}))

    def run(name):
        scope = ("--set", "sources.file.scope=host1")
        arguments = ("--source", f"file={path}", *scope, "--sink", f"eureka={server.url}")
        return Syncer(server_guard, name, *arguments).start()

    def apps():
        return {one["app"] for one in server.api.instances()}

    services("web", "db")
    first = run("eureka-first")
    becomes(apps, {"WEB", "DB"})
    server.api.register("foreign", "foreign")
    first.kill()
    services("web")
    assert apps() == {"WEB", "DB", "FOREIGN"}
    second = run("eureka-second")
    try:
        becomes(apps, {"WEB", "FOREIGN"})
    finally:
        second.kill()


def test_a_failing_source_takes_nothing_away(sink, status):
    """While nobody knows what runs, what is registered stays, and is renewed."""
    source = FakeSource(make_workload())
    made = engine(sink, source)
    made.reconcile()
    source.failure = RuntimeError("no engine")
    for _ in range(3):
        made.reconcile()
    assert list(status().values()) == ["UP"]
    made.stop()


def test_a_mirror_of_eureka(clean_eureka, sink):
    """What others registered, and how it is, in another registry; what a syncer mirrored is not."""
    clean_eureka.api.register("shop", "shop-1", metadata={"tags": "a,b", "zone": "z"})
    clean_eureka.api.register("ill", "ill-1", status="DOWN")
    via = make_registration(sink.adjust(make_instance("loop")), via="consul:dc1")
    sink.register(via)
    (kind,) = syncer_sources()
    options = EurekaOptions(urls=(clean_eureka.url,))
    source = kind.create(options, Context(name="eureka"))
    memory = MemorySink()
    made = Engine({"eureka": source}, {"memory": memory}, interval=60)
    made.reconcile()
    found = {held.instance.service: held for held in memory.store.all()}
    assert set(found) == {"shop", "ill"}
    assert found["shop"].instance.endpoint == "10.0.0.9:8080"
    assert found["shop"].instance.tags == ("a", "b")
    assert found["shop"].instance.meta == {"zone": "z"}
    assert found["shop"].mark.via == f"eureka:127.0.0.1:{clean_eureka.port}/eureka"
    clean_eureka.api.cancel("shop", "shop-1")
    made.reconcile()
    assert {held.instance.service for held in memory.store.all()} == {"ill"}
    made.stop()


def test_an_id_that_another_host_gave_away(clean_eureka, open_sink):
    """Its own container gets it, though the other was first, and each host leaves it at that."""
    sinks = [open_sink(clean_eureka.url) for _ in range(2)]
    assert Squatted(*sinks).settled() == ("10.0.0.5", "host2")
