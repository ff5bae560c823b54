"""Curator's service discovery: `/<prefix>/<name>/<id>`, a `ServiceInstance` in JSON.

    {"name": "web", "id": "host1:web:80", "address": "10.0.0.5", "port": 32768, "sslPort": null,
     "payload": null, "registrationTimeUTC": 0, "serviceType": "DYNAMIC",
     "uriSpec": {"parts": [...]}, "enabled": true, "syncer": {...}}

Curator ignores unknown fields, so ours are next to its own. The payload has a class that the
consumer chooses: a wrong one makes it fail, null never does.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from syncer import STATUS_KEY, Instance, Registration, Status
from syncer.kits.keyvalue import Layout, choose, record
from syncer_zookeeper.nodes.paths import node_name

_PAYLOADS = ("none", "map")
_SHOWN = ("id", "service", "address", "port")
#: Metadata of a port that speaks TLS.
_SECURE = "secure"


class CuratorLayout(Layout):
    """Instances for Curator; option `payload`: none, or map for metadata and tags as a map.

    An instance that is not up is not `enabled`, and Curator's providers do not choose it.
    """

    tells_status: ClassVar[bool] = True
    needs_port: ClassVar[bool] = True
    knows: ClassVar[tuple[str, ...]] = ("payload",)

    def __init__(self, prefix: str, settings: Mapping[str, str], **more: Any) -> None:
        super().__init__(prefix, settings, **more)
        self._payload = choose(settings, "payload", _PAYLOADS)

    def key(self, instance: Instance) -> str:
        """Return service and id."""
        return f"{self.base}{node_name(instance.service)}/{node_name(instance.id)}"

    def value(self, registration: Registration) -> str:
        """Return a `ServiceInstance`, with our fields in `syncer`."""
        instance = registration.instance
        secure = instance.meta.get(_SECURE) == "true"
        return record.dumps(
            {
                "name": instance.service,
                "id": instance.id,
                "address": instance.address,
                "port": instance.port,
                "sslPort": instance.port if secure else None,
                "payload": self.payload(instance),
                # The time would differ at each write; no known consumer reads it.
                "registrationTimeUTC": 0,
                "serviceType": "DYNAMIC",
                "uriSpec": {"parts": _uri_parts(instance)},
                "enabled": STATUS_KEY not in instance.meta,
                record.OWN: record.own_of(registration, _SHOWN),
            }
        )

    def payload(self, instance: Instance) -> dict[str, Any] | None:
        """Return the payload for consumers."""
        if self._payload == "none":
            return None
        return {"metadata": shown_meta(instance), "tags": list(instance.tags)}

    def read(self, key: str, value: str) -> Registration | None:
        """Read our entries in full; of others Curator's own fields."""
        fields = record.loads(value)
        shown: dict[str, Any] = {
            "id": fields["id"],
            "service": fields["name"],
            "address": fields["address"],
            "port": fields.get("port") or fields.get("sslPort") or 0,
        }
        own = fields.get(record.OWN)
        if isinstance(own, Mapping):
            return record.registration_of({**own, **shown})
        meta, status = _told_by_others(fields)
        return Registration(instance=record.instance_of({**shown, "meta": meta}, status=status))


def shown_meta(instance: Instance) -> dict[str, str]:
    """Return the metadata that the user gave."""
    return {name: text for name, text in instance.meta.items() if name != STATUS_KEY}


def _uri_parts(instance: Instance) -> list[dict[str, Any]]:
    """Return `{scheme}://{address}:{port}`, with an IPv6 address in brackets."""
    left, right = ("://[", "]:") if ":" in instance.address else ("://", ":")
    parts = (("scheme", True), (left, False), ("address", True), (right, False), ("port", True))
    return [{"value": value, "variable": variable} for value, variable in parts]


def _told_by_others(fields: Mapping[str, Any]) -> tuple[dict[str, str], Status]:
    """Return metadata and status of a foreign instance; metadata as Spring Cloud writes it."""
    payload = fields.get("payload")
    told = payload.get("metadata") if isinstance(payload, Mapping) else None
    meta = {
        name: text
        for name, text in (told.items() if isinstance(told, Mapping) else ())
        if isinstance(name, str) and isinstance(text, str)
    }
    word = meta.pop("instance_status", "UP")
    up = fields.get("enabled", True) is not False and word.upper() == "UP"
    return meta, Status.UP if up else Status.PAUSED
