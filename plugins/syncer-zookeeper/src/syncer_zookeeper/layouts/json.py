"""`syncer.kits.keyvalue.JsonLayout`, with paths that ZooKeeper allows."""

from syncer import Instance
from syncer.kits import keyvalue
from syncer_zookeeper.nodes.paths import node_name


class JsonLayout(keyvalue.JsonLayout):
    """One readable object for each instance, at `/<prefix>/<service>/<id>`."""

    def key(self, instance: Instance) -> str:
        """Return service and id."""
        return f"{self.base}{node_name(instance.service)}/{node_name(instance.id)}"
