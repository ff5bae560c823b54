"""Real etcd servers, and two witnesses of what they hold: the JSON gateway and `etcdctl`.

Neither uses any of syncer's code or its client library.
"""

import base64
import json
import os
import random
import re
import shutil
import subprocess
import urllib.error
import urllib.request

from servers.process import free_ports
from servers.real import RealServer
from servers.secrets import secret
from servers.waiting import wait_until

ROOT_PASSWORD = "r00t-s3cret"


def missing():
    """Why no etcd can be started here, in words; empty if one can."""
    lacking = [name for name in ("etcd", "etcdctl") if not shutil.which(name)]
    return f"not on the PATH: {', '.join(lacking)}" if lacking else ""


def version():
    """The version of the etcd program."""
    said = subprocess.run(["etcd", "--version"], capture_output=True, text=True, check=True).stdout
    return re.search(r"Version: ([\d.]+)", said).group(1)


# Never through a proxy that the environment names: the servers are on this machine.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _packed(text):
    return base64.b64encode(text.encode()).decode()


def _unpacked(text):
    return base64.b64decode(text).decode("utf-8", "surrogateescape")


def _end(prefix):
    return prefix[:-1] + chr(ord(prefix[-1]) + 1) if prefix else "\0"


class EtcdApi:
    """Questions and hand edits over a server's JSON gateway, without users and without TLS."""

    def __init__(self, url):
        self.url = url

    def request(self, path, **body):
        """POST /v3/`path`; an answer of 400 and above raises `urllib.error.HTTPError`."""
        request = urllib.request.Request(f"{self.url}/v3/{path}", json.dumps(body).encode())
        with _OPENER.open(request, timeout=10) as answer:
            return json.load(answer)

    def entries(self, prefix=""):
        """What stands under a prefix: each key with its raw entry; `value` is text."""
        said = self.request(
            "kv/range", key=_packed(prefix or "\0"), range_end=_packed(_end(prefix))
        )
        found = {}
        for entry in said.get("kvs", ()):
            entry["value"] = _unpacked(entry.get("value", ""))
            found[_unpacked(entry["key"])] = entry
        return found

    def values(self, prefix=""):
        """What stands under a prefix: the value of each key."""
        return {key: entry["value"] for key, entry in self.entries(prefix).items()}

    def lease_of(self, key):
        """The id of the lease that a key hangs on, 0 for none."""
        return int(self.entries(key)[key].get("lease", 0))

    def put(self, key, value, lease=0):
        """Write a key by hand."""
        self.request("kv/put", key=_packed(key), value=_packed(value), lease=lease)

    def delete(self, prefix):
        """Remove all keys that begin so; "" removes everything."""
        self.request("kv/deleterange", key=_packed(prefix or "\0"), range_end=_packed(_end(prefix)))

    def leases(self):
        """The ids of all leases."""
        return {int(lease["ID"]) for lease in self.request("lease/leases").get("leases", ())}

    def revoke(self, lease):
        """End a lease, and all that hangs on it."""
        self.request("lease/revoke", ID=lease)

    def revision(self):
        """The revision of the last change."""
        return int(self.request("kv/range", key=_packed("\0"))["header"]["revision"])

    def clean(self):
        """Remove every key and every lease."""
        self.delete("")
        for lease in self.leases():
            self.revoke(lease)


