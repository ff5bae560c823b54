"""Reloads of `syncer run`, between real servers: nothing goes, runs out, or is missed."""

import json
import os
import signal

import pytest

from servers.docker import IMAGE, health_check
from servers.dropin import start_dropin
from servers.manager import manager
from servers.reloading import listed, told, witness
from servers.waiting import holds_for, wait_until

__all__ = ["start_dropin", "told", "witness"]

#: The shortest that a lease of etcd's and the health that syncer tells Consul may live, in seconds.
LEASE, HEALTH = 5, 3
HERE = 'addresses.advertise = "127.0.0.1"\n'


def test_nothing_runs_out(told, witness, clean_docker, clean_consul, clean_etcd):
    """Leases and TTL checks outlive many reloads in a row: each is renewed in time."""
    clean_docker.run(
        "web",
        labels={"SERVICE_NAME": "web"},
        ports={"8000/tcp": None},
        healthcheck=health_check(),
    )
    clean_docker.wait_healthy("web")
    text = (
        f'[sources.docker]\nendpoint = "{clean_docker.address}"\nscope = "host1"\n{HERE}'
        f'[sinks.consul]\naddress = "{clean_consul.address}"\nhealth_ttl = "{HEALTH}s"\n'
        f'[sinks.etcd]\nendpoints = ["{clean_etcd.address}"]\nttl = "{LEASE}s"\n'
    )
    syncer = told.start(text)
    wait_until(lambda: clean_consul.api.passing_ids("web"), 60, "web to be passing")
    wait_until(lambda: clean_etcd.api.entries("/"), 30, "web in etcd")
    passing, keys = clean_consul.api.passing_ids("web"), sorted(clean_etcd.api.entries("/"))
    leases = clean_etcd.api.leases()
    in_consul = witness(lambda: clean_consul.api.passing_ids("web"), passing)
    in_etcd = witness(lambda: sorted(clean_etcd.api.entries("/")), keys)
    told.reload_for(1.5 * LEASE, text)
    assert in_consul.finish() == []
    assert in_etcd.finish() == []
    assert clean_etcd.api.leases() == leases
    assert len(syncer.said("registered")) == 2
    assert not syncer.said("deregistered")
    assert not syncer.said("updated")


def test_a_source_that_is_away_costs_nothing(told, witness, fake_docker, clean_etcd):
    """What it said before is renewed by the next configuration too, and none of it is removed."""
    engine = fake_docker(containers=2)
    text = (
        f'interval = "0.5s"\n'
        f'[sources.docker]\nendpoint = "{engine.address}"\naddresses.internal = true\n'
        f'[sinks.etcd]\nendpoints = ["{clean_etcd.address}"]\nttl = "{LEASE}s"\n'
    )
    syncer = told.start(text)
    syncer.wait_said("registered", count=2)
    keys = sorted(clean_etcd.api.entries("/"))
    engine.stop()
    syncer.wait_said("source docker failed", deadline=60)
    in_etcd = witness(lambda: sorted(clean_etcd.api.entries("/")), keys)
    told.reload(told.other(text))
    holds_for(lambda: not in_etcd.strays, 1.5 * LEASE, "what is registered runs out")
    assert in_etcd.finish() == []


def test_a_registry_that_hangs_holds_up_no_other(told, witness, start_consul, clean_etcd, tmp_path):
    """While the one is waited for, the leases of the other are renewed."""
    consul = start_consul()
    text = (
        listed(tmp_path, "web") + f'[sinks.consul]\naddress = "{consul.address}"\n'
        f'timeout = "7s"\n[sinks.etcd]\nendpoints = ["{clean_etcd.address}"]\nttl = "{LEASE}s"\n'
    )
    syncer = told.start(text)
    syncer.wait_said("registered", count=2)
    keys = sorted(clean_etcd.api.entries("/"))
    consul.freeze()
    listed(tmp_path, "web", "db")
    wait_until(lambda: len(clean_etcd.api.entries("/")) > len(keys), 30, "db in etcd")
    keys = sorted(clean_etcd.api.entries("/"))
    in_etcd = witness(lambda: sorted(clean_etcd.api.entries("/")), keys)
    told.reload(told.other(text))
    consul.thaw()
    wait_until(lambda: len(consul.api.services()) == 2, 60, "web and db in Consul")
    assert in_etcd.finish() == []


def test_a_stop_that_was_announced_stays_known(told, witness, clean_docker, clean_consul):
    """A container that got its stop signal stays out of use, whatever is reloaded meanwhile."""
    api = clean_docker.client.api
    made = api.create_container(
        IMAGE,
        name="web",
        command=["sh", "-c", "trap '' TERM; httpd -f -p 8000 -h /www & wait"],
        labels={"SERVICE_NAME": "web"},
        ports=[8000],
        host_config=api.create_host_config(port_bindings={8000: None}),
        stop_timeout=600,
    )
    api.start(made["Id"])
    text = (
        f'[sources.docker]\nendpoint = "{clean_docker.address}"\nscope = "host1"\n{HERE}'
        f'[sinks.consul]\naddress = "{clean_consul.address}"\n'
    )
    syncer = told.start(text)
    wait_until(lambda: clean_consul.api.passing_ids("web"), 60, "web to be passing")
    clean_docker.container("web").kill("SIGTERM")
    wait_until(lambda: not clean_consul.api.passing_ids("web"), 60, "web to be out of use")
    out_of_use = witness(lambda: clean_consul.api.passing_ids("web"), set())
    for _ in range(3):
        told.reload(told.other(text))
    syncer.wait_said("source listed", count=4)
    holds_for(lambda: not out_of_use.strays, 1, "it is in use again")
    assert out_of_use.finish() == []
    assert set(clean_consul.api.services()) == {"host1:web:8000"}


