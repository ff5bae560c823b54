"""Draining by hand, with a real Docker engine and real registries, beside `syncer run` or not."""

import json
import urllib.error

import pytest

from servers.docker import health_check
from servers.syncer import command
from servers.waiting import holds_for, wait_until

PORTS = {"ports": {"8000/tcp": None}}
WEB = {"labels": {"SERVICE_NAME": "web"}, **PORTS}
ONE, TWO = "host1:web1:8000", "host1:web2:8000"


@pytest.fixture
def here(parts):
    """Arguments for Docker to Consul."""
    return (*parts, "--advertise", "127.0.0.1")


@pytest.fixture
def two(clean_docker):
    """Two containers of one service."""
    for name in ("web1", "web2"):
        clean_docker.run(name, **WEB)


def wait_passing(consul, *ids):
    wait_until(lambda: consul.api.passing_ids("web") == set(ids), 30, f"{ids} to be passing")


def test_drain_and_undrain_without_a_syncer(here, two, clean_consul):
    """A container is out of use until it is given back; what runs is registered all the while."""
    command("apply", *here)
    done = command("drain", "web1", *here)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0] == "consul: 1 drained"
    assert ONE in done.stdout.splitlines()[1]
    assert clean_consul.api.passing_ids("web") == {TWO}
    assert set(clean_consul.api.services()) == {ONE, TWO}
    command("apply", *here)
    assert clean_consul.api.passing_ids("web") == {TWO}
    done = command("undrain", "web1", *here)
    assert done.stdout.splitlines()[0] == "consul: 1 undrained"
    assert clean_consul.api.passing_ids("web") == {ONE, TWO}


def test_a_running_syncer_keeps_a_drain(start_syncer, here, two, clean_consul, clean_docker):
    """It sees what was asked for, does not fight it, and a successor of the container is in use."""
    syncer = start_syncer(*here)
    wait_passing(clean_consul, ONE, TWO)
    assert command("drain", "web1", *here).returncode == 0
    syncer.wait_said("change held back", id=ONE)
    holds_for(lambda: clean_consul.api.passing_ids("web") == {TWO}, 3, "the drain is kept")
    assert not syncer.said("updated")
    clean_docker.container("web1").pause()
    clean_docker.container("web1").unpause()
    syncer.kill()
    start_syncer(*here).wait_said("change held back", id=ONE)
    assert clean_consul.api.passing_ids("web") == {TWO}
    clean_docker.remove("web1")
    clean_docker.run("web1", **WEB)
    wait_passing(clean_consul, ONE, TWO)


def test_a_renamed_container_stays_drained(start_syncer, here, two, clean_consul, clean_docker):
    """At no moment does a client find it, under the one name or the other; it can be undrained."""
    syncer = start_syncer(*here)
    wait_passing(clean_consul, ONE, TWO)
    assert command("drain", "web1", *here).returncode == 0
    syncer.wait_said("change held back", id=ONE)
    clean_docker.container("web1").rename("web9")
    renamed, seen = "host1:web9:8000", set()

    def replaced():
        seen.update(clean_consul.api.passing_ids("web"))
        return set(clean_consul.api.services()) == {renamed, TWO}

    wait_until(replaced, 30, "the entry of the new name to be alone")
    assert seen | clean_consul.api.passing_ids("web") == {TWO}
    assert command("undrain", "web9", *here).returncode == 0
    wait_passing(clean_consul, renamed, TWO)


def test_undrain_beside_a_running_syncer(start_syncer, here, two, clean_consul, clean_docker):
    """What is given back stays in use."""
    start_syncer(*here)
    wait_passing(clean_consul, ONE, TWO)
    command("drain", "--all", "--force", *here)
    assert clean_consul.api.passing_ids("web") == set()
    assert command("undrain", "web", *here).returncode == 0
    holds_for(lambda: clean_consul.api.passing_ids("web") == {ONE, TWO}, 3, "both stay in use")


def test_the_last_instance_is_protected(here, two, clean_consul, clean_docker):
    """Of a service with two instances only one is drained, unless it is forced."""
    command("apply", *here)
    done = command("drain", "web", *here)
    assert done.returncode == 1
    assert f"not drained {ONE}: last: no other instance of web is up here" in done.stdout
    assert "--force drains the last instance of a service too" in done.stdout
    assert clean_consul.api.passing_ids("web") == {ONE}
    assert command("drain", "web", "--force", *here).returncode == 0
    assert clean_consul.api.passing_ids("web") == set()


