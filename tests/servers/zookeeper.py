"""A real ZooKeeper server, and a witness of what it holds: kazoo, used by the tests alone."""

import random
import re
import shutil
import socket
from pathlib import Path

import kazoo.protocol.connection
import kazoo.retry
from kazoo.client import KazooClient
from kazoo.exceptions import NoNodeError, NotEmptyError
from kazoo.security import make_digest_acl_credential

from servers.process import free_ports
from servers.real import RealServer
from servers.waiting import wait_until

# kazoo's threads must not take from the random numbers that hypothesis draws from.
kazoo.protocol.connection.random = kazoo.retry.random = random.Random()

JARS = Path("/usr/share/java")
#: Sessions last 2 to 20 ticks: 1 to 10 s, where a server that people run has 4 to 40 s.
TICK = 0.5
# Small and quick to start; what it says goes to its log, from warnings on.
_JAVA = (
    *("java", "-Xmx256m", "-Xss512k", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"),
    *("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dzookeeper.admin.enableServer=false"),
    # Not even kill -9 loses what the kernel has: only an operator must wait for the disk.
    "-Dzookeeper.forceSync=no",
)
#: Who may do everything, for cleaning up.
SUPER = "super:s3cret-of-the-tests"
_CLASSES = ("zookeeper.jar", "netty-codec.jar", "netty-resolver.jar", "slf4j-simple.jar")
_MAIN = "org.apache.zookeeper.server.ZooKeeperServerMain"


def missing():
    """Why no ZooKeeper can be started here, in words; empty if one can."""
    if not shutil.which("java"):
        return "not on the PATH: java"
    lacking = [name for name in _CLASSES if not (JARS / name).exists()]
    return f"not in {JARS}: {', '.join(lacking)}" if lacking else ""


def version():
    """The version of the server's jar, as its other name says."""
    names = (found.name for found in JARS.glob("zookeeper-*.jar"))
    found = filter(None, (re.fullmatch(r"zookeeper-([\d.]+)\.jar", name) for name in names))
    return next((match.group(1) for match in found), "of unknown version")


class ZooKeeper(RealServer):
    """One server. `tls` is a folder with `server.pem` (certificate and key) and `ca.pem`.

    `settings` are further system properties, by their names without `zookeeper.`.
    """

    def __init__(self, guard, name="zookeeper", tls=None, tick=TICK, settings=None):
        super().__init__(guard, name)
        self.tls, self.tick, self.settings = tls, tick, settings or {}
        self.port, self.tls_port = free_ports(2)
        self.address = f"127.0.0.1:{self.port}"
        self.tls_address = f"localhost:{self.tls_port}"
        self.data = self.folder / "data"
        self._client = None

    def stop(self):
        """End it, as a crash does: it knows no other way."""
        self.kill()

    def kill(self):
        """Crash it."""
        self._forget_client()
        super().kill()

    def say(self, word):
        """The answer to one of ZooKeeper's four-letter words."""
        with socket.create_connection(("127.0.0.1", self.port), 30) as line:
            line.sendall(word.encode())
            return b"".join(iter(lambda: line.recv(65536), b"")).decode()

    @property
    def client(self):
        """A client of the tests' own, with no rights but the world's."""
        if self._client is None or not self._client.connected:
            self._forget_client()
            self._client = self.open_client()
        return self._client

    def open_client(self, **options):
        """Another client; who opens it ends it by `end`."""
        client = KazooClient(self.address, timeout=10.0, **options)
        client.start(timeout=60)
        return client

    def nodes(self, base="/"):
        """Everything under a path, without ZooKeeper's own: each path with its value and stat."""
        found, left = {}, [base]
        while left:
            path = left.pop()
            try:
                names = self.client.get_children(path)
                if path != base:
                    found[path] = self.client.get(path)
            except NoNodeError:
                continue
            left += [f"{path.rstrip('/')}/{name}" for name in names if name != "zookeeper"]
        return found

    def values(self, base="/"):
        """Everything under a path that has a value: each path with its text."""
        nodes = self.nodes(base).items()
        return {path: value.decode("utf-8", "replace") for path, (value, _) in nodes if value}

    def put(self, path, value, **options):
        """Write a node by hand, and its parents."""
        if self.client.exists(path):
            self.client.set(path, value.encode())
        else:
            self.client.create(path, value.encode(), makepath=True, **options)

    def expire(self, client_id):
        """End a session as if its time were over, and with it its nodes."""
        end(self.open_client(client_id=client_id))

    def empty(self):
        """Remove all nodes but ZooKeeper's own."""
        client = self.open_client(auth_data=[("digest", SUPER)])
        for name in client.get_children("/"):
            if name != "zookeeper":
                wait_until(lambda name=name: _removed(client, f"/{name}"), 30, f"/{name} to go")
        end(client)

    def _forget_client(self):
        if self._client is not None:
            end(self._client)
            self._client = None

    def _argv(self):
        self.folder.mkdir(exist_ok=True)
        config = self.folder / "zoo.cfg"
        lines = {
            "tickTime": round(self.tick * 1000),
            "dataDir": self.data,
            "clientPort": self.port,
            "clientPortAddress": "127.0.0.1",
            "maxClientCnxns": 0,
            "4lw.commands.whitelist": "*",
        }
        if self.tls:
            lines |= {
                "secureClientPort": self.tls_port,
                "secureClientPortAddress": "127.0.0.1",
                "serverCnxnFactory": "org.apache.zookeeper.server.NettyServerCnxnFactory",
                "ssl.keyStore.location": self.tls / "server.pem",
                "ssl.trustStore.location": self.tls / "ca.pem",
                "ssl.clientAuth": "need",
            }
        config.write_text("".join(f"{name}={value}\n" for name, value in lines.items()))
        classes = ":".join(str(JARS / name) for name in _CLASSES)
        super_ = f"-Dzookeeper.DigestAuthenticationProvider.superDigest={_digest(SUPER)}"
        more = [f"-Dzookeeper.{name}={value}" for name, value in self.settings.items()]
        return [*_JAVA, super_, *more, "-cp", classes, _MAIN, config]

    def _ready(self):
        return "Mode:" in self.say("srvr")


def _digest(credentials):
    """A user and password as the server has them in access lists and in its own settings."""
    user, _, password = credentials.partition(":")
    return f"{user}:{make_digest_acl_credential(user, password).partition(':')[2]}"


def _removed(client, path):
    """Remove a node and all below; false if a program that ends just now still wrote below it."""
    try:
        client.delete(path, recursive=True)
    except NotEmptyError:
        return False
    return True


def end(client):
    """End a client and its session, if it still can."""
    try:
        client.stop()
    finally:
        client.close()