class Etcd(RealServer):
    """One server. `tls` is a folder with certificates and keys, `args` are more flags."""

    def __init__(self, guard, name="etcd", host="127.0.0.1", tls=None, args=(), cluster=None):
        super().__init__(guard, name)
        self.host, self.tls = host, tls
        client, peer = free_ports(2, host)
        self.address = f"{host}:{client}"
        self.scheme = "https" if tls else "http"
        self.url = f"{self.scheme}://{self.address}"
        self.peer_url = f"http://{host}:{peer}"
        self.api = EtcdApi(self.url)
        self.args, self.cluster = list(args), cluster
        self.data = self.folder
        self._user = ""

    def ctl(self, *words, stdin=None):
        """Run `etcdctl` against it, and return what it says; it must succeed."""
        argv = ["etcdctl", "--endpoints", self.url]
        if self.tls:
            argv += ["--cacert", self.tls / "ca.pem"]
            argv += ["--cert", self.tls / "client.pem", "--key", self.tls / "client.key"]
        if self._user:
            argv += ["--user", self._user]
        env = {k: v for k, v in os.environ.items() if not k.startswith("ETCDCTL")}
        done = subprocess.run(
            [*map(str, argv), *words],
            capture_output=True,
            text=True,
            input=stdin,
            timeout=30,
            check=False,
            env=env | {"ETCDCTL_API": "3"},
        )
        assert done.returncode == 0, f"etcdctl {' '.join(words)}: {done.stderr}"
        return done.stdout

    def enable_auth(self, **users):
        """Make users by name with their passwords, who may do everything, and ask for them."""
        for name, password in {**users, "root": ROOT_PASSWORD}.items():
            self.ctl("user", "add", f"{name}:{secret(password)}")
            self.ctl("user", "grant-role", name, "root")
        self.ctl("auth", "enable")
        self._user = f"root:{ROOT_PASSWORD}"

    def _argv(self):
        members = self.cluster or f"{self.name}={self.peer_url}"
        argv = [
            *("etcd", "--name", self.name, "--data-dir", self.folder),
            *("--listen-client-urls", self.url, "--advertise-client-urls", self.url),
            *("--listen-peer-urls", self.peer_url, "--initial-advertise-peer-urls", self.peer_url),
            *("--initial-cluster", members, "--initial-cluster-token", self._guard.folder.name),
            *("--logger", "zap", "--log-level", "warn"),
        ]
        if self.tls:
            argv += ["--cert-file", self.tls / "server.pem", "--key-file", self.tls / "server.key"]
            argv += ["--trusted-ca-file", self.tls / "ca.pem", "--client-cert-auth"]
        return [*argv, *self.args]

    def _ready(self):
        if not self.tls and not self._user:
            return self.api.revision()
        try:
            return self.ctl("endpoint", "health") is not None
        except AssertionError:
            return False


class EtcdProxy(RealServer):
    """`etcd grpc-proxy` before a server."""

    def __init__(self, guard, name, target):
        super().__init__(guard, name)
        self.target = target
        (port,) = free_ports(1)
        self.address = f"127.0.0.1:{port}"

    def _argv(self):
        where = ("--endpoints", self.target, "--listen-addr", self.address)
        return ["etcd", "grpc-proxy", "start", *where]

    def _ready(self):
        with _OPENER.open(f"http://{self.address}/health", timeout=10) as answer:
            return json.load(answer)["health"] in ("true", True)


class EtcdCluster:
    """Three members, each on a loopback address of its own."""

    def __init__(self, guard, name="etcd-cluster"):
        net = f"127.{random.randrange(1, 255)}.{random.randrange(1, 255)}"
        self.members = [Etcd(guard, f"{name}-{n}", f"{net}.{n}") for n in (1, 2, 3)]
        joined = ",".join(f"{member.name}={member.peer_url}" for member in self.members)
        for member in self.members:
            member.cluster = joined

    @property
    def addresses(self):
        """`host:port` of every member."""
        return tuple(member.address for member in self.members)

    @property
    def api(self):
        """The gateway of the first member that runs."""
        return next(member.api for member in self.members if member.running())

    def start(self):
        """Start all three and wait until each answers."""
        for member in self.members:
            member.begin()
        for member in self.members:
            member.wait_ready()

    def leader(self):
        """The member that leads now, `None` during an election."""
        for member in filter(Etcd.running, self.members):
            try:
                said = member.api.request("maintenance/status")
            except OSError:
                continue
            if said.get("leader") == said["header"]["member_id"]:
                return member
        return None

    def wait_leader(self, deadline=30):
        """Wait until a running member leads and the cluster can be written to."""
        leader = wait_until(self.leader, deadline, "a leader")
        wait_until(leader.api.revision, deadline, "the cluster to answer", ignore=(OSError,))
        return leader

    def move_leader(self):
        """Make another member the leader, and return it."""
        before = self.wait_leader()
        other = next(member for member in self.members if member is not before)
        id_ = int(other.api.request("maintenance/status")["header"]["member_id"])
        before.ctl("move-leader", f"{id_:x}")
        return wait_until(
            lambda: (now := self.leader()) is not before and now, 30, "another leader"
        )

    def clean(self):
        """All three up again, and without anything in them."""
        for member in self.members:
            member.thaw()
        for member in self.members:
            if not member.running():
                member.start()
        self.wait_leader().api.clean()

    def stop(self):
        """End all at once."""
        for member in self.members:
            member.kill()