def test_a_failing_instance_does_not_count(here, two, clean_consul, clean_docker):
    """The last one that passes its checks is the last one."""
    command("apply", *here)
    clean_consul.api.maintenance(TWO, True)
    assert command("drain", "web1", *here).returncode == 1
    assert clean_consul.api.passing_ids("web") == {ONE}


def test_what_is_held_is_shown(here, two, clean_consul):
    """`services`, `plan` and `explain` say that an instance is drained."""
    command("apply", *here)
    command("drain", "web1", *here)
    assert " draining " in command("services", *here).stdout
    planned = command("plan", *here)
    assert planned.returncode == 0
    assert f"{ONE}: held: drain; `syncer undrain` ends it" in planned.stdout
    assert "in consul: held: drain" in command("explain", "web1", *here).stdout
    listed = json.loads(command("services", "--json", *here).stdout)["consul"]["registrations"]
    assert {one["id"]: one["mark"].get("hold") for one in listed} == {ONE: "drain", TWO: None}


def test_names_that_lead_nowhere(here, two, clean_docker):
    """A misspelt name is an error with a hint, an empty one and none are wrong usage.

    So is the name of what runs and is not registered yet, whatever its labels are warned of.
    """
    clean_docker.run("web4", labels={"SERVICE_NAME": "web", "SERVICE_CHECK_HTP": "/"}, **PORTS)
    for name in ("web1", "web4"):
        done = command("drain", name, *here)
        assert (done.returncode, done.stderr) == (
            1,
            f"syncer: {name} is not registered: `syncer explain {name}` says more\n",
        )
    command("apply", *here)
    done = command("drain", "web3", *here)
    assert done.returncode == 1
    assert "no entry of this syncer matches 'web3'; did you mean 'web" in done.stderr
    for wrong in ((), ("",), ("web", "--all")):
        assert command("drain", *wrong, *here).returncode == 2


def test_a_sink_that_drops_says_so(here, two, clean_consul, tmp_path):
    """A hosts file lists no drained instance, so it cannot keep that one was asked for."""
    hosts = tmp_path / "hosts"
    both = (*here, "--sink", f"file={hosts}")
    assert command("apply", *both).returncode == 0
    before = hosts.read_text()
    done = command("drain", "web1", *both)
    assert done.returncode == 1
    assert f"not drained {ONE}: rejected: this sink cannot show" in done.stdout
    assert hosts.read_text() == before
    assert clean_consul.api.passing_ids("web") == {TWO}


def test_a_mirrored_healthcheck_does_not_end_a_drain(
    start_syncer, here, clean_docker, clean_consul
):
    """A container that is healthy and drained is not offered, whatever its HEALTHCHECK says."""
    clean_docker.run("web1", healthcheck=health_check(), **WEB)
    clean_docker.run("web2", **WEB)
    start_syncer(*here)
    wait_passing(clean_consul, ONE, TWO)
    command("drain", "web1", *here)
    clean_docker.set_healthy("web1", False)
    clean_docker.wait_healthy("web1", "unhealthy")
    clean_docker.set_healthy("web1", True)
    clean_docker.wait_healthy("web1")
    holds_for(lambda: clean_consul.api.passing_ids("web") == {TWO}, 3, "the drain is kept")
    command("undrain", "web1", *here)
    wait_passing(clean_consul, ONE, TWO)


@pytest.mark.parametrize("settings", [(), ("--set", "sinks.consul.withhold=draining")])
def test_one_that_lives_on_comes_back(start_syncer, here, clean_docker, clean_consul, settings):
    """A container that takes its stop signal and goes on is out of use, and then in use again."""
    made = clean_docker.client.api.create_container(
        "syncer-test:web",
        name="web1",
        command=["sh", "-c", "trap '' TERM; httpd -f -p 8000 -h /www & wait"],
        labels={"SERVICE_NAME": "web"},
        ports=[8000],
        host_config=clean_docker.client.api.create_host_config(port_bindings={8000: None}),
        stop_timeout=1,
    )
    clean_docker.client.api.start(made["Id"])
    start_syncer(*here, *settings)
    wait_passing(clean_consul, ONE)
    clean_docker.container("web1").kill("SIGTERM")
    wait_passing(clean_consul)
    assert set(clean_consul.api.services()) == (set() if settings else {ONE})
    wait_passing(clean_consul, ONE)


