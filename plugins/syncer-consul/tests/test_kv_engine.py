"""The whole of syncer over Consul's key-value store: cycles, restarts, hosts that share it."""

import itertools
import json
import socket

import pytest

import syncer
from servers.counting import CountingProxy
from servers.process import free_port
from servers.syncer import Syncer
from servers.waiting import holds_for, wait_until

_numbers = itertools.count(1)


@pytest.fixture
def services(tmp_path):
    """Writes what a host runs: `services("host1", 5, **more)`; returns the flags to read it."""

    def write(host, count, **more):
        path = tmp_path / f"{host}.json"
        entry = {"address": "192.0.2.1", "port": 80, **more}
        path.write_text(
            json.dumps([{"name": f"s{n}", "id": f"{host}:s{n}", **entry} for n in range(count)])
        )
        return path

    return write


@pytest.fixture
def engine():
    """Makes engines over one file: `engine(path, host, uri)`."""
    made = []

    def make(path, host, uri):
        made.append(
            syncer.open_engine(
                sources=[f"file={path}"],
                sinks=[uri],
                settings=[f"sources.file.scope={host}"],
                environ={},
            )
        )
        return made[-1]

    yield make
    for one in made:
        one.stop()


@pytest.fixture
def run(server_guard):
    """Runs `syncer run` over one file: `run(path, host, uri)`."""
    started = []

    def start(path, host, uri, *more):
        flags = ("--source", f"file={path}", "--set", f"sources.file.scope={host}")
        started.append(
            Syncer(server_guard, f"syncer-kv-{next(_numbers)}", *flags, "--sink", uri, *more)
        )
        return started[-1].start()

    yield start
    for one in started:
        one.kill()
        print(one.tail())  # noqa: T201 - shown with a failure


def uri(address, **query):
    text = "&".join(f"{name}={value}" for name, value in query.items())
    return f"consulkv://{address.removeprefix('http://')}/services?{text}".rstrip("?")


@pytest.mark.parametrize("query", [{}, {"layout": "json"}, {"session": "1m"}])
def test_ten_idle_cycles_are_ten_reads(clean_kv, engine, services, query):
    """One request each, whatever the layout, and nothing is written."""
    proxy = CountingProxy(clean_kv.consul.address)
    try:
        made = engine(services("host1", 50), "host1", uri(proxy.address, **query))
        assert made.reconcile()["consulkv"].applied == 50
        before = clean_kv.entries()
        proxy.counts.clear()
        for _ in range(10):
            report = made.reconcile()["consulkv"]
            assert (report.applied, report.plan.changes) == (0, ())
        beats = {path: n for path, n in proxy.counts.items() if "/session/renew/" in path}
        assert proxy.counts == {"PUT /v1/txn": 10} | beats
        assert [*beats.values()] == ([10] if "session" in query else [])
        assert clean_kv.entries() == before
    finally:
        proxy.close()


@pytest.mark.parametrize("query", [{}, {"layout": "json"}])
def test_hand_edits_are_put_right(clean_kv, engine, services, query):
    """In one cycle: values edited, keys removed, twins removed. What others wrote stays."""
    made = engine(services("host1", 4), "host1", uri(clean_kv.url, **query))
    made.reconcile()
    before = clean_kv.values()
    keys = [*before]
    clean_kv.kv_put(keys[0], before[keys[0]].replace("192.0.2.1", "192.0.2.9"))
    for key in keys[1::5]:
        clean_kv.kv_delete(key)
    clean_kv.kv_put("services/s1/foreign", "192.0.2.8:1")
    made.reconcile()
    assert clean_kv.values() == {**before, "services/s1/foreign": "192.0.2.8:1"}


