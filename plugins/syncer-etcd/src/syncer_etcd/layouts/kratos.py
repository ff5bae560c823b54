"""go-kratos' registry: `/microservices/<name>/<id>`, with endpoints as URLs.

For Kratos one value that it cannot read is a failure of the whole service, so nothing else may be
below it. The mark is in `metadata`, where consumers expect text by name.
"""

from collections.abc import Mapping
from typing import ClassVar
from urllib.parse import urlsplit

from syncer import Registration
from syncer.kits.keyvalue import choose, record
from syncer_etcd.layouts.metadata import MetadataLayout

_SCHEMES = ("http", "grpc")


class KratosLayout(MetadataLayout):
    """Services of go-kratos; option `scheme`: http or grpc. Metadata `version` is the version."""

    default_prefix: ClassVar[str] = "/microservices"
    knows: ClassVar[tuple[str, ...]] = ("scheme",)

    def __init__(self, prefix: str, settings: Mapping[str, str]) -> None:
        super().__init__(prefix, settings)
        self._scheme = choose(settings, "scheme", _SCHEMES)

    def value(self, registration: Registration) -> str:
        """Return a `ServiceInstance` of kratos."""
        instance = registration.instance
        return record.dumps(
            {
                "id": instance.id,
                "name": instance.service,
                "version": instance.meta.get("version", ""),
                "metadata": self.metadata(registration),
                "endpoints": [f"{self._scheme}://{instance.endpoint}?isSecure=false"],
            }
        )

    def read(self, key: str, value: str) -> Registration | None:
        """Read our entries in full; of others the first endpoint and the metadata."""
        fields = record.loads(value)
        return self.found(fields["name"], fields, urlsplit(fields["endpoints"][0]).netloc)
