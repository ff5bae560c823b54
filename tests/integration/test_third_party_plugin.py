"""A stranger's plugin, installed by pip into an environment of its own, and used by the command."""

import csv
import json
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "contrib" / "example-plugin"


class Environment:
    """A virtual environment with the example in it, and with all that this one has."""

    def __init__(self, folder):
        venv.create(folder, with_pip=False)
        self.python = folder / "bin" / "python"
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        packages = folder / "lib" / version / "site-packages"
        # Not only a path: editable installations there have .pth files of their own.
        parent = sysconfig.get_path("purelib")
        (packages / "parent.pth").write_text(f"import site; site.addsitedir({parent!r})\n")
        self.example = folder / "example"
        shutil.copytree(EXAMPLE, self.example, ignore=shutil.ignore_patterns(".*", "*.egg-info"))

    def run(self, *arguments, **options):
        """Run a Python module to its end."""
        return subprocess.run(
            [str(self.python), "-m", *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=150,
            check=False,
            cwd=self.example,
            **options,
        )

    def syncer(self, *arguments):
        """Run a command of syncer to its end."""
        return self.run("syncer", *arguments)


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """The environment with the example installed; no index is asked for anything."""
    made = Environment(tmp_path_factory.mktemp("third-party"))
    offline = ("--no-index", "--no-deps", "--no-build-isolation")
    installed = made.run("pip", "install", "--quiet", *offline, made.example)
    assert installed.returncode == 0, installed.stderr
    return made


@pytest.fixture
def services(tmp_path):
    """A CSV file with one service."""
    path = tmp_path / "services.csv"
    path.write_text("id,service,address,port,tags,mark\nweb-1,web,10.0.0.5,8080,blue fast,\n")
    return path


def test_it_is_listed(environment):
    """`syncer plugins` shows the plugin with its distribution, and its kinds with their options."""
    done = environment.syncer("plugins", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    (plugin,) = [p for p in found["plugins"] if p["name"] == "csv"]
    assert (plugin["distribution"], plugin["state"]) == ("syncer-csv", "ok")
    for place in ("sources.csv", "sinks.csv"):
        assert [option["name"] for option in found["kinds"][place]["options"]] == ["path"]
    (label,) = found["kinds"]["parsers.expose"]["options"]
    assert (label["name"], label["default"]) == ("label", '"expose"')


def test_it_is_a_source(environment, services, tmp_path):
    """What the plugin's source reads is registered in another plugin's sink."""
    targets = tmp_path / "targets.json"
    done = environment.syncer(
        *("apply", "--source", f"csv={services}"), *("--sink", f"file+json://{targets}")
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("\nfile: 1 change applied\n")
    assert "10.0.0.5" in targets.read_text()


def test_it_is_a_sink(environment, tmp_path):
    """What another plugin's source reads stands in the plugin's file, and goes again."""
    listed, wanted = tmp_path / "listed.csv", tmp_path / "wanted.json"
    both = ("--source", f"file={wanted}", "--sink", f"csv={listed}")

    def apply(*services):
        wanted.write_text(json.dumps({"services": services}))
        done = environment.syncer("apply", *both)
        assert done.returncode == 0, done.stdout + done.stderr
        with listed.open(newline="") as file:
            return [(r["service"], r["address"], r["port"]) for r in csv.DictReader(file)]

    web = {"name": "web", "address": "10.0.0.5", "port": 80}
    dns = {"name": "dns", "address": "10.0.0.6", "port": 53}
    assert sorted(apply(web, dns)) == [("dns", "10.0.0.6", "53"), ("web", "10.0.0.5", "80")]
    assert environment.syncer("plan", *both).returncode == 0
    assert apply(web) == [("web", "10.0.0.5", "80")]


def test_its_own_tests_pass(environment):
    """The contract kit runs where the plugin is installed, as its author would run it."""
    done = environment.run("pytest", "-q", "-W", "error", "-p", "no:cacheprovider", "tests")
    assert done.returncode == 0, done.stdout + done.stderr
