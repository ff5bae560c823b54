"""Fits instances to what Eureka and its XML readers can hold."""

import attrs

from syncer import STATUS_KEY, Instance, Native, PermanentError, Status, with_status
from syncer_eureka.form.checks import health_url
from syncer_eureka.form.label_settings import (
    HEALTH_CHECK_URL,
    PREFIX,
    SETTING_KEYS,
    read_settings,
)
from syncer_eureka.form.names import is_app, xml_key, xml_text
from syncer_eureka.options import EurekaOptions

#: The prefix of our metadata.
OWN = "syncer-"
TAGS, WEIGHT, ZONE = "tags", "weight", "zone"


def adjust(instance: Instance, options: EurekaOptions) -> Instance | None:
    """Return the instance as it will be written; `None` if its status means to drop it."""
    if not is_app(instance.service):
        text = "is not a valid Eureka service name: use letters, digits, dots and hyphens"
        raise PermanentError(f"{instance.id}: {instance.service!r} {text}")
    for name in ("id", "address", "protocol"):
        if xml_text(value := getattr(instance, name)) != value:
            raise PermanentError(f"{instance.id!r}: its {name} has characters that XML forbids")
    if instance.status is Status.UP and STATUS_KEY in instance.meta:
        # Stale: the instance has been up since.
        meta = {key: text for key, text in instance.meta.items() if key != STATUS_KEY}
        instance = attrs.evolve(instance, meta=meta)
    shown = with_status(read_settings(instance, options), options.unhealthy)
    if shown is None:
        return None
    problems = list(shown.problems)
    meta = _meta(shown, options.zone, problems)
    if url := health_url(shown):
        meta.setdefault(HEALTH_CHECK_URL, url)
    if left := [check for check in shown.checks if not isinstance(check, Native)]:
        names = ", ".join(check.key for check in left)
        problems.append(f"Eureka runs no checks, and these were not translated: {names}")
    tags = tuple(map(xml_text, shown.tags))
    if tags != shown.tags:
        problems.append("tags: characters that XML forbids were removed")
    return attrs.evolve(shown, tags=tags, meta=meta, checks=(), problems=tuple(problems))


def _meta(instance: Instance, zone: str, problems: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, text in instance.meta.items():
        name = key if key in SETTING_KEYS else xml_key(key)
        if key != STATUS_KEY and (why := _reserved(key, name, instance)):
            problems.append(f"metadata {key!r} is left out: {why}")
            continue
        if name != key:
            if name in instance.meta or name in found:
                problems.append(f"metadata {key!r} is left out: {name!r} exists, too")
                continue
            problems.append(f"metadata {key!r} is renamed to {name!r}, a valid name in XML")
        found[name] = xml_text(text)
        if found[name] != text:
            problems.append(f"metadata {key!r}: characters that XML forbids were removed")
    if zone:
        found.setdefault(ZONE, xml_text(zone))
    return found


def _reserved(key: str, name: str, instance: Instance) -> str:
    if not name:
        return "no part of it is a valid name in XML"
    if name != key and name.startswith(PREFIX):
        return f"{name!r} would be a setting, and not metadata"
    if name.lower().startswith(OWN):
        return "the prefix is reserved for syncer"
    if name == TAGS:
        return "this key holds the tags"
    if name == WEIGHT and instance.weight is not None:
        return "this key holds the weight"
    return ""
