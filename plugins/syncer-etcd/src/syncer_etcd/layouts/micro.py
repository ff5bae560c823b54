"""go-micro's registry: `/micro/registry/<name>/<node>`, a service with one node in each value.

go-micro writes slashes in names as `-`, and so does this layout. The mark is in the node's
`metadata`.
"""

from typing import ClassVar

from syncer import FoundAs, Instance, Registration
from syncer.kits.keyvalue import record, segment
from syncer_etcd.layouts.metadata import MetadataLayout


class MicroLayout(MetadataLayout):
    """Services of go-micro. Metadata `version` is the version."""

    default_prefix: ClassVar[str] = "/micro/registry"

    def key(self, instance: Instance) -> str:
        """Return service and id."""
        service = segment(instance.service.replace("/", "-"))
        return f"{self.base}{service}/{segment(instance.id)}"

    def found_as(self, instance: Instance) -> FoundAs:
        """Return the service by both of its names."""
        names = (instance.service, instance.service.replace("/", "-"))
        return FoundAs(names, (instance.address,))

    def value(self, registration: Registration) -> str:
        """Return a `Service` of go-micro."""
        instance = registration.instance
        node = {
            "id": instance.id,
            "address": instance.endpoint,
            "metadata": self.metadata(registration),
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
        fields = record.loads(value)
        node = fields["nodes"][0]
        return self.found(fields["name"], node, node["address"])
