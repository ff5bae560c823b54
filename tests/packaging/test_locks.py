"""locks/ has what the image and continuous integration install, by hash."""

import re
from configparser import ConfigParser
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
LOCKS = {path.stem: path for path in sorted((ROOT / "locks").glob("*.txt"))}
_ONE = re.compile(
    r"^(\S+)==(\S+)(?: ; ([^\\]+?))?((?: \\\n    --hash=sha256:[0-9a-f]{64})+)$", re.M
)


def locked(name):
    """The versions in a lock, by package."""
    return {found[1]: found[2] for found in _ONE.finditer(LOCKS[name].read_text())}


def named(text):
    """The name of a package in the form of a lock."""
    return text.lower().replace("_", "-")


@pytest.mark.parametrize("name", LOCKS)
def test_every_line_has_a_version_and_hashes(name):
    """Nothing else is in it, the address of an index least of all."""
    left = _ONE.sub("", LOCKS[name].read_text())
    assert [line for line in left.splitlines() if line and not line.startswith("# ")] == []
    assert "://" not in LOCKS[name].read_text()
    assert locked(name)


def test_the_image_has_what_the_distributions_require():
    """Directly and through others, and only that."""
    wanted = {"syncer-core"} | {f"syncer-{path.name[7:]}" for path in ROOT.glob("plugins/syncer-*")}
    seen, found = set(), locked("image")
    while wanted:
        name = wanted.pop()
        seen.add(name)
        if not name.startswith("syncer-"):
            assert name in found
        extras = ("", "web", "probes", "grpc", "http") if name == "syncer-core" else ("",)
        for text in distribution(name).requires or ():
            one = Requirement(text)
            applies = one.marker is None or any(one.marker.evaluate({"extra": e}) for e in extras)
            if applies and named(one.name) not in seen:
                wanted.add(named(one.name))
    assert found.keys() >= {"waitress", "urllib3", "grpcio", "docker", "kazoo", "aiohttp"}
    assert not found.keys() & {"pytest", "mypy", "ruff"}


def test_locks_agree():
    """What is tested is what the image has."""
    tests = locked("tests")
    for name in ("image", "build"):
        assert locked(name).items() <= tests.items()


def test_locked_versions_are_allowed():
    """Bounds were raised since: contrib/make-locks.py writes the locks anew."""
    core = ConfigParser()
    core.read(ROOT / "setup.cfg")
    texts = core["options"]["install_requires"].splitlines()
    for extra in core["options.extras_require"].values():
        texts += extra.splitlines()
    texts += re.findall(
        r'^ *"([^"]+)",',
        "".join(
            re.search(r"^dependencies = \[(.*?)^\]", path.read_text(), re.M | re.S)[1]
            for path in ROOT.glob("plugins/*/pyproject.toml")
        ),
        re.M,
    )
    dev = (ROOT / "requirements-dev.txt").read_text()
    texts += [line.partition("#")[0].strip() for line in dev.splitlines()]
    found = locked("tests")
    for one in map(Requirement, filter(None, texts)):
        if named(one.name) in found:
            assert one.specifier.contains(found[named(one.name)]), str(one)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("build", "contrib/docker/Dockerfile"),
        ("image", "contrib/docker/Dockerfile"),
        ("tests", ".ci/run"),
    ],
)
def test_they_are_used(name, path):
    """By name."""
    assert f"locks/{name}.txt" in (ROOT / path).read_text()
