"""Servers and syncer itself that go away and come back: nothing is lost, nothing taken."""

import os
import signal

import pytest

from servers.waiting import holds_for, wait_until


@pytest.fixture
def web(clean_docker):
    """A container with one published port."""
    clean_docker.run("web", labels={"SERVICE_NAME": "web"}, ports={"8000/tcp": None})
    return "host1:web:8000"


def start(start_syncer, parts, *more):
    """`syncer run` from Docker to Consul that has listed once."""
    syncer = start_syncer(*parts, "--advertise", "127.0.0.1", *more)
    syncer.wait_said("source listed")
    return syncer


def wait_ids(consul, ids, deadline=20):
    """Wait until exactly these service ids are registered."""
    wait_until(lambda: set(consul.api.services()) == set(ids), deadline, f"just {sorted(ids)}")


def test_consul_restarted_empty_is_filled_again(start_syncer, parts, web, clean_consul):
    """What a restart of Consul forgot is back soon after it answers again."""
    start(start_syncer, parts)
    wait_ids(clean_consul, [web])
    clean_consul.restart_empty()
    wait_ids(clean_consul, [web])


def test_containers_that_start_while_consul_is_down_are_registered_later(
    start_syncer, parts, web, clean_docker, clean_consul
):
    """Neither a start nor a stop that happens while Consul is away is lost."""
    syncer = start(start_syncer, parts)
    wait_ids(clean_consul, [web])
    clean_consul.stop()
    clean_docker.run("late", labels={"SERVICE_NAME": "late"}, ports={"8000/tcp": None})
    clean_docker.remove("web")
    syncer.wait_said("sink consul failed")
    clean_consul.start()
    wait_ids(clean_consul, ["host1:late:8000"])


def test_a_frozen_consul_is_waited_for(start_syncer, parts, web, clean_docker, clean_consul):
    """A Consul that does not answer costs nothing but time."""
    syncer = start(start_syncer, parts, "--set", "sinks.consul.timeout=1s")
    wait_ids(clean_consul, [web])
    clean_consul.freeze()
    clean_docker.run("late", labels={"SERVICE_NAME": "late"}, ports={"8000/tcp": None})
    syncer.wait_said("sink consul failed")
    clean_consul.thaw()
    wait_ids(clean_consul, [web, "host1:late:8000"], deadline=40)


def test_docker_restarted_deregisters_nothing_that_runs(
    start_syncer, parts, web, clean_docker, clean_consul
):
    """While the engine is away, and after, what runs stays; what stopped meanwhile goes."""
    clean_docker.run("short", labels={"SERVICE_NAME": "short"}, ports={"8000/tcp": None})
    syncer = start(start_syncer, parts)
    wait_ids(clean_consul, [web, "host1:short:8000"])
    pid = clean_docker.container("short").attrs["State"]["Pid"]
    clean_docker.stop()
    syncer.wait_said("watch docker failed")
    os.kill(pid, signal.SIGKILL)
    holds_for(lambda: web in clean_consul.api.services(), 1, "what runs stays registered")
    clean_docker.start()
    wait_ids(clean_consul, [web])
    assert not syncer.said("deregistered", id=web)


def test_a_killed_syncer_removes_later_exactly_what_stopped(
    start_syncer, parts, clean_docker, clean_consul
):
    """After kill -9, what stopped meanwhile is removed at the next start, and nothing else."""
    for name in ("stays", "goes", "crashes"):
        clean_docker.run(name, labels={"SERVICE_NAME": name}, ports={"8000/tcp": None})
    clean_consul.api.register({"Name": "foreign"})
    syncer = start(start_syncer, parts)
    wait_ids(clean_consul, ["foreign", *(f"host1:{n}:8000" for n in ("stays", "goes", "crashes"))])
    syncer.kill()
    clean_docker.remove("goes")
    clean_docker.container("crashes").kill()
    again = start(start_syncer, parts)
    wait_ids(clean_consul, ["foreign", "host1:stays:8000"])
    gone = {line["id"] for line in again.wait_said("deregistered", count=2)}
    assert gone == {"host1:goes:8000", "host1:crashes:8000"}
    assert not again.said("registered")


def test_a_docker_socket_that_is_not_there_yet_is_waited_for(
    start_syncer, clean_docker, clean_consul, web, tmp_path
):
    """syncer starts before Docker, says so, and goes on once there is a socket."""
    socket = tmp_path / "docker.sock"
    syncer = start_syncer(
        *("--source", f"docker=unix://{socket}", "--set", "sources.docker.scope=host1"),
        *("--sink", f"consul=http://{clean_consul.address}", "--advertise", "127.0.0.1"),
    )
    (said, *_) = syncer.wait_said("source docker failed")
    assert str(socket) in said["error"]
    socket.symlink_to(clean_docker.socket)
    wait_ids(clean_consul, [web], deadline=40)


def test_sigterm_keeps_registrations_unless_told_otherwise(start_syncer, parts, web, clean_consul):
    """A regular end keeps what runs registered; with on_exit=deregister it is removed."""
    syncer = start(start_syncer, parts)
    wait_ids(clean_consul, [web])
    syncer.stop()
    assert set(clean_consul.api.services()) == {web}
    leaving = start(start_syncer, parts, "--set", "on_exit=deregister")
    leaving.stop()
    assert not clean_consul.api.services()


def test_a_cluster_that_loses_its_leader_is_no_obstacle(
    start_syncer, clean_docker, clean_consul_cluster, web
):
    """Registrations are seen from every server, and go on when the leader is killed."""
    cluster = clean_consul_cluster
    syncer = start_syncer(
        *("--source", f"docker={clean_docker.address}", "--set", "sources.docker.scope=host1"),
        *("--sink", f"consul=http://{cluster.client.address}", "--advertise", "127.0.0.1"),
    )
    syncer.wait_said("source listed")

    def seen(name, members):
        return all(member.api.catalog(name) for member in members)

    wait_until(lambda: seen("web", cluster.members), 30, "every server to list web")
    killed = cluster.kill_leader()
    left = [member for member in cluster.members if member is not killed]
    clean_docker.run("later", labels={"SERVICE_NAME": "later"}, ports={"8000/tcp": None})
    wait_until(lambda: seen("later", left), 60, "the servers left to list later", ignore=(OSError,))
