"""go-micro's registry: `/micro/registry/<name>/<node>`, a service with one node in each value.

go-micro writes slashes in names as `-`, and so does this layout. The mark is in the node's
`metadata`.
"""

from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import unquote

from syncer import Instance, Registration
from syncer.kits.keyvalue import Layout, needs_port, record, segment, split_endpoint

_SHOWN = ("address", "port", "meta")


class MicroLayout(Layout):
    """Services of go-micro. Metadata `version` is the version."""

    default_prefix: ClassVar[str] = "/micro/registry"

    def fit(self, instance: Instance) -> None:
        """Raise PermanentError for no port, or `syncer` in the metadata."""
        needs_port(instance)
        record.free_of_own(instance)

    def key(self, instance: Instance) -> str:
        """Return service and id."""
        service = segment(instance.service.replace("/", "-"))
        return f"{self.base}{service}/{segment(instance.id)}"

    def value(self, registration: Registration) -> str:
        """Return a `Service` of go-micro."""
        instance = registration.instance
        own = record.dumps(record.own_of(registration, _SHOWN))
        node = {
            "id": instance.id,
            "address": instance.endpoint,
            "metadata": {**instance.meta, record.OWN: own},
        }
        return record.dumps(
            {
                "name": instance.service,
                "version": instance.meta.get("version", ""),
                "metadata": None,
                "endpoints": [],
                "nodes": [node],
            }
        )

    def read(self, key: str, value: str) -> Registration | None:
        """Read our entries in full; of others the first node."""
        fields: dict[str, Any] = record.loads(value)
        node = fields["nodes"][0]
        address, port = split_endpoint(node["address"])
        meta = dict(node.get("metadata") or {})
        own = meta.pop(record.OWN, None)
        place: Mapping[str, Any] = {"address": address, "port": port, "meta": meta}
        if isinstance(own, str):
            ours = record.loads(own)
            instance = record.instance_of({**ours, **place})
            return Registration(instance=instance, mark=record.mark_of(ours.get("mark")))
        named = {"id": node["id"], "service": fields["name"]}
        return Registration(instance=record.instance_of({**named, **place}))

    def id_in(self, key: str) -> str:
        """Return the last part of the key."""
        return unquote(key.rpartition("/")[2])
