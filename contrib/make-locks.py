"""Writes locks/: every dependency in one version, with the hashes of its files.

    python contrib/make-locks.py

Asks the package index that pip is configured for, and needs `packaging`. Of each dependency it
takes the newest version that the distributions of this repository allow, and the files for the
Pythons and machines below. Nothing is installed. The image is made from `locks/build.txt` and
`locks/image.txt`, continuous integration installs `locks/tests.txt`; pip refuses a file with
another hash.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from configparser import ConfigParser
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent
PYTHONS = ("3.11", "3.12", "3.13")
MACHINES = ("x86_64", "aarch64")
#: The C libraries that a wheel may ask for: every Linux of the last years has them.
LIBRARIES = ("manylinux_2_28", "manylinux_2_27", "manylinux_2_24", "manylinux2014")
HEAD = "# {}, in one version each.\n# Written by: python contrib/make-locks.py\n"


class Package:
    """A package that pip chose: its version, its files' hashes, the Pythons that need it."""

    def __init__(self, metadata: Mapping[str, Any]) -> None:
        self.version: str = metadata["version"]
        self.requires = [Requirement(text) for text in metadata.get("requires_dist", ())]
        self.hashes: set[str] = set()
        self.pythons: set[str] = set()

    def line(self, name: str) -> str:
        """Return its line in a lock."""
        some = " or ".join(f'python_version == "{one}"' for one in PYTHONS if one in self.pythons)
        marker = f" ; {some}" if len(self.pythons) < len(PYTHONS) else ""
        hashes = [f"    --hash=sha256:{digest}" for digest in sorted(self.hashes)]
        return " \\\n".join([f"{name}=={self.version}{marker}", *hashes]) + "\n"


Packages = dict[str, Package]


def of_distributions() -> Iterator[Requirement]:
    """Yield what the core and the plugins require, with all extras, but not each other."""
    core = ConfigParser()
    core.read(ROOT / "setup.cfg")
    texts = core["options"]["install_requires"].splitlines()
    for extra in core["options.extras_require"].values():
        texts += extra.splitlines()
    for path in sorted(ROOT.glob("plugins/*/pyproject.toml")):
        project = tomllib.loads(path.read_text())["project"]
        texts += project["dependencies"]
        for extra in project.get("optional-dependencies", {}).values():
            texts += extra
    yield from (one for one in parsed(texts) if not one.name.startswith("syncer-"))


def parsed(lines: Iterable[str]) -> Iterator[Requirement]:
    """Yield the requirements in these lines."""
    bare = (line.partition("#")[0].strip() for line in lines)
    yield from map(Requirement, filter(None, bare))


def resolve(python: str, machine: str, wanted: Iterable[Requirement], found: Packages) -> None:
    """Add what pip would install for one Python on one machine, in the versions found so far."""
    with tempfile.TemporaryDirectory() as folder:
        report, asked, bounds = (Path(folder, name) for name in ("report", "asked", "bounds"))
        asked.write_text("\n".join(map(str, wanted)))
        bounds.write_text("\n".join(f"{name}=={one.version}" for name, one in found.items()))
        words = ["install", "--quiet", "--dry-run", "--ignore-installed", "--only-binary=:all:"]
        words += [f"--platform={library}_{machine}" for library in LIBRARIES]
        words += [f"--python-version={python}", "--implementation=cp", f"--target={folder}"]
        words += [f"--report={report}", f"--requirement={asked}", f"--constraint={bounds}"]
        subprocess.run([sys.executable, "-m", "pip", *words], check=True)
        chosen = json.loads(report.read_text())["install"]
    for one in chosen:
        name = canonicalize_name(one["metadata"]["name"])
        package = found.setdefault(name, Package(one["metadata"]))
        package.hashes.add(one["download_info"]["archive_info"]["hashes"]["sha256"])
        package.pythons.add(python)


def needed(wanted: Iterable[Requirement], found: Packages) -> set[str]:
    """Return the names of what these need, directly or through others."""
    left, names = list(wanted), set[str]()
    seen: set[tuple[str, frozenset[str]]] = set()
    while left:
        one = left.pop()
        name, extras = canonicalize_name(one.name), frozenset(one.extras)
        if name not in found or (name, extras) in seen:
            continue
        seen.add((name, extras))
        names.add(name)
        for other in found[name].requires:
            marker = str(other.marker)
            if "extra ==" not in marker or any(f'"{extra}"' in marker for extra in extras):
                left.append(other)
    return names


def write(name: str, title: str, names: Iterable[str], found: Packages) -> None:
    """Write one lock."""
    lines = [found[one].line(one) for one in sorted(names)]
    (ROOT / "locks" / f"{name}.txt").write_text(HEAD.format(title) + "".join(lines))


def main() -> None:
    """Write all of them, in the same versions."""
    dev = (ROOT / "requirements-dev.txt").read_text()
    everything = [*of_distributions(), *parsed(dev.splitlines())]
    found: Packages = {}
    for python in PYTHONS:
        for machine in MACHINES:
            resolve(python, machine, everything, found)
    (ROOT / "locks").mkdir(exist_ok=True)
    write("tests", "What syncer, its plugins, their checks and their tests need", found, found)
    image = needed(of_distributions(), found)
    write("image", "What syncer and its plugins need", image, found)
    build = needed(parsed(["build", "setuptools"]), found)
    write("build", "What builds their wheels", build, found)


if __name__ == "__main__":
    main()
