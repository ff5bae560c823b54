"""`/<prefix>/<name>/<id>` = a JSON object, for consumers of your own that want to see everything.

    {"id": "h:web:80", "name": "web", "address": "10.0.0.5", "port": 8080, "protocol": "tcp",
     "status": "up", "tags": ["blue"], "meta": {"team": "shop"}, "weight": 3, "syncer": {...}}

`weight`, `warning_weight` and `tag_override` are there if they were set. `syncer` holds the mark,
which makes an entry ours. The status is one of up, starting, unhealthy, paused, draining.
"""

from typing import Any, ClassVar
from urllib.parse import unquote

from syncer.api.registrations import STATUS_KEY, Registration
from syncer.api.workloads import Status
from syncer.kits.keyvalue import record
from syncer.kits.keyvalue.layout import Layout

_ALWAYS = ("id", "service", "address", "port", "protocol", "tags", "meta")
_STATUSES = frozenset(status.value for status in Status)


class JsonLayout(Layout):
    """One readable object for each instance."""

    tells_status: ClassVar[bool] = True

    def value(self, registration: Registration) -> str:
        """Return the object, always with the same fields in the same order."""
        instance = registration.instance
        meta = dict(instance.meta)
        status = Status.UP.value
        if meta.get(STATUS_KEY) in _STATUSES - {status}:
            status = meta.pop(STATUS_KEY)
        found: dict[str, Any] = {
            "id": instance.id,
            "name": instance.service,
            "address": instance.address,
            "port": instance.port,
            "protocol": instance.protocol,
            "status": status,
            "tags": list(instance.tags),
            "meta": meta,
            **record.fields_of(instance, _ALWAYS),
        }
        if registration.mark is not None:
            found[record.OWN] = registration.mark.fields()
        return record.dumps(found)

    def read(self, key: str, value: str) -> Registration | None:
        """Read anyone's object with `address` and `port`; other fields default to the key."""
        parts = key.removeprefix(self.base).split("/")
        fields = record.loads(value)
        names = [unquote(part) for part in parts]
        given = {"id": names[-1], "service": names[0]} if len(parts) == 2 else {}
        if "name" in fields:
            given["service"] = fields["name"]
        status = fields.get("status", Status.UP.value)
        instance = record.instance_of(given | fields, **_with_status(fields.get("meta"), status))
        return Registration(instance=instance, mark=record.mark_of(fields.get(record.OWN)))


def _with_status(meta: Any, status: Any) -> dict[str, Any]:
    """Return the metadata and status that a stored status means."""
    meta = {} if meta is None else dict(meta)
    if status == Status.UP.value or status not in _STATUSES:
        return {"meta": meta}
    return {"meta": {**meta, STATUS_KEY: status}, "status": Status(status)}
