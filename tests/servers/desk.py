"""The machine of the documentation: it is called vm, is at 192.0.2.2, and has Docker and Consul.

It is a network namespace with a host name of its own. So commands find names, addresses and ports
just as the pages show them, whatever else the tests' machine has. It needs what `servers.docker`
and `servers.consul` need.
"""

import shutil
import subprocess

from servers import consul, docker
from servers.docker import DockerEngine, image_archive
from servers.process import Server

NAME, ADDRESS = "vm", "192.0.2.2"
# Beside those of the servers: what a reader types, and what makes the machine.
PROGRAMS = ("docker", "hostname", "nsenter", "unshare")
# The two ends of one cable; the other machine of its network is not there.
_SET_UP = f"""
hostname {NAME}
ip link set lo up
ip link add eth0 type veth peer name cable
ip address add {ADDRESS}/24 dev eth0
ip link set cable up
ip link set eth0 up
ip route add default via 192.0.2.1
# As wherever Docker is at home; without, it says so in what commands print.
echo 1 >/proc/sys/net/ipv4/ip_forward
touch "$1"
exec sleep infinity
"""
_CONSUL = ("consul", "agent", "-dev", "-node", NAME, "-bind", "127.0.0.1", "-client", "127.0.0.1")


def missing():
    """Why no such machine can be made here, in words; empty if one can."""
    absent = [program for program in PROGRAMS if shutil.which(program) is None]
    if absent:
        return f"not on the PATH: {', '.join(absent)}"
    return docker.missing() or consul.missing()


class _Engine(DockerEngine):
    """An engine inside: its own default bridge, and an image `busybox`."""

    def __init__(self, guard, inside):
        super().__init__(guard, "desk-docker")
        self._inside = inside
        self.bridge = "docker0"  # it makes this itself

    def _network_argv(self):
        return ()

    def _dockerd_argv(self, live_restore):
        return [*self._inside(), *super()._dockerd_argv(live_restore)]

    def _make_images(self):
        super()._make_images()
        self.client.api.import_image_from_data(image_archive(), repository="busybox", tag="latest")


class Desk:
    """The machine; `start`, `stop`, and `clean` for the next page."""

    def __init__(self, guard):
        self._guard = guard
        self._ready = guard.folder / "desk-is-ready"
        argv = ["unshare", "--net", "--uts", "--", "sh", "-ec", _SET_UP, "sh", self._ready]
        self._machine = Server(guard, "desk", argv)
        self.engine = _Engine(guard, self.inside)
        self._consul = None
        self._started = 0

    @property
    def docker_host(self):
        """The engine's address, as in DOCKER_HOST."""
        return self.engine.address

    @property
    def version(self):
        """The versions of its engine and agent."""
        return f"Docker {self.engine.version}, Consul {consul.version()}"

    def start(self):
        """Make the machine, start the engine and the agent."""
        self._machine.start(self._ready.exists)
        self.engine.start(live_restore=False)
        self._consul = Server(self._guard, "desk-consul", [*self.inside(), *_CONSUL])
        self._consul.start(self._consul_answers)

    def stop(self):
        """End all of it."""
        self.engine.close()
        if self._consul is not None:
            self._consul.kill()
        self._machine.kill()

    close = stop

    def clean(self):
        """No containers, and a Consul that knows nothing."""
        self.engine.clean()
        if self._ask_consul("catalog", "services") != "consul\n":
            self._consul.kill()
            self._consul.start(self._consul_answers)

    def inside(self):
        """What stands before a program to have it run on this machine."""
        return ["nsenter", "--target", str(self._machine.pid), "--net", "--uts", "--"]

    def background(self, argv, env):
        """Start a program that goes on; `argv` begins with `inside()`."""
        self._started += 1
        env = {"PYTHONUNBUFFERED": "1"} | env
        server = Server(self._guard, f"desk-command-{self._started}", argv, env)
        server.start(lambda: server.log.exists() and server.log.read_text())
        return server

    def _consul_answers(self):
        # It answers before it is in its own catalog, and can be written to.
        return NAME in self._ask_consul("catalog", "nodes")

    def _ask_consul(self, *question):
        asked = [*self.inside(), "consul", *question]
        done = subprocess.run(asked, capture_output=True, text=True, timeout=30, check=False)
        return done.stdout
