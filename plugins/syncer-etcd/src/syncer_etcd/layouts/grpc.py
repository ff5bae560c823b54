"""gRPC naming of etcd's client library: endpoints below a target.

    services/web/h:web:80 = {"Op":0,"Addr":"10.0.0.5:8080","Metadata":null}

is an endpoint of the target `etcd:///services/web` for Go's `clientv3/naming/resolver`. It reads
every key below the target, whatever its last part. That part is the instance's id and not its
address, so that two instances can swap places in one transaction.

`Metadata` stays empty, though it has room for a mark: Go's clients compare it with `==`, which
ends the whole process for a JSON object, and some versions never connect to an address that has
any. So the mark is in a twin entry.
"""

from typing import ClassVar
from urllib.parse import unquote

from syncer import Instance, PermanentError, Registration
from syncer.kits.keyvalue import Layout, record, split_endpoint


class GrpcLayout(Layout):
    """Endpoints, as Go's `endpoints` package stores them."""

    default_prefix: ClassVar[str] = "services"
    leading_slash: ClassVar[bool] = False
    twins: ClassVar[bool] = True
    needs_port: ClassVar[bool] = True

    def fit(self, instance: Instance) -> None:
        """Raise PermanentError for an instance without a TCP port."""
        super().fit(instance)
        if instance.protocol != "tcp":
            raise PermanentError(f"{instance.id}: gRPC needs tcp, not {instance.protocol}")

    def value(self, registration: Registration) -> str:
        """Return the address."""
        addr = registration.instance.endpoint
        return record.dumps({"Op": 0, "Addr": addr, "Metadata": None})

    def read(self, key: str, value: str) -> Registration | None:
        """Read another program's entry: the address, and names in the key."""
        *target, last = key.removeprefix(self.base).split("/")
        if not target:
            return None
        address, port = split_endpoint(record.loads(value)["Addr"])
        named = {"id": unquote(last), "service": unquote("/".join(target))}
        return Registration(instance=record.instance_of(named, address=address, port=port))
