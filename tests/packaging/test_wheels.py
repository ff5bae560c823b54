"""The wheels that are published, installed as a user would into an environment of their own."""

import hashlib
import json
import subprocess
import sys
import venv
from pathlib import Path

import pytest

# Building and installing takes half a minute, and more where the index or the machine is busy.
pytestmark = pytest.mark.timeout(900)
ROOT = Path(__file__).parents[2]


def build(folder):
    """The wheels of all distributions, by name, with a digest of each."""
    command = [ROOT / "contrib" / "make-wheels.sh", sys.executable, folder]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    return {
        wheel.name.partition("-")[0]: hashlib.sha256(wheel.read_bytes()).hexdigest()
        for wheel in folder.glob("*.whl")
    }


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    """A folder with all wheels."""
    folder = tmp_path_factory.mktemp("wheels")
    return folder, build(folder)


@pytest.fixture(scope="module")
def distributions(wheels):
    """The names of the core and of all plugins."""
    return {name.replace("_", "-") for name in wheels[1]}


@pytest.fixture(scope="module")
def syncer(wheels, tmp_path_factory):
    """The command, in an environment that has the wheels and what they ask for."""
    folder = tmp_path_factory.mktemp("clean")
    venv.create(folder, with_pip=True)
    install = [folder / "bin" / "pip", "install", "--quiet", "--find-links", wheels[0]]
    subprocess.run([*install, "syncer-core[all]"], check=True, capture_output=True, timeout=300)

    def run(*arguments):
        command = [folder / "bin" / "syncer", *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=60, check=False, cwd=folder
        )

    return run


def test_wheels_are_reproducible(wheels, tmp_path):
    """The same commit gives the same bytes again."""
    assert build(tmp_path) == wheels[1]


@pytest.mark.network
def test_every_entry_point_loads(syncer, distributions):
    """All plugins are found, and load from their wheels."""
    done = syncer("plugins", "--json")
    assert done.returncode == 0, done.stderr
    plugins = json.loads(done.stdout)["plugins"]
    assert {plugin["distribution"] for plugin in plugins} == distributions
    assert {plugin["state"] for plugin in plugins} == {"ok"}


@pytest.mark.network
@pytest.mark.parametrize(
    "sink",
    [
        "consul=http://127.0.0.1:1",
        "consulkv=http://127.0.0.1:1",
        "etcd=http://127.0.0.1:1",
        "eureka=http://127.0.0.1:1",
        "zookeeper=127.0.0.1:1",
    ],
)
def test_clients_come_along(syncer, sink):
    """What a plugin needs to speak to its registry is installed with it."""
    done = syncer("services", "--sink", sink, "--set", f"sinks.{sink.partition('=')[0]}.timeout=1s")
    said = done.stdout + done.stderr
    assert done.returncode == 1, said
    assert "127.0.0.1:1" in said
    assert "install" not in said


@pytest.mark.network
def test_a_plan_from_the_wheels(syncer):
    """The installed command plans the sample."""
    sample = ROOT / "contrib" / "sample" / "services.toml"
    done = syncer("plan", "--source", f"file={sample}", "--sink", "memory")
    assert done.returncode == 0, done.stderr
    assert "3 to register" in done.stdout
