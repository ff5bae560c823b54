"""The wheels that are published, installed by the lines that the documentation gives."""

import hashlib
import json
import os
import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from servers.registries import ConsulView, FileView

# Building, fetching and installing takes a minute, and more where the index or the machine is busy.
pytestmark = pytest.mark.timeout(900)
ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "docs/**/*.md", "plugins/*/README.md", "contrib/**/*")
#: What stands behind "pip install" up to the end of its line, or of the quotation.
_LINE = re.compile(r"\bpip install\s((?:\\\n|[^\n`&|#;])+)")
#: An address of each registry at which nothing answers.
_NOWHERE = {
    "consul": "http://127.0.0.1:1",
    "etcd": "http://127.0.0.1:1",
    "eureka": "http://127.0.0.1:1",
    "zookeeper": "127.0.0.1:1",
}
#: What an extra brings, by a module that needs it.
_MODULES = {
    "grpc": "opentelemetry.exporter.otlp.proto.grpc.trace_exporter",
    "opentelemetry": "opentelemetry.sdk.trace",
    "regex": "re2",
    "web": "syncer.web.server",
}


def wanted(text):
    """The distributions of this project that a line installs, each with its extras in order."""
    names = re.findall(r"syncer-[a-z]+(?:\[[a-z,]+\])?", text.replace("\\\n", " "))
    found = map(Requirement, names)
    return tuple(sorted(_text(one) for one in found))


def _text(one):
    return f"{one.name}[{','.join(sorted(one.extras))}]" if one.extras else one.name


def parts(names):
    """The extras and plugins in a line: `docker`, `consul`, `web` and so on."""
    return frozenset(
        part for name in names for part in re.split(r"syncer-(?:core)?|[\[\],]", name) if part
    )


def brought(names):
    """The parts that are installed: the dialects come with Docker."""
    found = parts(names)
    return found | {"registrator", "labels"} if "docker" in found else found


def documented():
    """What the pages tell people to install; lines that install the same are one."""
    pages = [path for pattern in PAGES for path in ROOT.glob(pattern) if path.is_file()]
    texts = (path.read_text(errors="replace") for path in pages)
    lines = {wanted(line) for text in texts for line in _LINE.findall(text)} - {()}
    # Of equal ones the shortest, which is the one with extras; in the same order in each process.
    ordered = sorted(lines, key=lambda names: (-len(names), names))
    return {brought(names): names for names in ordered}


LINES = documented()
WITH_DOCKER = [names for found, names in LINES.items() if "docker" in found]
ADDITIONS = [names for found, names in LINES.items() if "docker" not in found]


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
def house(wheels, tmp_path_factory):
    """The wheels and all that they require, fetched once: installing asks the index each time."""
    folder = tmp_path_factory.mktemp("house")
    names = {name for line in LINES.values() for name in line} | {"syncer-core[all]"}
    pip("download", "--dest", folder, "--find-links", wheels[0], *sorted(names))
    return folder


def pip(*arguments):
    """Run pip to its end. An extra that does not exist is only a warning of it."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *map(str, arguments)]
    # What PYTHONPATH leads to would count as installed.
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        command, env=env, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "does not provide the extra" not in done.stderr


class Environment:
    """A bare environment, into which lines are installed."""

    def __init__(self, folder, house):
        self.folder, self._house = folder, house
        venv.create(folder)

    def install(self, names):
        """Install what one line names."""
        options = ["--quiet", "--no-compile", "--no-index", "--find-links", self._house]
        pip("--python", self.folder / "bin" / "python", "install", *options, *names)

    def syncer(self, *arguments):
        """Run one command of syncer to its end; none of ours is imported from elsewhere."""
        command = [self.folder / "bin" / "syncer", *map(str, arguments)]
        return subprocess.run(
            command,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def load(self, names):
        """Import what the extras of a line are for."""
        for extra in sorted(parts(names) & _MODULES.keys()):
            program = [self.folder / "bin" / "python", "-c", f"import {_MODULES[extra]}"]
            subprocess.run(program, check=True, timeout=60, cwd=self.folder, env={})

    def plugins(self):
        """The plugins that are installed, by distribution, with their state."""
        done = self.syncer("plugins", "--json")
        assert done.returncode == 0, done.stderr
        return {one["distribution"]: one["state"] for one in json.loads(done.stdout)["plugins"]}


@pytest.fixture(scope="module")
def environment(house, tmp_path_factory):
    """Gives a bare environment into which the names were installed."""

    def make(*names):
        made = Environment(tmp_path_factory.mktemp("environment"), house)
        made.install(names)
        return made

    return make


@pytest.fixture(scope="module")
def whole(environment):
    """An environment with everything."""
    return environment("syncer-core[all]")


def test_wheels_are_reproducible(wheels, tmp_path):
    """The same commit gives the same bytes again."""
    assert build(tmp_path) == wheels[1]


def test_lines_are_found():
    """Quoted or not, behind another environment's pip, broken, and with options before."""
    (line,) = _LINE.findall('$ /x/bin/pip install \\\n -U "syncer-core[web,docker]" && y')
    assert wanted(line) == ("syncer-core[docker,web]",)
    assert ("syncer-core[consul,docker]",) in WITH_DOCKER
    assert ("syncer-labels",) in ADDITIONS
    assert wanted("syncer") == wanted("--find-links dist ./contrib/example-plugin") == ()


@pytest.mark.network
def test_every_entry_point_loads(whole, distributions):
    """All plugins are found, and load from their wheels."""
    found = whole.plugins()
    assert (found.keys(), {*found.values()}) == (distributions, {"ok"})


@pytest.mark.network
def test_a_plan_from_the_wheels(whole):
    """The installed command plans the sample."""
    sample = ROOT / "contrib" / "sample" / "services.toml"
    done = whole.syncer("plan", "--source", f"file={sample}", "--sink", "memory")
    assert "3 to register" in done.stdout, done.stderr
    assert "[sources.docker]" in whole.syncer("init", "-").stdout  # from a file of the package


@pytest.mark.network
@pytest.mark.parametrize("names", WITH_DOCKER, ids=" ".join)
def test_a_line_registers_containers(names, environment, clean_docker, request, tmp_path):
    """One with registrator's labels and one with plain ones; its registry's client came along."""
    made = environment(*names)
    clean_docker.run("web", ports={"8000/tcp": None}, labels={"SERVICE_NAME": "web"})
    clean_docker.run("plain", ports={"8000/tcp": None}, labels={"syncer.plain.port": "8000"})
    if "consul" in parts(names):
        view = ConsulView(request.getfixturevalue("clean_consul"))
    else:
        view = FileView(tmp_path / "registry.json")
    arguments = ["--source", f"docker={clean_docker.address}", "--sink", view.sink(view.address)]
    done = made.syncer("apply", *arguments, "--set", "sources.docker.scope=lines")
    assert done.returncode == 0, done.stdout + done.stderr
    assert {id_.split(":")[1] for id_ in view.ids()} == {"web", "plain"}
    for kind in parts(names) & _NOWHERE.keys():
        done = made.syncer("services", "--sink", f"{kind}={_NOWHERE[kind]}")
        assert "127.0.0.1:1" in done.stdout + done.stderr
        assert "install" not in done.stdout + done.stderr
    made.load(names)


@pytest.mark.network
def test_lines_add_plugins(environment):
    """What has no source can be added to an environment, all of it at once, and loads there."""
    added = environment(*(name for names in ADDITIONS for name in names))
    found = added.plugins()
    for names in ADDITIONS:
        assert {found[name.partition("[")[0]] for name in names} == {"ok"}
        added.load(names)
