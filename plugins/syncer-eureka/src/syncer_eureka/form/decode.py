"""Decodes Eureka's answers, whose JSON has more than one form for many things."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from syncer import STATUS_KEY, Instance, Mark, Registration, Status
from syncer_eureka.api import Place
from syncer_eureka.form.adjust import OWN, TAGS, WEIGHT
from syncer_eureka.form.encode import (
    EXTRA,
    ID,
    OUT,
    PLAIN,
    app_of,
    encode,
    is_overridden,
    status_of,
)
from syncer_eureka.form.label_settings import PREFIX, SETTING_KEYS
from syncer_eureka.form.names import instance_id
from syncer_eureka.options import EurekaOptions

_STATUS = {"UP": Status.UP, "STARTING": Status.STARTING, OUT: Status.PAUSED}
#: Fields that are compared with what we would write, in addition to the metadata.
_TEXTS = (
    *("hostName", "ipAddr", "vipAddress", "secureVipAddress"),
    *("homePageUrl", "statusPageUrl", "healthCheckUrl", "secureHealthCheckUrl"),
)
FAULTS = (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError)


@attrs.frozen
class Token:
    """A registration's `version`: its key, and when it was changed last (ms)."""

    place: Place
    dirty: int

    def __str__(self) -> str:
        return f"{self.dirty} {self.place}"

    @classmethod
    def parse(cls, version: str) -> "Token":
        """Return the token of a version; raises ValueError."""
        dirty, place = version.split(" ", 1)
        app, id_ = place.split("/", 1)
        return cls(Place(app, id_), int(dirty))


def instances_in(answer: Any) -> Iterator[Any]:
    """Yield all instances of a list of applications, in whichever form it is written."""
    applications = answer["applications"]
    if not isinstance(applications, Mapping):
        raise ValueError("no applications")
    for application in _many(applications.get("application")):
        yield from _many(application.get("instance"))


def _many(value: Any) -> list[Any]:
    """Return a list; Eureka leaves out the brackets of a list with one member."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def metadata_of(raw: Mapping[str, Any]) -> dict[str, str]:
    """Return the metadata, without `@class`, which Java adds to an empty map."""
    found = raw.get("metadata") or {}
    return {
        key: "" if text is None else str(text) for key, text in found.items() if key != "@class"
    }


def decode(raw: Mapping[str, Any], options: EurekaOptions) -> Registration:
    """Return the registration that an instance means. May raise anything."""
    place = Place(str(raw["app"]).upper(), str(raw.get("instanceId") or raw["hostName"]))
    dirty = int(raw.get("lastDirtyTimestamp") or 0)
    version = str(Token(place, dirty))
    metadata = metadata_of(raw)
    own = {k.removeprefix(OWN): text for k, text in metadata.items() if k.startswith(OWN)}
    mark = Mark.from_fields(own)
    if ID not in metadata or mark is None:
        return Registration(instance=_foreign(raw, place, metadata), version=version)
    found = Registration(instance=_own(raw, place, metadata), mark=mark, version=version)
    if app_of(found.instance) != place.app or instance_id(found.id) != place.instance_id:
        # A copy: a mark counts only under the key where it was written.
        return Registration(instance=_foreign(raw, place, metadata), version=version)
    damaged = _status_damage(raw, found.instance) or _damage(
        raw, metadata, encode(found, dirty, options)
    )
    return attrs.evolve(found, damaged=damaged)


def _damage(
    raw: Mapping[str, Any], metadata: Mapping[str, str], expected: Mapping[str, Any]
) -> str:
    """Return changes by others that the instance does not show; "" if there are none."""
    if metadata != expected["metadata"]:
        return "its metadata was changed"
    wrong = [name for name in _TEXTS if str(raw.get(name) or "") != expected.get(name, "")]
    wrong += [name for name in ("port", "securePort") if _port(raw, name) != _port(expected, name)]
    if (raw.get("dataCenterInfo") or {}).get("name") != expected["dataCenterInfo"]["name"]:
        wrong.append("dataCenterInfo")
    lease = raw.get("leaseInfo") or {}
    if any(int(lease.get(name, 0)) != value for name, value in expected["leaseInfo"].items()):
        wrong.append("leaseInfo")
    return f"its {wrong[0]} is not what syncer writes" if wrong else ""


def _status_damage(raw: Mapping[str, Any], instance: Instance) -> str:
    """Return how the status is wrong; "" if it is right. An operator's override is right.

    So is OUT_OF_SERVICE that is not ours: servers keep it when they forget an override.
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
    settings = {f"{PREFIX}{key}": text for key, text in extra.get("eureka", {}).items()}
    if not all(isinstance(text, str) for text in (*tags, *settings.values())):
        raise ValueError("a value that must be text is not")
    port, secure = _port(raw, "securePort")
    return Instance(
        id=metadata[ID],
        service=extra.get("service", place.app.lower()),
        address=str(raw["ipAddr"]),
        port=port if secure else _port(raw, "port")[0],
        tags=tags,
        meta={**meta, **{key: text for key, text in settings.items() if key in SETTING_KEYS}},
        status=_status(raw),
        **{name: extra[name] for name in PLAIN if name in extra},
    )


def _foreign(raw: Mapping[str, Any], place: Place, metadata: Mapping[str, str]) -> Instance:
    """Return what somebody else registered, as far as it can be decoded."""
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
    """Return the number and whether it is in use; either may be text."""
    found = raw.get(name) or {}
    if not isinstance(found, Mapping):
        return int(found), True
    return int(found.get("$") or 0), str(found.get("@enabled")).lower() == "true"
