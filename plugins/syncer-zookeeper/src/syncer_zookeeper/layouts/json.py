"""`syncer.kits.keyvalue.JsonLayout`, under paths that ZooKeeper takes."""

from syncer import Instance
from syncer.kits import keyvalue
from syncer_zookeeper.names import node_name


class JsonLayout(keyvalue.JsonLayout):
    """One readable object for each instance, at `/<prefix>/<service>/<id>`."""

    def key(self, instance: Instance) -> str:
        """Service and id."""
        return f"{self.base}{node_name(instance.service)}/{node_name(instance.id)}"
