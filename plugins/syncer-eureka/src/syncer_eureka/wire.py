"""An instance as Eureka holds it, written: every field is one that consumers of Eureka know.

What these cannot show stands in the metadata: `syncer-id`, the mark as `syncer-owner` and so on,
and as JSON in `syncer-instance` what else an instance has.
"""

import json
from collections.abc import Mapping
from typing import Any

import attrs

from syncer import STATUS_KEY, Instance, Mark, PermanentError, Registration, bracketed
from syncer_eureka.adjusting import OWN, TAGS, WEIGHT
from syncer_eureka.names import instance_id, xml_text
from syncer_eureka.options import DataCenter, EurekaOptions
from syncer_eureka.wishes import KEPT, PREFIX, Wishes, wishes_in

ID, EXTRA = f"{OWN}id", f"{OWN}instance"
#: Metadata of ours that is no field of the mark.
_NO_MARK = frozenset({ID, EXTRA, STATUS_KEY})
#: Eureka's word for what is well, but not to be used now.
OUT = "OUT_OF_SERVICE"
_STATUS = {"starting": "STARTING", "unhealthy": "DOWN", "paused": OUT, "draining": OUT}
_CLASSES = {
    DataCenter.MY_OWN.value: "com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo",
    DataCenter.AMAZON.value: "com.netflix.appinfo.AmazonInfo",
}
#: Fields of an instance that Eureka has no place for.
PLAIN = ("weight", "warning_weight", "tag_override", "protocol")


def app_of(instance: Instance) -> str:
    """The application of an instance, as Eureka writes it."""
    return instance.service.upper()


def status_of(instance: Instance) -> str:
    """Eureka's status for an adjusted instance, whose metadata says how it is."""
    return _STATUS.get(instance.meta.get(STATUS_KEY, ""), "UP")


def is_overridden(raw: Mapping[str, Any]) -> bool:
    """Whether an operator has set the status of an instance, as Eureka tells it."""
    found = raw.get("overriddenStatus") or raw.get("overriddenstatus") or "UNKNOWN"
    return bool(found != "UNKNOWN")


def mark_fields(metadata: Mapping[str, str]) -> dict[str, str]:
    """The fields of the mark that stand in the metadata."""
    return {
        key.removeprefix(OWN): text
        for key, text in metadata.items()
        if key.startswith(OWN) and key not in _NO_MARK
    }


def joined(tags: tuple[str, ...]) -> str | None:
    """The tags as a comma list; None if these cannot be told apart in one."""
    text = ",".join(tags)
    return text if tags and tuple(text.split(",")) == tags else None


class Writer:
    """Makes the body of a registration. Pure."""

    def __init__(self, options: EurekaOptions) -> None:
        self._options = options

    def body(self, new: Registration, dirty: int) -> dict[str, Any]:
        """The instance in Eureka's JSON, changed at `dirty`, in milliseconds."""
        instance = new.instance
        wishes = wishes_in(instance.meta)
        vip = wishes.vip or instance.service
        host = wishes.hostname or bracketed(instance.address)
        secure = bool(wishes.secure)
        return {
            "instanceId": instance_id(instance.id),
            "app": app_of(instance),
            "hostName": host,
            "ipAddr": instance.address,
            "status": status_of(instance),
            "vipAddress": vip,
            "secureVipAddress": wishes.secure_vip or vip,
            "port": _port(instance.port, enabled=bool(instance.port) and not secure),
            "securePort": _port(instance.port if secure else 443, enabled=secure),
            **_urls(wishes, host, instance.port),
            "countryId": 1,
            "dataCenterInfo": self._data_center(wishes),
            "leaseInfo": {
                "renewalIntervalInSecs": int(self._options.renewal_interval.total_seconds()),
                "durationInSecs": self._duration(wishes),
            },
            "metadata": _metadata(new),
            "lastDirtyTimestamp": str(dirty),
        }

    def _data_center(self, wishes: Wishes) -> dict[str, Any]:
        name = wishes.datacenterinfo_name or self._options.datacenter.value
        found: dict[str, Any] = {"@class": _CLASSES[name], "name": name}
        return found | ({"metadata": {}} if name == DataCenter.AMAZON.value else {})

    def _duration(self, wishes: Wishes) -> int:
        wanted = wishes.leaseinfo_durationinsecs
        return int(wanted) if wanted else int(self._options.lease_duration.total_seconds())


def _port(number: int, *, enabled: bool) -> dict[str, Any]:
    return {"$": number, "@enabled": "true" if enabled else "false"}


def _urls(wishes: Wishes, host: str, port: int) -> dict[str, str]:
    """The URLs that there are; a path alone is one of the instance itself."""
    base = f"{'https' if wishes.secure else 'http'}://{host}:{port}"

    def whole(text: str) -> str:
        return f"{base}{text}" if text.startswith("/") else text

    health = whole(wishes.health_check_url)
    found = {
        "homePageUrl": whole(wishes.home_page_url or ("/" if port else "")),
        "statusPageUrl": whole(wishes.status_page_url),
        "secureHealthCheckUrl" if health.startswith("https:") else "healthCheckUrl": health,
    }
    return {name: url for name, url in found.items() if url}


def _metadata(new: Registration) -> dict[str, str]:
    instance = new.instance
    found = {key: text for key, text in instance.meta.items() if key not in KEPT}
    if instance.tags:
        found[TAGS] = ",".join(instance.tags)
    if instance.weight is not None:
        found[WEIGHT] = str(instance.weight)
    found[ID] = instance.id
    if extra := _extra(instance):
        found[EXTRA] = json.dumps(extra, separators=(",", ":"), sort_keys=True)
    if new.mark is not None:
        found |= _mark(new.mark, instance)
    return found


def _mark(mark: Mark, instance: Instance) -> dict[str, str]:
    fields = mark.fields()
    if any(xml_text(text) != text for text in fields.values()):
        raise PermanentError(f"{instance.id}: its mark has characters that XML forbids")
    return {f"{OWN}{name}": text for name, text in fields.items()}


def _extra(instance: Instance) -> dict[str, Any]:
    """What neither Eureka's fields nor the metadata for consumers show; mostly nothing."""
    defaults = {field.name: field.default for field in attrs.fields(Instance)}
    found = {name: value for name in PLAIN if (value := getattr(instance, name)) != defaults[name]}
    if instance.service != app_of(instance).lower():
        found["service"] = instance.service
    if instance.tags and joined(instance.tags) is None:
        found["tags"] = list(instance.tags)
    if wishes := {k.removeprefix(PREFIX): v for k, v in instance.meta.items() if k in KEPT}:
        found["eureka"] = wishes
    return found
