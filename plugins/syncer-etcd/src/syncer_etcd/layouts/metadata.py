"""Base of layouts for frameworks that keep text by name, and the mark, in `metadata`."""

from collections.abc import Mapping
from typing import Any, ClassVar

from syncer import Instance, PermanentError, Registration
from syncer.kits.keyvalue import Layout, record, split_endpoint

_SHOWN = ("address", "port", "meta")


class MetadataLayout(Layout):
    """A layout whose consumers expect a URL or address and `metadata`."""

    needs_port: ClassVar[bool] = True

    def fit(self, instance: Instance) -> None:
        """Raise PermanentError for no port, `syncer` in the metadata, or another protocol.

        What consumers find is called by HTTP or gRPC.
        """
        super().fit(instance)
        if instance.protocol != "tcp":
            raise PermanentError(f"{instance.id}: this layout needs tcp, not {instance.protocol}")
        record.free_of_own(instance)

    def metadata(self, registration: Registration) -> dict[str, str]:
        """Return the instance's metadata, and in `syncer` the mark and the other fields."""
        own = record.dumps(record.own_of(registration, _SHOWN))
        return {**registration.instance.meta, record.OWN: own}

    def found(self, name: str, node: Mapping[str, Any], endpoint: str) -> Registration:
        """Return our entries in full; of others service, id, endpoint and metadata."""
        address, port = split_endpoint(endpoint)
        meta = dict(node.get("metadata") or {})
        own = meta.pop(record.OWN, None)
        ours = record.loads(own) if isinstance(own, str) else {"id": node["id"], "service": name}
        return record.registration_of({**ours, "address": address, "port": port, "meta": meta})
