"""Real registries as seen past any proxy and past syncer, in one form for all kinds.

Each has `ids()`, the ids of what syncer registered there; `foreign()`, a registration of somebody
else with all that would change if anybody wrote it; and `server`, which can be killed and frozen.
"""

SERVICE = "theirs"


class ConsulView:
    """The services of one agent, and foreign ones among them."""

    name = "consul"
    keeps_data = True

    def __init__(self, server):
        self.server, self.address = server, server.address

    def sink(self, address):
        """The flag's value for this registry behind `address`."""
        return f"consul=http://{address}"

    def ids(self):
        """What syncer registered."""
        services = self.server.api.services().items()
        return {id_ for id_, found in services if "syncer-owner" in found["Meta"]}

    def add_foreign(self):
        """Register what is not syncer's."""
        self.server.api.register({"Name": SERVICE, "Port": 1, "Tags": ["a"]})

    def foreign(self):
        """What is not syncer's, whole."""
        (found,) = self.server.api.catalog(SERVICE)
        return found

    def twins(self):
        """What stands beside the registrations and must fit them; empty if all does."""
        checks = self.server.api.checks().values()
        return {check["ServiceID"] for check in checks} - self.ids() - {""}


class EtcdView:
    """The entries of registrator's layout, each with a twin that holds its mark."""

    name = "etcd"
    keeps_data = True

    def __init__(self, server):
        self.server, self.address = server, server.address

    def sink(self, address):
        """The flag's value for this registry behind `address`."""
        return f"etcd://{address}/services"

    def ids(self):
        """What syncer registered."""
        keys = self.server.api.values("/services/")
        return {key.split("/")[-1] for key in keys if key.split("/")[2] != SERVICE}

    def add_foreign(self):
        """Register what is not syncer's."""
        self.server.api.put(f"/services/{SERVICE}/x", "192.0.2.1:1")

    def foreign(self):
        """What is not syncer's, with its revisions."""
        return self.server.api.entries(f"/services/{SERVICE}/")

    def twins(self):
        """What stands beside the registrations and must fit them; empty if all does."""
        twins = {key.split("/")[-1] for key in self.server.api.values("/syncer/")}
        return twins ^ self.ids()


class EurekaView:
    """The instances of one server."""

    name = "eureka"
    keeps_data = False

    def __init__(self, server):
        self.server, self.address = server, f"127.0.0.1:{server.port}"

    def sink(self, address):
        """The flag's value for this registry behind `address`."""
        return f"eureka=http://{address}/eureka/"

    def ids(self):
        """What syncer registered and is up."""
        return {
            one["metadata"]["syncer-id"]
            for one in self.server.api.instances()
            if "syncer-id" in (one.get("metadata") or {}) and one["status"] == "UP"
        }

    def add_foreign(self):
        """Register what is not syncer's; it lives without being renewed."""
        lease = {"renewalIntervalInSecs": 30, "durationInSecs": 86400}
        self.server.api.register(SERVICE, "x", leaseInfo=lease)

    def foreign(self):
        """What is not syncer's, with the times of its last writing and renewal."""
        return self.server.api.instance(SERVICE, "x")

    def twins(self):
        """Nothing stands beside the instances."""
        return set()
