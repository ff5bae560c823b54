"""go-kratos' registry: `/microservices/<name>/<id>`, with endpoints as URLs.

For Kratos one value that it cannot read is a failure of the whole service, so nothing else may be
below it. The mark is in `metadata`, where consumers expect text by name.
"""

from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

from syncer import Instance, Registration
from syncer.kits.keyvalue import Layout, choose, needs_port, record, segment, split_endpoint

_SCHEMES = ("http", "grpc")
_SHOWN = ("address", "port", "meta")


class KratosLayout(Layout):
    """Services of go-kratos; option `scheme`: http or grpc. Metadata `version` is the version."""

    default_prefix: ClassVar[str] = "/microservices"
    knows: ClassVar[tuple[str, ...]] = ("scheme",)

    def __init__(self, prefix: str, settings: Mapping[str, str]) -> None:
        super().__init__(prefix, settings)
        self._scheme = choose(settings, "scheme", _SCHEMES)

    def fit(self, instance: Instance) -> None:
        """Raise PermanentError for no port, or `syncer` in the metadata."""
        needs_port(instance)
        record.free_of_own(instance)

    def key(self, instance: Instance) -> str:
        """Return service and id."""
        return f"{self.base}{segment(instance.service)}/{segment(instance.id)}"

    def value(self, registration: Registration) -> str:
        """Return a `ServiceInstance` of kratos."""
        instance = registration.instance
        own = record.dumps(record.own_of(registration, _SHOWN))
        return record.dumps(
            {
                "id": instance.id,
                "name": instance.service,
                "version": instance.meta.get("version", ""),
                "metadata": {**instance.meta, record.OWN: own},
                "endpoints": [f"{self._scheme}://{instance.endpoint}?isSecure=false"],
            }
        )

    def read(self, key: str, value: str) -> Registration | None:
        """Read our entries in full; of others the first endpoint and the metadata."""
        fields: dict[str, Any] = record.loads(value)
        address, port = split_endpoint(urlsplit(fields["endpoints"][0]).netloc)
        meta = dict(fields.get("metadata") or {})
        own = meta.pop(record.OWN, None)
        place = {"address": address, "port": port, "meta": meta}
        if isinstance(own, str):
            ours = record.loads(own)
            instance = record.instance_of({**ours, **place})
            return Registration(instance=instance, mark=record.mark_of(ours.get("mark")))
        named = {"id": fields["id"], "service": fields["name"]}
        return Registration(instance=record.instance_of({**named, **place}))

    def id_in(self, key: str) -> str:
        """Return the last part of the key."""
        return unquote(key.rpartition("/")[2])
