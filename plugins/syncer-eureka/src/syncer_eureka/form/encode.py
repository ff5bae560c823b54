"""Encodes instances for Eureka, in fields that its consumers know.

The metadata holds the rest: `syncer-id`, the mark as `syncer-owner` and so on, and in
`syncer-instance`, as JSON, everything else that an instance has.
"""

import json
from collections.abc import Mapping
from typing import Any

import attrs

from syncer import STATUS_KEY, Instance, PermanentError, Registration, bracketed
from syncer_eureka.form.adjust import OWN, TAGS, WEIGHT
from syncer_eureka.form.label_settings import PREFIX, SETTING_KEYS, Settings, settings_in
from syncer_eureka.form.names import instance_id, xml_text
from syncer_eureka.options import DataCenter, EurekaOptions

ID, EXTRA = f"{OWN}id", f"{OWN}instance"
#: Eureka's word for a healthy instance that is not to be used now.
OUT = "OUT_OF_SERVICE"
_STATUS = {"starting": "STARTING", "unhealthy": "DOWN", "paused": OUT, "draining": OUT}
_CLASSES = {
    DataCenter.MY_OWN.value: "com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo",
    DataCenter.AMAZON.value: "com.netflix.appinfo.AmazonInfo",
}
#: Fields of an instance that Eureka does not have.
PLAIN = ("weight", "warning_weight", "tag_override", "protocol")


def app_of(instance: Instance) -> str:
    """Return the application of an instance, as Eureka writes it."""
    return instance.service.upper()


def status_of(instance: Instance) -> str:
    """Return Eureka's status for an adjusted instance, whose metadata tells the status."""
    return _STATUS.get(instance.meta.get(STATUS_KEY, ""), "UP")


def is_overridden(raw: Mapping[str, Any]) -> bool:
    """Whether an operator has overridden the status of an instance."""
    found = raw.get("overriddenStatus") or raw.get("overriddenstatus") or "UNKNOWN"
    return bool(found != "UNKNOWN")


def encode(new: Registration, dirty: int, options: EurekaOptions) -> dict[str, Any]:
    """Return the instance in Eureka's JSON, changed at `dirty`, in milliseconds."""
    instance = new.instance
    settings = settings_in(instance.meta)
    vip = settings.vip or instance.service
    host = settings.hostname or bracketed(instance.address)
    secure = bool(settings.secure)
    return {
        "instanceId": instance_id(instance.id),
        "app": app_of(instance),
        "hostName": host,
        "ipAddr": instance.address,
        "status": status_of(instance),
        "vipAddress": vip,
        "secureVipAddress": settings.secure_vip or vip,
        "port": _port(instance.port, enabled=bool(instance.port) and not secure),
        "securePort": _port(instance.port if secure else 443, enabled=secure),
        **_urls(settings, host, instance.port),
        "countryId": 1,
        "dataCenterInfo": _data_center(settings, options),
        "leaseInfo": {
            "renewalIntervalInSecs": int(options.renewal_interval.total_seconds()),
            "durationInSecs": int(
                settings.leaseinfo_durationinsecs or options.lease_duration.total_seconds()
            ),
        },
        "metadata": _metadata(new),
        "lastDirtyTimestamp": str(dirty),
    }


def _data_center(settings: Settings, options: EurekaOptions) -> dict[str, Any]:
    name = settings.datacenterinfo_name or options.datacenter.value
    found: dict[str, Any] = {"@class": _CLASSES[name], "name": name}
    return found | ({"metadata": {}} if name == DataCenter.AMAZON.value else {})


def _port(number: int, *, enabled: bool) -> dict[str, Any]:
    return {"$": number, "@enabled": "true" if enabled else "false"}


def _urls(settings: Settings, host: str, port: int) -> dict[str, str]:
    """Return the URLs of an instance; a bare path is one of the instance itself."""
    base = f"{'https' if settings.secure else 'http'}://{host}:{port}"

    def whole(text: str) -> str:
        return f"{base}{text}" if text.startswith("/") else text

    health = whole(settings.health_check_url)
    found = {
        "homePageUrl": whole(settings.home_page_url or ("/" if port else "")),
        "statusPageUrl": whole(settings.status_page_url),
        "secureHealthCheckUrl" if health.startswith("https:") else "healthCheckUrl": health,
    }
    return {name: url for name, url in found.items() if url}


def _metadata(new: Registration) -> dict[str, str]:
    instance = new.instance
    found = {key: text for key, text in instance.meta.items() if key not in SETTING_KEYS}
    if instance.tags:
        found[TAGS] = ",".join(instance.tags)
    if instance.weight is not None:
        found[WEIGHT] = str(instance.weight)
    found[ID] = instance.id
    if extra := _extra(instance):
        found[EXTRA] = json.dumps(extra, separators=(",", ":"), sort_keys=True)
    for name, text in new.mark.fields().items() if new.mark else ():
        if xml_text(text) != text:
            raise PermanentError(f"{instance.id}: its mark has characters that XML forbids")
        found[f"{OWN}{name}"] = text
    return found


def _extra(instance: Instance) -> dict[str, Any]:
    """Return what neither Eureka's fields nor the public metadata show; mostly nothing."""
    defaults = {field.name: field.default for field in attrs.fields(Instance)}
    found = {name: value for name in PLAIN if (value := getattr(instance, name)) != defaults[name]}
    if instance.service != app_of(instance).lower():
        found["service"] = instance.service
    if any("," in tag for tag in instance.tags):
        found["tags"] = list(instance.tags)
    if settings := {
        k.removeprefix(PREFIX): v for k, v in instance.meta.items() if k in SETTING_KEYS
    }:
        found["eureka"] = settings
    return found