def test_the_last_one_is_kept_while_it_lives(start_syncer, here, clean_docker, clean_consul):
    """With `keep_last` the only instance is offered until it has ended."""
    end = "trap 'until test -e /tmp/end; do sleep 0.05; done; exit 0' TERM; httpd -f -p 8000 & wait"
    clean_docker.run("web1", command=["sh", "-c", end], **WEB)
    syncer = start_syncer(*here, "--set", "sinks.consul.keep_last=true")
    wait_passing(clean_consul, ONE)
    clean_docker.container("web1").kill("SIGTERM")
    syncer.wait_said("change held back", id=ONE, why="last")
    assert clean_consul.api.passing_ids("web") == {ONE}
    clean_docker.execute("web1", "touch", "/tmp/end")
    wait_until(lambda: not clean_consul.api.services(), 30, "it to be gone")


class Elsewhere:
    """Two containers of one service in another registry than Consul."""

    def __init__(self, start_syncer, docker, sink, fit):
        self.arguments = (
            *("--source", f"docker={docker.address}", "--advertise", "127.0.0.1"),
            *("--set", "sources.docker.scope=host1", "--interval", "1s", *sink),
        )
        self._fit, self.syncer = fit, start_syncer(*self.arguments)
        self.wait(ONE, TWO)

    def wait(self, *ids):
        wait_until(lambda: self._fit() == set(ids), 60, f"{ids} to be fit for use")

    def run(self, name):
        return command(name, "web1", *self.arguments)


def test_a_drain_is_kept_in_eureka(start_syncer, start_eureka, clean_docker, two):
    """Beside a running syncer, whose heartbeats go on, an instance is out of service."""
    eureka = start_eureka()

    def fit():
        up = (one for one in eureka.api.instances("web") if one["status"] == "UP")
        return {one["metadata"]["syncer-id"] for one in up}

    there = Elsewhere(start_syncer, clean_docker, ("--sink", f"eureka={eureka.url}"), fit)
    _kept_and_ended(there, fit)
    assert len(eureka.api.instances("web")) == 2


@pytest.mark.parametrize("layout", ["json", "registrator"])
def test_a_drain_is_kept_in_etcd(start_syncer, start_etcd, clean_docker, two, layout):
    """The JSON layout says `draining`; of one that cannot say so only the twin entry is left."""
    etcd = start_etcd()

    def fit():
        found = etcd.api.values("/services/web/").items()
        told = {key.rpartition("/")[2]: value for key, value in found}
        return {id_ for id_, value in told.items() if "draining" not in value}

    sink = ("--sink", f"etcd://{etcd.address}/services", "--set", f"sinks.etcd.layout={layout}")
    _kept_and_ended(Elsewhere(start_syncer, clean_docker, sink, fit), fit)


@pytest.mark.parametrize("session", [(), ("--set", "sinks.consulkv.session=15s")])
def test_a_drain_is_kept_in_consuls_key_value_store(
    start_syncer, clean_consul, clean_docker, two, session
):
    """Of an instance in registrator's layout only the twin entry is left."""

    def fit():
        try:
            keys = clean_consul.api.get("kv/drained/web/", keys="")
        except urllib.error.HTTPError:  # there is nothing of this name
            return set()
        return {key.rpartition("/")[2] for key in keys}

    sink = ("--sink", f"consulkv://{clean_consul.address}/drained", *session)
    there = Elsewhere(start_syncer, clean_docker, sink, fit)
    try:
        _kept_and_ended(there, fit)
    finally:
        there.syncer.stop()
        for prefix in ("drained/", "syncer/drained/"):
            clean_consul.api.request("DELETE", f"kv/{prefix}", recurse="")


def _kept_and_ended(there, fit):
    assert there.run("drain").returncode == 0
    there.syncer.wait_said("change held back", id=ONE)
    holds_for(lambda: fit() == {TWO}, 3, "the drain is kept")
    assert not there.syncer.said("updated")
    assert not there.syncer.said("deregistered")
    assert " draining " in command("services", *there.arguments).stdout
    assert there.run("undrain").returncode == 0
    there.wait(ONE, TWO)
    holds_for(lambda: fit() == {ONE, TWO}, 2, "it stays in use")
