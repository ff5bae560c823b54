"""Containers of a real engine that are not registered: each command says which, and why."""

import json

import pytest

from servers.syncer import command


@pytest.fixture(scope="module")
def containers(docker_engine):
    """The flags of an engine with one container of each kind; one is registered."""
    engine = docker_engine
    engine.clean()
    engine.image("bare:1")

    def run(name, ports=(), **options):
        published = {f"{port}/tcp": None for port in ports}
        engine.run(name, image="bare:1", command=["sleep", "100000"], ports=published, **options)

    run("good", [80])
    run("worker")
    run("cron")
    run("typo", [80], labels={"SERVICE_CHECK_INTERVL": "5s"})
    run("hidden", [80], labels={"SERVICE_IGNORE": "true"})
    run("denied", [80], labels={"SERVICE_NAME": "secret"})
    run("lonely", network_mode="none", labels={"SERVICE_NAME": "lonely", "SERVICE_PORT": "80"})
    yield ("--source", f"docker={engine.address}", "--sink", "memory")
    engine.clean()


NAMES = ("--set", "sources.docker.deny_names=secret", "--exclude", "name:nothere")


def test_nothing_is_missing_in_the_list(containers):
    """Every container but the good one, with its kind; JSON has all."""
    done = command("plan", "--json", *containers, *NAMES)
    found = {(one["workload"], one["kind"]) for one in json.loads(done.stdout)["not_registered"]}
    assert found == {
        ("", "unknown"),
        ("worker", "no-port"),
        ("cron", "no-port"),
        ("typo", "warning"),
        ("hidden", "ignored"),
        ("denied", "filtered"),
        ("lonely", "no-address"),
    }


def test_every_command_says_it(containers):
    """The same words, for those of one reason in one line."""
    for name in ("plan", "apply", "doctor"):
        told = command(name, *containers, *NAMES).stdout
        assert "cron, worker: its labels offer no service" in told
        assert "exclude name:nothere fits nothing here" in told
        assert "denied 80/tcp: the service name 'secret' is denied by deny_names" in told
        assert "lonely 80/tcp: it has no network" in told
        assert "hidden" not in told
    told = command("explain", "worker", *containers).stdout
    assert "not registered: its labels offer no service" in told
    refused = command("drain", "worker", *containers)
    assert refused.returncode == 1
    assert "worker is not registered: its labels offer no service" in refused.stderr


def test_an_interface_that_is_gone(containers):
    """The true reason, in `plan` too."""
    told = command("plan", *containers, "--advertise", "eth7").stdout
    assert "denied 80/tcp, good 80/tcp, typo 80/tcp: cannot advertise eth7" in told