def test_two_hosts_under_one_prefix(clean_kv, engine, services):
    """Each keeps its own, and never touches what the other has."""
    hosts = {host: services(host, 20) for host in ("host1", "host2")}
    for session in ("", "1m"):
        query = {"session": session} if session else {}
        engines = [engine(path, host, uri(clean_kv.url, **query)) for host, path in hosts.items()]
        for made in engines:
            made.reconcile()
        before = clean_kv.entries()
        assert len(before) == 80
        for _ in range(10):
            for made in engines:
                assert made.reconcile()["consulkv"].applied == 0
        assert clean_kv.entries() == before
    services("host1", 15)
    engines[0].reconcile()
    left = {f"services/s{n}/host1:s{n}" for n in range(15)}
    left |= {f"services/s{n}/host2:s{n}" for n in range(20)}
    assert set(clean_kv.values("services/")) == left
    assert {k: v for k, v in clean_kv.entries().items() if "host2" in k} == {
        k: v for k, v in before.items() if "host2" in k
    }


def test_a_store_that_comes_back_empty_is_filled(start_consul, run, services):
    """Soon after it answers again."""
    agent = start_consul()
    run(services("host1", 100), "host1", uri(agent.url))

    def count():
        return len(agent.api.get("kv/services/", keys="") or ())

    wait_until(lambda: count() == 100, 30, "all are there", ignore=(OSError,))
    agent.restart()
    wait_until(lambda: count() == 100, 40, "all are there again", ignore=(OSError,))


def test_a_session_destroyed_by_hand(clean_kv, run, services):
    """Everything goes with it, and is back at once on another."""
    run(services("host1", 100), "host1", uri(clean_kv.url, session="1h"))
    wait_until(lambda: len(clean_kv.values()) == 200, 30, "all are there")
    for session in (1, 2):
        (session,) = clean_kv.sessions()
        clean_kv.api.put(f"session/destroy/{session}")
        wait_until(lambda: len(clean_kv.values()) == 200, 20, "all are there again")


def test_killed_and_started_again(clean_kv, run, services):
    """No key is ever away or written again; the session that held them is kept alive."""
    path, where = services("host1", 20), uri(clean_kv.url, session="10s")
    first = run(path, "host1", where)
    wait_until(lambda: len(clean_kv.values()) == 40, 30, "all are there")
    before, sessions = clean_kv.entries(), clean_kv.sessions()
    first.kill()
    run(path, "host1", where).wait_said("source listed")
    # A session ends when twice its length is over at the latest.
    holds_for(lambda: clean_kv.entries() == before, 22, "all stay as they are")
    assert clean_kv.sessions() == sessions


def test_ended_for_good(clean_kv, run, services):
    """With a session the keys go when it is over; without one they stay until somebody comes."""
    with_session = run(services("a", 3), "a", uri(clean_kv.url, session="10s"))
    without = run(services("b", 3), "b", uri(clean_kv.url))
    wait_until(lambda: len(clean_kv.values("services/")) == 6, 30, "all are there")
    with_session.kill()
    without.kill()
    wait_until(lambda: len(clean_kv.values("services/")) == 3, 40, "the session's are gone")
    assert all(":s" in key and "/b:" in key for key in clean_kv.values("services/"))


def test_health(clean_kv, run, services):
    """syncer probes: JSON shows the outcome, registrator's entries are there while it is good."""
    with socket.create_server(("127.0.0.1", free_port())) as server:
        port = server.getsockname()[1]
        checks = [{"kind": "tcp", "interval": "1s"}]
        path = services("host1", 1, address="127.0.0.1", port=port, checks=checks)
        run(path, "host1", uri(clean_kv.url))
        run(path, "host1", f"consulkv://{clean_kv.consul.address}/json?layout=json")

        def status():
            return [json.loads(value)["status"] for value in clean_kv.values("json/").values()]

        wait_until(lambda: status() == ["up"], 30, "it is up")
        wait_until(lambda: clean_kv.values("services/"), 30, "it is there")
    wait_until(lambda: status() == ["unhealthy"], 30, "it is unhealthy")
    wait_until(lambda: not clean_kv.values("services/"), 30, "it is left out")
