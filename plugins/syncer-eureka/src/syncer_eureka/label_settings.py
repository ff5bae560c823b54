"""Settings for Eureka itself in labels: the `eureka_*` keys of an instance's metadata.

`SERVICE_EUREKA_VIP=shop.example` reaches a sink as metadata `eureka_vip`. The keys of the fork of
registrator that knew Eureka are known, and some more. None is published as metadata.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import attrs

from syncer import Instance, Status
from syncer_eureka.options import DataCenter, EurekaOptions

PREFIX = "eureka_"
_METADATA = "metadata_"
#: Settings of fields of the instance itself.
_FIELDS = ("ipaddr", "status")
_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"", "false", "no", "off", "0"})
_STATUS = {
    "UP": Status.UP,
    "STARTING": Status.STARTING,
    "DOWN": Status.UNHEALTHY,
    "OUT_OF_SERVICE": Status.PAUSED,
}
#: Keys of the fork that ask Amazon's own services; so do all that begin with elbv2.
_AMAZON = ("datacenterinfo_auto_populate", "register_aws_public_ip", "lookup_elbv2_endpoint")


@attrs.frozen(kw_only=True)
class Settings:
    """Settings that stay with the instance; "" means the default."""

    vip: str = ""
    secure_vip: str = ""
    hostname: str = ""
    secure: str = ""
    home_page_url: str = ""
    status_page_url: str = ""
    health_check_url: str = ""
    datacenterinfo_name: str = ""
    leaseinfo_durationinsecs: str = ""


#: Set by a label, or by the first check that consumers can make, too.
HEALTH_CHECK_URL = f"{PREFIX}health_check_url"
SETTING_KEYS = frozenset(PREFIX + field.name for field in attrs.fields(Settings))


def settings_in(meta: Mapping[str, str]) -> Settings:
    """Return the settings in the metadata of an adjusted instance."""
    return Settings(**{key.removeprefix(PREFIX): meta[key] for key in SETTING_KEYS & meta.keys()})


class SettingsReader:
    """Reads the settings in an instance's metadata; an impossible one is a problem."""

    def __init__(self, options: EurekaOptions) -> None:
        self._options = options
        self._readers: dict[str, Callable[[str], str]] = {
            "secure": _truth,
            "datacenterinfo_name": _data_center,
            "leaseinfo_durationinsecs": self._duration,
        }

    def read(self, instance: Instance) -> Instance:
        """Return the instance with its settings in canonical form, or applied to its own fields."""
        settings = {k: v for k, v in instance.meta.items() if k.startswith(PREFIX)}
        if not settings:
            return instance
        meta = {k: v for k, v in instance.meta.items() if k not in settings}
        problems: list[str] = []
        changed: dict[str, Any] = {}
        for key, text in settings.items():
            name, text = key.removeprefix(PREFIX), text.strip()
            try:
                meta |= self._meta(name, text)
                changed |= _fields(name, text, instance)
            except ValueError as error:
                problems.append(f"{key}: {error}")
        changed["problems"] = (*instance.problems, *problems)
        return attrs.evolve(instance, meta=meta, **changed)

    def _meta(self, name: str, text: str) -> Mapping[str, str]:
        """Return the metadata that a setting becomes. Raises ValueError with a reason."""
        if (key := PREFIX + name) in SETTING_KEYS:
            text = self._readers.get(name, str)(text)
            return {key: text} if text else {}
        if name == "zone":
            return {name: text}
        if name.startswith(_METADATA) and name != _METADATA:
            return {name.removeprefix(_METADATA): text}
        if name == "leaseinfo_renewalintervalinsecs":
            self._interval(text)
        elif name in _AMAZON or name.startswith("elbv2"):
            if text.lower() not in _FALSE:
                why = "syncer does not ask Amazon; set addresses and metadata by other labels"
                raise ValueError(why)
        elif name not in _FIELDS:
            raise ValueError("unknown; for metadata use eureka_metadata_NAME")
        return {}

    def _interval(self, text: str) -> None:
        wanted, is_ = _seconds(text), self._options.renewal_interval
        if timedelta(seconds=wanted) != is_:
            raise ValueError(f"all are renewed every {is_.total_seconds():g} s (renewal_interval)")

    def _duration(self, text: str) -> str:
        wanted, least = _seconds(text), self._options.shortest_lease
        if timedelta(seconds=wanted) <= least:
            text = "renewal_interval and two timeouts"
            raise ValueError(f"must be longer than {least.total_seconds():g} s ({text})")
        return str(wanted)


def _fields(name: str, text: str, instance: Instance) -> dict[str, Any]:
    """Return the fields of the instance that a setting changes. Raises ValueError."""
    if name == "ipaddr" and text:
        return {"address": _address(text)}
    if name == "status":
        status = _status(text)
        # The actual state takes precedence over the setting.
        return {"status": status} if instance.status is Status.UP else {}
    return {}


def _seconds(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:10]) <= 86_400):
        raise ValueError(f"must be whole seconds, 1 to 86400, not {text[:40]!r}")
    return int(text)


def _address(text: str) -> str:
    if not text.isprintable() or " " in text:
        raise ValueError(f"not an address: {text[:40]!r}")
    return text


def _truth(text: str) -> str:
    if text.lower() not in _TRUE | _FALSE:
        raise ValueError(f"must be true or false, not {text[:40]!r}")
    return "true" if text.lower() in _TRUE else ""


def _data_center(text: str) -> str:
    for one in DataCenter:
        if text.lower() == one.value.lower():
            return one.value
    raise ValueError(f"must be MyOwn or Amazon, not {text[:40]!r}")


def _status(text: str) -> Status:
    found = _STATUS.get(text.upper())
    if found is None:
        raise ValueError(f"must be one of {', '.join(_STATUS)}, not {text[:40]!r}")
    return found
