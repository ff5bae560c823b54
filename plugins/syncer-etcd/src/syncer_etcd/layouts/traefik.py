"""Servers of Traefik's services, in the tree that its etcd provider reads.

    traefik/http/services/web/loadbalancer/servers/<n>/url     = http://10.0.0.5:8080
    traefik/tcp/services/web/loadbalancer/servers/<n>/address  = 10.0.0.5:5432

`<n>` is an index that all writers share. Traefik wants digits, and makes a list of them: they need
not be consecutive, nor begin with 0. So `<n>` is made from the id: writers need not know of each
other, and it never changes. For one unknown field Traefik refuses its whole tree: nothing else is
written into it, and the mark is in a twin entry. Routers and all other settings are the user's.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import ClassVar
from urllib.parse import urlsplit

from syncer import Instance, PermanentError, Registration
from syncer.kits.keyvalue import Layout, choose, segment, split_endpoint

_KINDS, _SCHEMES = ("http", "tcp"), ("http", "https", "h2c")
_PROTOCOLS = ("tcp", "udp")
#: Names that Traefik reads as a list's index (digits), a node of its own, or a provider's.
_UNFIT = re.compile(r"\d+|.*[@\[\]].*", re.DOTALL)
_KEY = re.compile(
    r"(?P<kind>http|tcp|udp)/services/(?P<service>[^/]+)/loadbalancer/servers/(?P<n>\d+)/"
    r"(?P<field>url|address)"
)


class TraefikLayout(Layout):
    """Servers; options `kind` (http or tcp) and `scheme` (http, https, h2c) for all services.

    Metadata `traefik_kind` and `traefik_scheme` choose for one service.
    """

    default_prefix: ClassVar[str] = "traefik"
    leading_slash: ClassVar[bool] = False
    twins: ClassVar[bool] = True
    needs_port: ClassVar[bool] = True
    knows: ClassVar[tuple[str, ...]] = ("kind", "scheme")

    def __init__(self, prefix: str, settings: Mapping[str, str]) -> None:
        super().__init__(prefix, settings)
        self._kind = choose(settings, "kind", _KINDS)
        self._scheme = choose(settings, "scheme", _SCHEMES)

    def fit(self, instance: Instance) -> None:
        """Raise PermanentError for no port, another protocol, or a name that Traefik misreads."""
        super().fit(instance)
        if _UNFIT.fullmatch(instance.service) or segment(instance.service) != instance.service:
            raise PermanentError(f"{instance.id}: Traefik cannot name a service {instance.service}")
        if instance.protocol not in _PROTOCOLS:
            raise PermanentError(f"{instance.id}: Traefik forwards no {instance.protocol}")
        kind, scheme = self._way(instance)
        if kind not in (*_KINDS, "udp") or scheme not in _SCHEMES:
            raise PermanentError(f"{instance.id}: Traefik knows no {kind} with {scheme}")

    def key(self, instance: Instance) -> str:
        """Return the key of the server's address, with an index made from the id."""
        kind, _ = self._way(instance)
        digest = hashlib.sha256(instance.id.encode()).digest()
        place = f"{kind}/services/{instance.service}/loadbalancer/servers"
        field = "url" if kind == "http" else "address"
        return f"{self.base}{place}/{int.from_bytes(digest[:7], 'big')}/{field}"

    def value(self, registration: Registration) -> str:
        """Return a URL for http, else address and port."""
        kind, scheme = self._way(registration.instance)
        endpoint = registration.instance.endpoint
        return f"{scheme}://{endpoint}" if kind == "http" else endpoint

    def read(self, key: str, value: str) -> Registration | None:
        """Read another program's server; anything else in the tree is not an entry."""
        match = _KEY.fullmatch(key.removeprefix(self.base))
        if match is None:
            return None
        address, port = split_endpoint(urlsplit(value).netloc or value)
        instance = Instance(
            id=key,
            service=match["service"],
            address=address,
            port=port,
            protocol="udp" if match["kind"] == "udp" else "tcp",
        )
        return Registration(instance=instance)

    def id_in(self, key: str) -> str:
        """Return the key, which does not show the id."""
        return key

    def _way(self, instance: Instance) -> tuple[str, str]:
        if instance.protocol == "udp":
            return "udp", self._scheme
        kind = instance.meta.get("traefik_kind", self._kind)
        return kind, instance.meta.get("traefik_scheme", self._scheme)
