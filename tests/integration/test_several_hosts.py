"""One syncer for several Docker engines: each is a source of its own, with a scope of its own."""

import json

import pytest

from servers import syncer as command
from servers.docker import DockerEngine
from servers.syncer_fixtures import start_syncer  # noqa: F401 - a fixture
from servers.waiting import wait_until


@pytest.fixture(scope="module")
def second_engine(docker_engine, server_guard):
    """A second engine beside the run's own."""
    engine = DockerEngine(server_guard, "second")
    engine.start()
    yield engine
    engine.close()


@pytest.fixture
def engines(clean_docker, second_engine):
    """Both, without containers."""
    second_engine.clean()
    yield clean_docker, second_engine
    second_engine.clean()


@pytest.fixture
def config(engines, tmp_path):
    """A configuration with both engines and a file; returns its path."""
    one, two = engines
    path = tmp_path / "syncer.toml"
    path.write_text(f"""
interval = "2s"

[sources.one]
kind = "docker"
endpoint = "{one.address}"
scope = "one"
addresses = {{ advertise = "192.0.2.1" }}

[sources.two]
kind = "docker"
endpoint = "{two.address}"
scope = "two"
addresses = {{ advertise = "192.0.2.2" }}

[sinks.file]
path = "{tmp_path}/registry.json"
""")
    return path


def entries(config):
    """What is registered: service and address by id."""
    path = config.with_name("registry.json")
    found = json.loads(path.read_text())["registrations"] if path.exists() else []
    return {entry["id"]: (entry["service"], entry["address"]) for entry in found}


def both(engines, name="web"):
    """Run a container of one name on each engine."""
    for engine in engines:
        engine.run(name, ports={"8000/tcp": None}, labels={"SERVICE_NAME": "shop"})


def test_each_engine_has_its_own(engines, config):
    """Containers of one name on two hosts are two instances, each at its host's address."""
    both(engines)
    applied = command.command("apply", "--config", str(config))
    assert applied.returncode == 0, applied.stderr
    assert entries(config) == {
        "one:web:8000": ("shop", "192.0.2.1"),
        "two:web:8000": ("shop", "192.0.2.2"),
    }
    again = command.command("plan", "--config", str(config))
    assert again.returncode == 0, again.stdout


def test_explain_tells_of_each(engines, config):
    """Asked for a name that both have, it says which is which."""
    both(engines)
    told = command.command("explain", "web", "--config", str(config))
    assert told.returncode == 0, told.stderr
    assert "source one" in told.stdout
    assert "source two" in told.stdout


def test_one_engine_that_is_away_takes_nothing_with_it(engines, config, start_syncer):  # noqa: F811
    """What it had stays; what the other has is followed on."""
    one, two = engines
    both(engines)
    running = start_syncer("--config", config)
    wait_until(lambda: len(entries(config)) == 2, 30, "both to be registered")
    two.stop()
    running.wait_said("source two failed")
    one.remove("web")
    one.run("new", ports={"8000/tcp": None}, labels={"SERVICE_NAME": "shop"})
    wanted = {"one:new:8000", "two:web:8000"}
    wait_until(lambda: set(entries(config)) == wanted, 30, "only the first host's to change")
    two.start()
    two.remove("web")
    wait_until(lambda: set(entries(config)) == {"one:new:8000"}, 60, "the second to be followed")


def test_two_engines_with_one_scope(engines, config):
    """A mistake: of two containers of one name one is left out, with a reason, none is removed."""
    both(engines)
    config.write_text(config.read_text().replace('scope = "two"', 'scope = "one"'))
    for _ in range(2):
        applied = command.command("apply", "--config", str(config))
        assert entries(config) == {"one:web:8000": ("shop", "192.0.2.1")}
    assert "duplicate" in applied.stdout + command.command("plan", "--config", str(config)).stdout
