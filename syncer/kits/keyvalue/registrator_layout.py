"""`/<prefix>/<name>/<id>` = `ip:port`, as registrator writes it.

It has no place for a mark, tags and metadata: these are in a twin entry.
"""

from typing import ClassVar
from urllib.parse import unquote

from syncer.api.registrations import Instance, Registration
from syncer.kits.keyvalue.layout import Layout, split_endpoint


class RegistratorLayout(Layout):
    """Address and port, for consumers that used registrator, confd and the like."""

    twins: ClassVar[bool] = True
    needs_port: ClassVar[bool] = True

    def value(self, registration: Registration) -> str:
        """Return `10.0.0.5:8080` or `[fd00::5]:8080`."""
        return registration.instance.endpoint

    def read(self, key: str, value: str) -> Registration | None:
        """Read another program's entry: service, id, address and port."""
        parts = key.removeprefix(self.base).split("/")
        if len(parts) != 2:
            return None
        address, port = split_endpoint(value)
        service, id_ = map(unquote, parts)
        instance = Instance(id=id_, service=service, address=address, port=port)
        return Registration(instance=instance)
