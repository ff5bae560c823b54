"""registrator's layout: `/<prefix>/<name>/<ip>:<port>`, with its JSON.

    {"Name": "web", "IP": "10.0.0.5", "PublicPort": 32768, "PrivatePort": 80,
     "ContainerID": "9f0c2b7d51aa", "Tags": ["blue"], "Attrs": {"team": "shop"}, "syncer": {...}}

The path has no place for the id. So two instances of a service with one address and port cannot
both be registered, unless one is of UDP, whose nodes end with `:udp`. With the option `node`:
`id`, the path has the id in place of address and port.
"""

import re
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import unquote

from syncer import Instance, Registration
from syncer.kits.keyvalue import Layout, choose, record
from syncer_zookeeper.nodes.paths import node_name

_NODES = ("endpoint", "id")
_SHOWN = ("service", "address", "port", "tags", "meta")
#: Ids in registrator's form end with the port inside the container.
_INNER_PORT = re.compile(r"[^:]*:.*:(?P<port>\d{1,5})(:udp)?")


class RegistratorLayout(Layout):
    """For consumers that used registrator with ZooKeeper."""

    needs_port: ClassVar[bool] = True
    knows: ClassVar[tuple[str, ...]] = ("node",)

    def __init__(self, prefix: str, settings: Mapping[str, str], **more: Any) -> None:
        super().__init__(prefix, settings, **more)
        self._node = choose(settings, "node", _NODES)

    def key(self, instance: Instance) -> str:
        """Return service, address and port; or the id, if so configured."""
        udp = "" if instance.protocol == "tcp" else f":{instance.protocol}"
        last = instance.id if self._node == "id" else f"{instance.endpoint}{udp}"
        return f"{self.base}{node_name(instance.service)}/{node_name(last)}"

    def value(self, registration: Registration) -> str:
        """Return registrator's fields, and ours in `syncer`."""
        instance, mark = registration.instance, registration.mark
        inner = _INNER_PORT.fullmatch(instance.id)
        return record.dumps(
            {
                "Name": instance.service,
                "IP": instance.address,
                "PublicPort": instance.port,
                "PrivatePort": int(inner["port"]) if inner else 0,
                "ContainerID": mark.workload if mark else "",
                "Tags": list(instance.tags),
                "Attrs": dict(instance.meta),
                record.OWN: record.own_of(registration, _SHOWN),
            }
        )

    def read(self, key: str, value: str) -> Registration | None:
        """Read our entries in full; registrator's own get an id from the path."""
        fields = record.loads(value)
        shown = {
            "service": fields["Name"],
            "address": fields["IP"],
            "port": fields["PublicPort"],
            "tags": fields.get("Tags") or (),
            "meta": fields.get("Attrs") or {},
        }
        own = fields.get(record.OWN)
        if not isinstance(own, Mapping):
            own = {"id": unquote(key.removeprefix(self.base))}
        return record.registration_of({**own, **shown})

    def id_in(self, key: str) -> str:
        """Return the id, if the path has it; else a text from the path."""
        return super().id_in(key) if self._node == "id" else unquote(key.removeprefix(self.base))
