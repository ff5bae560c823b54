"""A real Docker engine of the tests' own, beside any other on the machine.

It has its own containerd, folders, socket and bridge. It leaves the machine's firewall alone
(`--iptables=false`): the engine flushes its chains when it starts, which would cut off the
published ports of another engine. The host reaches containers without it, by the bridge, and
published ports through the engine's userland proxy; containers cannot reach the internet,
and need not.
"""

import contextlib
import functools
import io
import json
import os
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import docker

from servers.process import Server
from servers.unix import ask
from servers.waiting import wait_until

IMAGE = "syncer-test:web"
PLAIN_IMAGE = "syncer-test:plain"
BUSYBOX = Path("/bin/busybox")
APPLETS = ("sh", "httpd", "sleep", "rm", "touch", "test", "cat", "wget", "nc", "kill", "true")
PROGRAMS = ("dockerd", "containerd", "runc", "ip")
SECOND = 1_000_000_000
PORTS_TRIED = 5
# Ends at once on SIGTERM (as the first process it would else ignore it), and serves /health.
WEB_COMMAND = "trap 'exit 0' TERM; httpd -f -p ${PORT:-8000} -h /www & wait"


def missing():
    """Why no engine can be started here, in words; empty if one can."""
    absent = [program for program in PROGRAMS if shutil.which(program) is None]
    if absent:
        return f"not on the PATH: {', '.join(absent)}"
    if not _is_static(BUSYBOX):
        return f"{BUSYBOX} is missing or needs shared libraries (Debian: busybox-static)"
    if os.geteuid() != 0:
        return "only root can start an engine"
    return ""


@functools.cache
def _major_version():
    said = subprocess.run(["dockerd", "--version"], capture_output=True, text=True, check=True)
    return int(re.search(r"version (\d+)", said.stdout)[1])


def _is_static(program):
    # The path of the dynamic loader is in every program that needs one.
    return program.exists() and b"/ld-linux" not in program.read_bytes()


def health_check(command="test -e /www/health", interval=0.2, retries=1, start_period=0.0):
    """A HEALTHCHECK for `DockerEngine.run(..., healthcheck=...)`; times in seconds."""
    return {
        "test": ["CMD-SHELL", command],
        "interval": int(interval * SECOND),
        "timeout": 5 * SECOND,
        "retries": retries,
        "start_period": int(start_period * SECOND),
    }


# Arguments: our default bridge, and the engine's store of networks. Of the bridges of user
# networks, which a killed engine leaves too, those are ours that the store names.
REMOVE_BRIDGES = """
ip link delete "$1"
cd /sys/class/net && for bridge in br-*; do
    if grep -qs "${bridge#br-}" "$2"; then ip link delete "$bridge"; fi
done
"""


def create_bridge():
    """Make a bridge with addresses that nobody else here has; return its name and IPv6 net."""
    for number in range(1, 255):
        name = f"syncer{number}"
        if not _ip("link", "add", name, "type", "bridge"):
            continue  # another test run has it
        _ip("address", "add", f"10.213.{number}.1/24", "dev", name)
        _ip("link", "set", name, "up")
        return name, f"fd5c:213:{number:x}::/64"
    raise RuntimeError("cannot create a bridge: no right to, or syncer1 to syncer254 all exist")


def _ip(*arguments):
    return subprocess.run(["ip", *arguments], capture_output=True, check=False).returncode == 0


