"""Fits instances to what Eureka and its XML readers can hold."""

from collections.abc import Mapping

import attrs

from syncer import STATUS_KEY, Instance, Native, PermanentError, Status, with_status
from syncer_eureka.checks import health_url
from syncer_eureka.label_settings import HEALTH_CHECK_URL, SETTING_KEYS, SettingsReader
from syncer_eureka.names import is_app, xml_key, xml_text
from syncer_eureka.options import EurekaOptions

#: The prefix of our metadata.
OWN = "syncer-"
TAGS, WEIGHT, ZONE = "tags", "weight", "zone"


class Adjuster:
    """Fits instances to Eureka; see `adjust`."""

    def __init__(self, options: EurekaOptions) -> None:
        self._options = options
        self._settings = SettingsReader(options)

    def adjust(self, instance: Instance) -> Instance | None:
        """Return the instance as it will be written; `None` if its status means to drop it."""
        if not is_app(instance.service):
            text = "Eureka's names have letters, digits, dots and hyphens"
            raise PermanentError(f"{instance.id}: the service {instance.service!r}: {text}")
        for name in ("id", "address", "protocol"):
            if xml_text(value := getattr(instance, name)) != value:
                raise PermanentError(f"{instance.id!r}: its {name} has characters that XML forbids")
        shown = with_status(
            self._settings.read(_without_stale_status(instance)), self._options.unhealthy
        )
        if shown is None:
            return None
        problems = list(shown.problems)
        meta = self._meta(shown, problems)
        if url := health_url(shown):
            meta.setdefault(HEALTH_CHECK_URL, url)
        if left := [check for check in shown.checks if not isinstance(check, Native)]:
            names = ", ".join(check.key for check in left)
            problems.append(f"Eureka runs no checks, and these were not translated: {names}")
        tags = tuple(map(xml_text, shown.tags))
        if tags != shown.tags:
            problems.append("tags: characters that XML forbids were removed")
        return attrs.evolve(shown, tags=tags, meta=meta, checks=(), problems=tuple(problems))

    def _meta(self, instance: Instance, problems: list[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for key, text in instance.meta.items():
            name = key if key in SETTING_KEYS else xml_key(key)
            if key != STATUS_KEY and (why := self._reserved(name, instance)):
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
        if self._options.zone:
            found.setdefault(ZONE, xml_text(self._options.zone))
        return found

    def _reserved(self, name: str, instance: Instance) -> str:
        if not name:
            return "no part of it is a valid name in XML"
        if name.lower().startswith(OWN):
            return "the prefix is reserved for syncer"
        if name == TAGS:
            return "this key holds the tags"
        if name == WEIGHT and instance.weight is not None:
            return "this key holds the weight"
        return ""


def _without_stale_status(instance: Instance) -> Instance:
    """Return the instance without a status in its metadata that is not its own."""
    if instance.status is Status.UP and STATUS_KEY in instance.meta:
        meta: Mapping[str, str] = {k: v for k, v in instance.meta.items() if k != STATUS_KEY}
        return attrs.evolve(instance, meta=meta)
    return instance
