"""A real Podman, by the service that speaks Docker's API, in a network namespace of its own.

It has its own storage, locks and events. runc is named since Podman's own choice, crun, refuses
machines with both versions of control groups, and the limits since a machine may forbid its own.
"""

import contextlib
import shutil
import subprocess

import docker

from servers.docker import BUSYBOX, WEB_COMMAND, image_archive
from servers.process import Server
from servers.unix import ask
from servers.waiting import wait_until

IMAGE = "localhost/syncer-test:web"
PROGRAMS = ("podman", "conmon", "runc", "iptables")
_IN_NAMESPACE = ("unshare", "--net", "--", "sh", "-c", 'ip link set lo up && exec "$@"', "sh")
_SETTINGS = """
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
runtime = "runc"
[network]
network_backend = "cni"
"""


def missing():
    """Why there can be no Podman here, in words; empty if there can."""
    absent = [program for program in PROGRAMS if shutil.which(program) is None]
    if absent:
        return f"not on the PATH: {', '.join(absent)}"
    return "" if BUSYBOX.exists() else f"{BUSYBOX} is missing (Debian: busybox-static)"


class Podman:
    """`podman system service`, and containers to look at."""

    def __init__(self, guard, name="podman"):
        self.folder = guard.folder / name
        self.folder.mkdir()
        self.socket = self.folder / "podman.sock"
        self.address = f"unix://{self.socket}"
        settings = self.folder / "containers.conf"
        settings.write_text(_SETTINGS)
        self._env = {"CONTAINERS_CONF": str(settings)}
        self._argv = [
            *("podman", "--root", self.folder / "root", "--runroot", self.folder / "run"),
            *("--tmpdir", self.folder / "tmp"),
        ]
        serve = [*_IN_NAMESPACE, *self._argv, "system", "service", "--time", "0", self.address]
        self._server = Server(guard, name, serve, env=self._env)
        self.client = None
        self.version = ""
        self._has_pods = False

    def start(self):
        """Start the service, and wait until it answers."""
        self._server.start(self._answers)
        if self.client is None:
            self._make_image()
            self.client = docker.DockerClient(base_url=self.address, timeout=120)
        self.version = self._version()

    def restart(self):
        """Stop the service and start it again; containers go on."""
        self._server.stop()
        self.start()

    def run(self, name, **options):
        """Run a container in the background and return its id."""
        return self.client.containers.run(IMAGE, name=name, detach=True, **options).id

    def container(self, name):
        """The SDK's object for a container, freshly inspected."""
        return self.client.containers.get(name)

    def check_health(self, name):
        """Run a container's HEALTHCHECK once, as Podman has systemd do."""
        self._podman("healthcheck", "run", name)

    def run_in_pod(self, pod, name, publish):
        """Create a pod that publishes a port (`18000:8000`), and run a container in it."""
        infra = ("--infra-image", IMAGE, "--infra-command", "/bin/sleep 9999")
        self._has_pods = True
        self._podman("pod", "create", "--name", pod, "--publish", publish, *infra)
        self._podman("run", "--detach", "--pod", pod, "--name", name, IMAGE)
        return self.container(name).id

    def _podman(self, *words):
        """Podman's own command, by the service, which alone is in the namespace."""
        argv = ["podman", "--url", self.address, *words]
        done = subprocess.run(
            argv, env=self._server.env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{words}: {done.stderr}"

    def clean(self):
        """Remove all containers."""
        if not self._server.running():
            self.start()
        wait_until(self._emptied, 30, "Podman to be without containers")

    def _emptied(self):
        if self._has_pods:
            self._podman("pod", "rm", "--all", "--force", "--time", "0")
            self._has_pods = False
        # One whose network another shares is refused while that one is there.
        for container in self.client.api.containers(all=True):
            with contextlib.suppress(docker.errors.APIError):
                self.client.api.remove_container(container["Id"], force=True)
        return not self.client.api.containers(all=True)

    def close(self):
        """End all of it, containers included."""
        if self.client is not None:
            with contextlib.suppress(AssertionError, OSError):
                self.clean()
            self.client.close()
        self._server.stop()

    def _answers(self):
        return ask(self.socket, "GET", "/_ping")[0] == 200

    def _version(self):
        parts = self.client.version()["Components"]
        return next(part["Version"] for part in parts if part["Name"] == "Podman Engine")

    def _make_image(self):
        archive = self.folder / "image.tar"
        archive.write_bytes(image_archive())
        command = f'CMD ["sh", "-c", "{WEB_COMMAND}"]'
        subprocess.run(
            [
                *(*self._argv, "import", "--change", "EXPOSE 8000", "--change", command),
                *(archive, IMAGE),
            ],
            env=self._server.env,
            check=True,
            capture_output=True,
        )
