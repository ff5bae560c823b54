"""Settings for Eureka itself in labels: the `eureka_*` keys of an instance's metadata.

`SERVICE_EUREKA_VIP=shop.example` reaches a sink as metadata `eureka_vip`. The keys of the fork of
registrator that knew Eureka are known, and some more. None is published as metadata.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import attrs

from syncer import Instance, Status
from syncer.kits.labels import BadValue, values
from syncer_eureka.form.names import is_app
from syncer_eureka.options import DataCenter, EurekaOptions

PREFIX = "eureka_"
_METADATA = "metadata_"
#: Settings of fields of the instance itself.
_FIELDS = ("ipaddr", "status")
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


#: Hosts in the form that URLs have. With a port or a user they would lead elsewhere.
_HOST = re.compile(r"[\w.-]+|\[[0-9A-Fa-f:.]+\]")
_ADDRESS = re.compile(r"[\w.-]+|[0-9A-Fa-f:.]+")

#: Set by a label, or by the first check that consumers can make, too.
HEALTH_CHECK_URL = f"{PREFIX}health_check_url"
SETTING_KEYS = frozenset(PREFIX + field.name for field in attrs.fields(Settings))


def settings_in(meta: Mapping[str, str]) -> Settings:
    """Return the settings in the metadata of an adjusted instance."""
    return Settings(**{key.removeprefix(PREFIX): meta[key] for key in SETTING_KEYS & meta.keys()})


def read_settings(instance: Instance, options: EurekaOptions) -> Instance:
    """Return the instance with its settings in canonical form, or applied to its own fields.

    An impossible setting is a problem.
    """
    settings = {k: v for k, v in instance.meta.items() if k.startswith(PREFIX)}
    if not settings:
        return instance
    meta = {k: v for k, v in instance.meta.items() if k not in settings}
    problems: list[str] = []
    changed: dict[str, Any] = {}
    for key, text in settings.items():
        name, text = key.removeprefix(PREFIX), text.strip()
        try:
            meta |= _meta(name, text, options)
            changed |= _fields(name, text, instance)
        except ValueError as error:
            problems.append(f"{key}: {error}")
    changed["problems"] = (*instance.problems, *problems)
    return attrs.evolve(instance, meta=meta, **changed)


def _meta(name: str, text: str, options: EurekaOptions) -> Mapping[str, str]:
    """Return the metadata that a setting becomes. Raises ValueError with a reason."""
    if (key := PREFIX + name) in SETTING_KEYS:
        text = _canonical(name, text, options)
        return {key: text} if text else {}
    if name == "zone":
        return {name: text}
    if name.startswith(_METADATA) and name != _METADATA:
        if (key := name.removeprefix(_METADATA)).startswith(PREFIX):
            raise ValueError(f"would set {key}, which is a setting and not metadata")
        return {key: text}
    if name == "leaseinfo_renewalintervalinsecs":
        interval = options.renewal_interval.total_seconds()
        if _seconds(text) != interval:
            raise ValueError(f"all are renewed every {interval:g} s (renewal_interval)")
    elif name in _AMAZON or name.startswith("elbv2"):
        if text.lower() not in ("", *values.FALSE):
            why = "syncer does not ask Amazon; set addresses and metadata by other labels"
            raise ValueError(why)
    elif name not in _FIELDS:
        raise ValueError("unknown; for metadata use eureka_metadata_NAME")
    return {}


def _canonical(name: str, text: str, options: EurekaOptions) -> str:
    if name == "secure":
        return "true" if text and values.truth(text) else ""
    if name == "datacenterinfo_name":
        known = {one.value.lower(): one.value for one in DataCenter}
        if text.lower() not in known:
            raise BadValue("MyOwn or Amazon", text)
        return known[text.lower()]
    if name in ("vip", "secure_vip"):
        # The server compares them in upper case, by rules of its own beyond ASCII.
        if bad := [one for one in split_vips(text) if not is_app(one)]:
            raise BadValue("names of letters, digits, dots and hyphens", bad[0])
        return ",".join(split_vips(text))
    if name.endswith("_url"):
        return _url(text)
    if name == "hostname" and text and not _HOST.fullmatch(text):
        raise BadValue("a host name, or an IPv6 address in brackets", text)
    if name == "leaseinfo_durationinsecs":
        wanted, least = _seconds(text), options.shortest_lease.total_seconds()
        if wanted <= least:
            why = "renewal_interval and two timeouts"
            raise ValueError(f"must be longer than {least:g} s ({why})")
        return str(wanted)
    return text


def split_vips(text: str) -> list[str]:
    """Return the names in a comma list of vips."""
    return [one.strip() for one in text.split(",") if one.strip()]


def _url(text: str) -> str:
    """Return a URL of http or https, or a path of the instance itself. Raises ValueError.

    Browsers follow these: other schemes would run a script, and readers of an odd URL could
    disagree about its host.
    """
    plain = text.isascii() and text.isprintable() and not set(text) & set(" \\")
    if not plain or not (text.startswith("/") or _is_http(text)):
        raise BadValue("a path, or a URL of http or https without a user", text)
    return text


def _is_http(text: str) -> bool:
    url = urlsplit(text)
    return url.scheme in ("http", "https") and bool(url.hostname) and "@" not in url.netloc


def _fields(name: str, text: str, instance: Instance) -> dict[str, Any]:
    """Return the fields of the instance that a setting changes. Raises ValueError."""
    if name == "ipaddr" and text:
        if not _ADDRESS.fullmatch(text):
            raise ValueError(f"not an address: {text[:40]!r}")
        return {"address": text}
    if name == "status":
        if text.upper() not in _STATUS:
            raise BadValue(f"one of {', '.join(_STATUS)}", text)
        # The actual state takes precedence over the setting.
        return {"status": _STATUS[text.upper()]} if instance.status is Status.UP else {}
    return {}


def _seconds(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:10]) <= 86_400):
        raise BadValue("whole seconds, 1 to 86400", text)
    return int(text)
