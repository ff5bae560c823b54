"""A machine for compose files: a Docker engine in a network of its own, at the usual socket.

Fixed ports and paths are free there, whatever else runs on this machine. There are no images
but those that are made here, by the names that compose files ask for: of programs of this machine.
"""

import io
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import docker

from servers.docker import BUSYBOX
from servers.docker import missing as missing_for_docker
from servers.process import Server
from servers.unix import ask

#: The address of the machine, on a line that leads nowhere.
ADDRESS = "192.0.2.2"
PROGRAMS = ("docker-compose", "consul", "unshare", "nsenter", "mount", "ldd")
_MACHINE = f"""
mount -t tmpfs tmpfs /run &&
ip link set lo up &&
ip link add line type bridge &&
ip address add {ADDRESS}/24 dev line &&
ip link set line up &&
ip route add default via 192.0.2.1 &&
exec "$@"
"""
_ASK = "import sys, urllib.request as r; print(r.urlopen(sys.argv[1], timeout=10).read().decode())"


def missing():
    """Why there can be no such machine here, in words; empty if there can."""
    absent = [program for program in PROGRAMS if shutil.which(program) is None]
    return f"not on the PATH: {', '.join(absent)}" if absent else missing_for_docker()


class ComposeHost:
    """The machine; `compose` runs compose there, `get` asks for a page of it."""

    def __init__(self, guard, name="compose"):
        self.folder = guard.folder / name
        self.folder.mkdir()
        self.socket = self.folder / "docker.sock"
        self._env = {"DOCKER_HOST": f"unix://{self.socket}", "COMPOSE_HTTP_TIMEOUT": "180"}
        self._server = Server(guard, name, self._argv())
        self.client = None
        self.version = ""

    def start(self):
        """Start the engine, and wait until it answers."""
        self._server.start(lambda: ask(self.socket, "GET", "/_ping")[0] == 200)
        self.client = docker.DockerClient(base_url=self._env["DOCKER_HOST"], timeout=60)
        self.version = _said("docker-compose", "version", "--short").strip()

    def compose(self, *words, files):
        """Run compose with these files to its end; what it said, and its exit code, come back."""
        given = [word for file in files for word in ("--file", str(file))]
        return subprocess.run(
            ["docker-compose", "--project-name", "syncer-demo", *given, *words],
            env={**self._server.env, **self._env},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def get(self, url):
        """The text at an address of the machine; raises OSError if there is none."""
        inside = ["nsenter", "--target", str(self._server.pid), "--net", "--"]
        done = subprocess.run(
            [*inside, sys.executable, "-c", _ASK, url], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise OSError(done.stderr)
        return done.stdout

    def image(self, name, entries, *changes):
        """Make an image of this name: paths to programs, to targets of links, or to None (folders).

        `changes` are lines as in a Dockerfile.
        """
        repository, _, tag = name.removeprefix("docker.io/").rpartition(":")
        self.client.api.import_image_from_data(
            _archive(entries),
            repository=repository or tag,
            tag=tag if repository else "latest",
            changes=list(changes),
        )

    def close(self):
        """End all of it, containers included."""
        if self.client is not None:
            for container in self.client.containers.list(all=True):
                container.remove(force=True, v=True)
            self.client.close()
        self._server.stop()

    def _argv(self):
        config = self.folder / "daemon.json"  # not the machine's /etc/docker/daemon.json
        config.write_text("{}")
        return [
            *("unshare", "--net", "--mount", "--", "sh", "-c", _MACHINE, "sh"),
            *("dockerd", "--config-file", config, "--host", f"unix://{self.socket}"),
            *("--host", "unix:///var/run/docker.sock", "--pidfile", self.folder / "docker.pid"),
            *("--data-root", self.folder / "data", "--exec-root", self.folder / "run-docker"),
            *("--iptables=false", "--ip-forward=false", "--ip-masq=false"),
        ]


def consul_files():
    """The program and what it is linked with, for `ComposeHost.image`."""
    program = Path(shutil.which("consul")).resolve()
    words = _said("ldd", program).split()
    linked = [Path(word) for word in words if word.startswith("/")]
    return {"tmp": None, "bin/consul": program} | {str(p).lstrip("/"): p.resolve() for p in linked}


def busybox_files():
    """busybox with the names that a small web server needs."""
    return {"tmp": None, "bin/busybox": BUSYBOX} | {
        f"bin/{name}": "busybox" for name in ("sh", "mkdir", "httpd")
    }


def _said(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _archive(entries):
    found = io.BytesIO()
    with tarfile.open(fileobj=found, mode="w") as tar:
        for path, what in entries.items():
            entry = tarfile.TarInfo(path)
            entry.mode = 0o755
            if isinstance(what, Path):
                content = what.read_bytes()
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
                continue
            entry.type, entry.linkname = (
                (tarfile.DIRTYPE, "") if what is None else (tarfile.SYMTYPE, what)
            )
            tar.addfile(entry)
    return found.getvalue()
