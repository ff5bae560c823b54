"""What Eureka answers, understood: its JSON has more than one form for many things."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from syncer import STATUS_KEY, Instance, Mark, Registration, Status
from syncer_eureka.adjusting import OWN, TAGS, WEIGHT
from syncer_eureka.api import Place
from syncer_eureka.names import instance_id
from syncer_eureka.options import EurekaOptions
from syncer_eureka.wire import (
    EXTRA,
    ID,
    OUT,
    PLAIN,
    Writer,
    app_of,
    is_overridden,
    mark_fields,
    status_of,
)
from syncer_eureka.wishes import KEPT, PREFIX

_STATUS = {"UP": Status.UP, "STARTING": Status.STARTING, OUT: Status.PAUSED}
#: What is compared with what we would write; the metadata beside these.
_TEXTS = (
    *("hostName", "ipAddr", "vipAddress", "secureVipAddress"),
    *("homePageUrl", "statusPageUrl", "healthCheckUrl", "secureHealthCheckUrl"),
)
FAULTS = (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError)


@attrs.frozen
class Token:
    """A registration's `version`: where it stands, and when it was changed last (ms)."""

    place: Place
    dirty: int

    def __str__(self) -> str:
        return f"{self.dirty} {self.place}"

    @classmethod
    def parse(cls, version: str) -> "Token":
        """The token that was written so; raises ValueError."""
        dirty, place = version.split(" ", 1)
        app, id_ = place.split("/", 1)
        return cls(Place(app, id_), int(dirty))


def instances_in(answer: Any) -> Iterator[Any]:
    """All instances of a list of applications, whichever way it is written."""
    applications = answer["applications"]
    if not isinstance(applications, Mapping):
        raise ValueError("no applications")
    for application in _many(applications.get("application")):
        yield from _many(application.get("instance"))


def _many(value: Any) -> list[Any]:
    """A list, of which Eureka leaves the brackets out if it has one member."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def metadata_of(raw: Mapping[str, Any]) -> dict[str, str]:
    """The metadata; `@class` is Java's name for a map that is empty."""
    found = raw.get("metadata") or {}
    return {
        key: "" if text is None else str(text) for key, text in found.items() if key != "@class"
    }


class Reader:
    """Makes registrations of what stands in Eureka. Pure."""

    def __init__(self, options: EurekaOptions) -> None:
        self._writer = Writer(options)

    def read(self, raw: Mapping[str, Any]) -> Registration:
        """The registration that an instance means; raises one of `FAULTS` if it means none."""
        place = Place(str(raw["app"]).upper(), str(raw.get("instanceId") or raw["hostName"]))
        dirty = int(raw.get("lastDirtyTimestamp") or 0)
        version = str(Token(place, dirty))
        metadata = metadata_of(raw)
        mark = Mark.from_fields(mark_fields(metadata))
        if ID not in metadata or mark is None:
            return Registration(instance=_foreign(raw, place, metadata), version=version)
        found = Registration(instance=_own(raw, place, metadata), mark=mark, version=version)
        if app_of(found.instance) != place.app or instance_id(found.id) != place.instance_id:
            # A copy: a mark counts only where it was put.
            return Registration(instance=_foreign(raw, place, metadata), version=version)
        damaged = _status_damage(raw, found.instance) or self._damage(raw, metadata, found, dirty)
        return attrs.evolve(found, damaged=damaged)

    def _damage(
        self, raw: Mapping[str, Any], metadata: Mapping[str, str], found: Registration, dirty: int
    ) -> str:
        """What somebody changed that the instance does not show."""
        meant = self._writer.body(found, dirty)
        if metadata != meant["metadata"]:
            return "its metadata was changed"
        wrong = [name for name in _TEXTS if str(raw.get(name) or "") != meant.get(name, "")]
        wrong += [name for name in ("port", "securePort") if _port(raw, name) != _port(meant, name)]
        if (raw.get("dataCenterInfo") or {}).get("name") != meant["dataCenterInfo"]["name"]:
            wrong.append("dataCenterInfo")
        lease = raw.get("leaseInfo") or {}
        if any(int(lease.get(name, 0)) != value for name, value in meant["leaseInfo"].items()):
            wrong.append("leaseInfo")
        return f"its {wrong[0]} is not as it should be" if wrong else ""


def _status_damage(raw: Mapping[str, Any], instance: Instance) -> str:
    """How the status is wrong; what an operator set by an override is right.

    So is OUT_OF_SERVICE, where we did not mean it: servers keep it when they forget an override.
    """
    status, meant = str(raw.get("status") or ""), status_of(instance)
    if status in (meant, OUT) or is_overridden(raw):
        return ""
    return f"its status is {status or 'missing'}, not {meant}"


def _own(raw: Mapping[str, Any], place: Place, metadata: Mapping[str, str]) -> Instance:
    extra = json.loads(metadata.get(EXTRA, "{}"))
    tags = extra.get("tags")
    if tags is None:
        tags = metadata[TAGS].split(",") if TAGS in metadata else ()
    left_out = {TAGS, WEIGHT} if "weight" in extra else {TAGS}
    meta = {
        key: text
        for key, text in metadata.items()
        if key not in left_out and (key == STATUS_KEY or not key.startswith(OWN))
    }
    wishes = {f"{PREFIX}{key}": text for key, text in extra.get("eureka", {}).items()}
    if not all(isinstance(text, str) for text in (*tags, *wishes.values())):
        raise ValueError("what must be text is not")
    return Instance(
        id=metadata[ID],
        service=extra.get("service", place.app.lower()),
        address=str(raw["ipAddr"]),
        port=_own_port(raw),
        tags=tags,
        meta={**meta, **{key: text for key, text in wishes.items() if key in KEPT}},
        status=_status(raw),
        **{name: extra[name] for name in PLAIN if name in extra},
    )


def _own_port(raw: Mapping[str, Any]) -> int:
    number, enabled = _port(raw, "securePort")
    return number if enabled else _port(raw, "port")[0]


def _foreign(raw: Mapping[str, Any], place: Place, metadata: Mapping[str, str]) -> Instance:
    """What somebody else registered, as well as it can be told."""
    port, enabled = _port(raw, "port")
    secure_port, secure = _port(raw, "securePort")
    meta = {k: v for k, v in metadata.items() if k != TAGS and not k.startswith(OWN)}
    if secure and not enabled:
        port, meta[f"{PREFIX}secure"] = secure_port, "true"
    elif not enabled:
        port = 0
    tags = (part.strip() for part in metadata.get(TAGS, "").split(","))
    return Instance(
        id=place.instance_id,
        service=place.app.lower(),
        address=str(raw.get("ipAddr") or raw["hostName"]),
        port=port,
        tags=[tag for tag in tags if tag],
        meta=meta,
        status=_status(raw),
    )


def _status(raw: Mapping[str, Any]) -> Status:
    return _STATUS.get(str(raw.get("status")), Status.UNHEALTHY)


def _port(raw: Mapping[str, Any], name: str) -> tuple[int, bool]:
    """Number and whether it is in use; either may come as text."""
    found = raw.get(name) or {}
    if not isinstance(found, Mapping):
        return int(found), True
    return int(found.get("$") or 0), str(found.get("@enabled")).lower() == "true"
