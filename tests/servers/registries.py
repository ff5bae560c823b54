"""Real registries as seen past any proxy and past syncer, in one form for all kinds.

Each has `sink(address)`, the flag's value for it behind that address; `content()`, the tags of what
syncer registered there by id; `add_foreign()` and `foreign()`, a registration of somebody else
with all that would change if anybody wrote it; and `twins()`, what stands beside registrations
and fits none of them. `server` can be killed and frozen.
"""

import base64
import json

SERVICE = "theirs"


class View:
    """What all kinds have."""

    name = ""
    keeps_data = True

    def __init__(self, server):
        self.server, self.address = server, server.address

    def ids(self):
        """The ids of what syncer registered."""
        return set(self.content())

    def twins(self):
        """Nothing stands beside the registrations."""
        return set()


class ConsulView(View):
    """The services of one agent, and foreign ones among them."""

    name = "consul"

    def sink(self, address):
        return f"consul=http://{address}"

    def content(self):
        services = self.server.api.services().items()
        return {id_: it["Tags"] for id_, it in services if "syncer-owner" in it["Meta"]}

    def add_foreign(self):
        self.server.api.register({"Name": SERVICE, "Port": 1, "Tags": ["a"]})

    def foreign(self):
        (found,) = self.server.api.catalog(SERVICE)
        return found

    def twins(self):
        checks = self.server.api.checks().values()
        return {check["ServiceID"] for check in checks} - self.ids() - {""}


class ConsulKvView(View):
    """Consul's key-value store, in registrator's layout."""

    name = "consulkv"

    def sink(self, address):
        return f"consulkv=http://{address}"

    def content(self):
        return _of_twins(self._values("syncer/services/"))

    def add_foreign(self):
        self.server.api.put(f"kv/services/{SERVICE}/x", "192.0.2.1:1")

    def foreign(self):
        return self.server.api.get(f"kv/services/{SERVICE}/x")

    def twins(self):
        keys = {key.split("/")[-1] for key in self._values("services/")} - {"x"}
        return keys ^ self.ids()

    def _values(self, prefix):
        found = self.server.api.get("kv/", recurse="1")
        return {
            entry["Key"]: base64.b64decode(entry["Value"])
            for entry in found
            if entry["Key"].startswith(prefix)
        }


class EtcdView(View):
    """The entries of registrator's layout, each with a twin that holds its mark."""

    name = "etcd"

    def sink(self, address):
        return f"etcd://{address}/services"

    def content(self):
        return _of_twins(self.server.api.values("/syncer/"))

    def add_foreign(self):
        self.server.api.put(f"/services/{SERVICE}/x", "192.0.2.1:1")

    def foreign(self):
        return self.server.api.entries(f"/services/{SERVICE}/")

    def twins(self):
        entries = self.server.api.entries("").items()
        ours = {key: entry for key, entry in entries if key.split("/")[2] != SERVICE}
        keys = {key.split("/")[-1] for key in ours if key.startswith("/services/")}
        leases = sorted({str(entry.get("lease", 0)) for entry in ours.values()})
        return (keys ^ self.ids()) | set(leases[1:])


class EurekaView(View):
    """The instances of one server."""

    name = "eureka"
    keeps_data = False

    def __init__(self, server):
        self.server, self.address = server, f"127.0.0.1:{server.port}"

    def sink(self, address):
        return f"eureka=http://{address}/eureka/"

    def content(self):
        found = {}
        for one in self.server.api.instances():
            fields = one.get("metadata") or {}
            if "syncer-id" in fields and one["status"] == "UP":
                found[fields["syncer-id"]] = fields.get("tags", "").split(",")
        return found

    def add_foreign(self):
        """It lives without being renewed."""
        lease = {"renewalIntervalInSecs": 30, "durationInSecs": 86400}
        self.server.api.register(SERVICE, "x", leaseInfo=lease)

    def foreign(self):
        return self.server.api.instance(SERVICE, "x")


class ZooKeeperView(View):
    """The nodes of registrator's layout."""

    name = "zookeeper"

    def sink(self, address):
        return f"zookeeper={address}/services"

    def content(self):
        values = map(json.loads, self.server.values("/services").values())
        return {it["syncer"]["id"]: it["Tags"] for it in values if "syncer" in it}

    def add_foreign(self):
        self.server.put(f"/services/{SERVICE}/x", '{"Name": "theirs"}')

    def foreign(self):
        return self.server.client.get(f"/services/{SERVICE}/x")


class FileView(View):
    """A JSON file; beside it there may be a lock, and nothing else."""

    name = "file"

    def __init__(self, path):
        self.path = self.address = path

    def sink(self, address):
        return f"file={self.path}"

    def content(self):
        return {one["id"]: one.get("tags", []) for one in self._entries() if "mark" in one}

    def add_foreign(self):
        entry = {"id": "x", "service": SERVICE, "address": "192.0.2.1", "port": 1}
        self.path.write_text(json.dumps({"registrations": [entry]}))

    def foreign(self):
        return [one for one in self._entries() if "mark" not in one]

    def twins(self):
        known = {self.path.name, f".{self.path.name}.lock"}
        return {path.name for path in self.path.parent.iterdir()} - known

    def _entries(self):
        return json.loads(self.path.read_text())["registrations"]


def _of_twins(values):
    """The tags by id, of values that hold all about an instance."""
    return {one["id"]: one.get("tags", []) for one in map(json.loads, values.values())}