def test_what_changes_meanwhile_is_not_missed(told, clean_consul, tmp_path):
    """However often it reloads while services come and go."""
    text = listed(tmp_path, "web") + f'[sinks.consul]\naddress = "{clean_consul.address}"\n'
    syncer = told.start(text)
    syncer.wait_said("registered", service="web")
    for number in range(8):
        told.write(told.other(text))
        syncer.signal(signal.SIGHUP)
        listed(tmp_path, "web", *(f"svc{n}" for n in range(number + 1)))
    wanted = {"web", *(f"svc{n}" for n in range(8))}

    def registered():
        return {one["Service"] for one in clean_consul.api.services().values()}

    wait_until(lambda: registered() == wanted, 60, "all that is wanted")
    assert not syncer.said("deregistered")
    listed(tmp_path, "web")
    told.reload(told.other(text))
    wait_until(lambda: registered() == {"web"}, 60, "just web")


class TestFile:
    """The file that changes by itself."""

    @pytest.fixture
    def text(self, tmp_path):
        """A configuration of files alone."""
        return listed(tmp_path, "web") + f'[sinks.file]\npath = "{tmp_path}/first.json"\n'

    def test_it_is_applied_without_a_signal(self, start_syncer, tmp_path, text):
        """In a folder that is swapped by a link, as Kubernetes does; a wrong one is refused."""
        current = tmp_path / "..data"

        def mount(name, text):
            (tmp_path / name).mkdir()
            (tmp_path / name / "syncer.toml").write_text(text)
            (tmp_path / "..new").symlink_to(name)
            (tmp_path / "..new").replace(current)

        mount("one", text)
        (tmp_path / "syncer.toml").symlink_to("..data/syncer.toml")
        syncer = start_syncer("--config", tmp_path / "syncer.toml")
        syncer.wait_said("registered", sink="file")
        mount("two", f'{text}[sinks.second]\nkind = "file"\npath = "{tmp_path}/second.json"\n')
        syncer.wait_said("registered", sink="second")
        mount("three", f"{text}[sinks.nonsense]\n")
        (said,) = syncer.wait_said("configuration refused")
        assert "nonsense" in said["problem"]
        listed(tmp_path, "web", "db")
        syncer.wait_said("registered", sink="second", service="db")
        syncer.stop()
        assert not syncer.running()

    def test_flags_go_before_it_again(self, told, tmp_path, text):
        """What was said by flags and environment stays said."""
        syncer = told.start(text, "--owner", "me", env={"SYNCER__INTERVAL": "7s"})
        syncer.wait_said("registered", sink="file")
        told.reload(f'owner = "you"\n{text}', "configuration unchanged")
        told.reload(f'interval = "9s"\n{text}')
        (said,) = syncer.said("configuration reloaded")
        assert said["changed"] == ["interval"]
        (one,) = json.loads((tmp_path / "first.json").read_text())["registrations"]
        assert one["mark"]["owner"] == "me"


def test_asked_to_end_while_it_reloads(told, start_consul, tmp_path):
    """It ends, though a registry hangs."""
    consul = start_consul()
    text = (
        f'shutdown_timeout = "1s"\n{listed(tmp_path, "web")}'
        f'[sinks.consul]\naddress = "{consul.address}"\n'
    )
    syncer = told.start(text)
    syncer.wait_said("registered")
    consul.freeze()
    listed(tmp_path, "web", "db")
    told.write(told.other(text))
    syncer.signal(signal.SIGHUP)
    syncer.signal(signal.SIGTERM)
    wait_until(lambda: not syncer.running(), 60, "syncer to end")
    assert not syncer.said("configuration reloaded")


def test_in_the_place_of_registrator(start_dropin, clean_docker, clean_consul):
    """SIGHUP, which ended that, is told to have changed nothing: there is no file."""
    clean_docker.run("web", labels={"SERVICE_NAME": "web"}, ports={"8000/tcp": None})
    syncer = start_dropin(f"consul://{clean_consul.address}", engine=clean_docker)
    syncer.wait_said("registered", service="web")
    syncer.signal(signal.SIGHUP)
    syncer.wait_said("configuration unchanged")
    clean_docker.run("db", labels={"SERVICE_NAME": "db"}, ports={"8000/tcp": None})
    syncer.wait_said("registered", service="db")


def test_a_service_manager_is_told(told, tmp_path):
    """That it is ready, reloads, how it does, that it lives, and that it stops."""
    text = listed(tmp_path, "web") + f'[sinks.file]\npath = "{tmp_path}/first.json"\n'
    with manager(f"@syncer-reload-{os.getpid()}") as asked:
        env = {"NOTIFY_SOCKET": asked.address, "WATCHDOG_USEC": "400000"}
        syncer = told.start(text, env=env)
        asked.wait("READY=1")
        asked.wait("WATCHDOG=1", 3)
        asked.wait("STATUS=1 registered in file")
        told.reload(told.other(text))
        asked.wait("READY=1", 2)
        told.reload("nonsense = 1\n", "configuration refused")
        asked.wait("READY=1", 3)
        asked.wait("STATUS=configuration refused")
        syncer.stop()
        asked.wait("STOPPING=1")
        states = ("READY=1", "RELOADING=1", "STOPPING=1")
        told_ = [line for line in asked.lines() if line in states]
    again = ["RELOADING=1", "READY=1"]
    assert told_ == ["READY=1", *again, *again, "STOPPING=1"]