class DockerEngine:
    """dockerd and containerd; `start`, `stop`, `kill`, `restart`, and containers to look at.

    With `live_restore` containers live on while dockerd is away.
    """

    def __init__(self, guard, name="docker"):
        self._guard = guard
        self.folder = guard.folder / name
        self.folder.mkdir()
        self.socket = self.folder / "docker.sock"
        self.address = f"unix://{self.socket}"
        self.bridge = self.cidr_v6 = None
        self.client = None
        self.version = ""
        #: Where the id is kept up to Docker 22; later it is in the data folder.
        self._key = self.folder / "key.json"
        self._containerd_socket = self.folder / "containerd.sock"
        self._containerd = Server(guard, f"{name}-containerd", self._containerd_argv())
        self._dockerd = Server(guard, f"{name}-dockerd", [])

    # The engine

    def start(self, live_restore=True):
        """Start what is not running, and wait until it answers."""
        if self.bridge is None:
            self._create_bridge()
        if not self._containerd.running():
            self._containerd.start(self._containerd_socket.exists)
        self._dockerd.argv = self._dockerd_argv(live_restore)
        self._dockerd.start(self._answers)
        if self.client is None:
            self.client = docker.DockerClient(base_url=self.address, timeout=120)
        self.version = self.client.version()["Version"]
        self._make_images()

    def stop(self):
        """End dockerd politely: with live restore its containers go on."""
        self._dockerd.stop()

    def kill(self):
        """Crash dockerd; its containers go on."""
        self._dockerd.kill()

    def restart(self, live_restore=True):
        """Stop dockerd and start it again."""
        self.stop()
        self.start(live_restore)

    def freeze(self):
        """Keep dockerd from answering, with its connections open."""
        self._dockerd.freeze()

    def thaw(self):
        """Let a frozen dockerd go on."""
        self._dockerd.thaw()

    @property
    def identity(self):
        """The engine's id."""
        return self.client.info()["ID"]

    def install_anew(self):
        """Stop it, and start it without its containers and under another id."""
        self.clean()
        self.stop()
        self._key.unlink(missing_ok=True)
        (self.folder / "data/engine-id").unlink(missing_ok=True)
        self.start()

    def clone_of(self, other):
        """Start under the id of another engine, as a copy of its machine would."""
        self.stop()
        for own in (self._key, self.folder / "data/engine-id"):
            theirs = other.folder / own.relative_to(self.folder)
            if theirs.exists():
                shutil.copy(theirs, own)
        self.start()

    def running(self):
        """Whether dockerd is there."""
        return self._dockerd.running()

    def close(self):
        """End all of it, containers included."""
        if self.client is not None and self.running():
            with contextlib.suppress(docker.errors.APIError, OSError):
                self.clean()
        if self.client is not None:
            self.client.close()
        self._dockerd.stop()
        self._containerd.stop()

    # Containers, images and networks

    def run(self, name, image=IMAGE, **options):
        """Run a container in the background and return its id.

        `options` are those of the Docker SDK's `containers.run`: labels, environment, ports,
        network, hostname, healthcheck (see `health_check`), restart_policy, command, ...
        """
        container = self.client.containers.create(image, name=name, detach=True, **options)
        self._start(container)
        return container.id

    def _start(self, container):
        # A free port that the engine chose for IPv4 may be an outgoing connection's of IPv6.
        for _ in range(PORTS_TRIED - 1):
            try:
                return container.start()
            except docker.errors.APIError as error:
                if "address already in use" not in str(error):
                    raise
        return container.start()

    def container(self, name):
        """The SDK's object for a container, freshly inspected."""
        return self.client.containers.get(name)

    def remove(self, name):
        """`docker rm -f`."""
        self.container(name).remove(force=True, v=True)

    def execute(self, name, *command):
        """Run a command in a container and return what it says; it must succeed."""
        result = self.container(name).exec_run(list(command))
        assert result.exit_code == 0, f"{command} in {name}: {result.output!r}"
        return result.output.decode()

    def set_healthy(self, name, healthy):
        """Make /health of a container answer 200, or 404."""
        self.execute(name, "touch" if healthy else "rm", "/www/health")

    def wait_healthy(self, name, status="healthy", deadline=20):
        """Wait until the HEALTHCHECK of a container says `status`."""
        wait_until(
            lambda: self.container(name).attrs["State"]["Health"]["Status"] == status,
            deadline,
            f"{name} to be {status}",
        )

    def ip(self, name, network="bridge", v6=False):
        """The container's address in a network."""
        known = self.container(name).attrs["NetworkSettings"]["Networks"][network]
        return known["GlobalIPv6Address" if v6 else "IPAddress"]

    def host_port(self, name, port="8000/tcp"):
        """The port of the host that a container's port is published on."""
        return int(self.container(name).ports[port][0]["HostPort"])

    def network(self, name, v6_subnet=None, **options):
        """Create a user network and return its id; `v6_subnet` makes it speak IPv6 too."""
        if v6_subnet:
            pool = docker.types.IPAMPool(subnet=v6_subnet)
            options |= {"enable_ipv6": True, "ipam": docker.types.IPAMConfig(pool_configs=[pool])}
        return self.client.networks.create(name, driver="bridge", **options).id

    def image(self, name, *changes):
        """Make an image of busybox and /www; `changes` are lines as in a Dockerfile."""
        repository, _, tag = name.partition(":")
        self.client.api.import_image_from_data(
            image_archive(), repository=repository, tag=tag, changes=list(changes)
        )

    def clean(self):
        """Remove all containers and user networks; thaw or start dockerd if need be."""
        self.thaw()
        if not self.running():
            self.start()
        for container in self.client.api.containers(all=True, quiet=True):
            with contextlib.suppress(docker.errors.NotFound):
                self.client.api.remove_container(container["Id"], force=True, v=True)
        self.client.networks.prune()

    # How it is started

    def _create_bridge(self):
        self.bridge, self.cidr_v6 = create_bridge()
        networks = self.folder / "data/network/files/local-kv.db"
        self._guard.at_exit(["sh", "-c", REMOVE_BRIDGES, "sh", self.bridge, str(networks)])

    def _containerd_argv(self):
        config = self.folder / "containerd.toml"
        config.write_text('version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n')
        return [
            *("containerd", "--config", config, "--address", self._containerd_socket),
            *("--root", self.folder / "containerd", "--state", self.folder / "run-containerd"),
        ]

    def _dockerd_argv(self, live_restore):
        config = self.folder / "daemon.json"  # not the machine's /etc/docker/daemon.json
        settings = {"live-restore": live_restore}
        if _major_version() < 23:
            settings["deprecated-key-path"] = str(self._key)  # not the machine's own
        config.write_text(json.dumps(settings))
        return [
            *("dockerd", "--config-file", config, "--host", self.address),
            *("--containerd", self._containerd_socket, "--pidfile", self.folder / "docker.pid"),
            *("--data-root", self.folder / "data", "--exec-root", self.folder / "run-docker"),
            *self._network_argv(),
            *("--iptables=false", "--ip-forward=false", "--ip-masq=false"),
            # The engine leaves out pools that overlap with an interface of the machine.
            *("--default-address-pool", "base=10.214.0.0/16,size=24"),
        ]

    def _network_argv(self):
        return ("--bridge", self.bridge, "--ipv6", "--fixed-cidr-v6", self.cidr_v6)

    def _answers(self):
        # Not by the SDK, which leaves a socket open each time that it cannot connect.
        return ask(self.socket, "GET", "/_ping")[0] == 200

    def _make_images(self):
        present = {tag for image in self.client.images.list() for tag in image.tags}
        if IMAGE not in present:
            command = f"CMD {json.dumps(['sh', '-c', WEB_COMMAND])}"
            self.image(IMAGE, "EXPOSE 8000", command)
            self.image(PLAIN_IMAGE, command)


def image_archive():
    """An image's files: busybox by its names, and /www with a health page."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for folder in ("bin", "www", "tmp"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
        _add_file(tar, "bin/busybox", BUSYBOX.read_bytes(), 0o755)
        for page in ("index.html", "health"):
            _add_file(tar, f"www/{page}", b"ok\n", 0o644)
        for applet in APPLETS:
            entry = tarfile.TarInfo(f"bin/{applet}")
            entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(entry)
    return archive.getvalue()


def _add_file(tar, name, content, mode):
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    tar.addfile(entry, io.BytesIO(content))
