"""An instance in the form that Eureka, and those who read it as XML, can hold."""

from collections.abc import Mapping

import attrs

from syncer import STATUS_KEY, Instance, Native, PermanentError, Status, with_status
from syncer_eureka.checks import health_url
from syncer_eureka.names import is_app, xml_key, xml_text
from syncer_eureka.options import EurekaOptions
from syncer_eureka.wishes import HEALTH_CHECK_URL, KEPT, Reader

#: Metadata of ours begins so.
OWN = "syncer-"
TAGS, WEIGHT, ZONE = "tags", "weight", "zone"


class Adjuster:
    """Fits instances to Eureka; see `adjust`."""

    def __init__(self, options: EurekaOptions) -> None:
        self._options = options
        self._wishes = Reader(options)

    def adjust(self, instance: Instance) -> Instance | None:
        """The instance as it will be written; None if it is dropped in its status."""
        if not is_app(instance.service):
            text = "letters, digits, dots and hyphens make a name that Eureka can hold"
            raise PermanentError(f"{instance.id}: the service {instance.service!r}: {text}")
        for name in ("id", "address", "protocol"):
            if xml_text(value := getattr(instance, name)) != value:
                raise PermanentError(f"{instance.id!r}: its {name} has characters that XML forbids")
        shown = with_status(self._wishes.read(_own_words(instance)), self._options.unhealthy)
        if shown is None:
            return None
        problems = list(shown.problems)
        meta = self._meta(shown, problems)
        if url := health_url(shown):
            meta.setdefault(HEALTH_CHECK_URL, url)
        if left := [check for check in shown.checks if not isinstance(check, Native)]:
            names = ", ".join(check.key for check in left)
            problems.append(f"Eureka runs no checks, and nobody translated these: {names}")
        tags = tuple(map(xml_text, shown.tags))
        if tags != shown.tags:
            problems.append("tags: characters that XML forbids were left out")
        return attrs.evolve(shown, tags=tags, meta=meta, checks=(), problems=tuple(problems))

    def _meta(self, instance: Instance, problems: list[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for key, text in instance.meta.items():
            name = key if key in KEPT else xml_key(key)
            if key != STATUS_KEY and (why := self._reserved(name, instance)):
                problems.append(f"metadata {key!r} is left out: {why}")
                continue
            if name != key:
                if name in instance.meta or name in found:
                    problems.append(f"metadata {key!r} is left out: there is {name!r} too")
                    continue
                problems.append(f"metadata {key!r} is called {name!r}, to be a name in XML")
            found[name] = xml_text(text)
            if found[name] != text:
                problems.append(f"metadata {key!r}: characters that XML forbids were left out")
        if self._options.zone:
            found.setdefault(ZONE, xml_text(self._options.zone))
        return found

    def _reserved(self, name: str, instance: Instance) -> str:
        if not name:
            return "nothing of it can be a name in XML"
        if name.lower().startswith(OWN):
            return "names that begin so are syncer's"
        if name == TAGS:
            return "the tags stand there"
        if name == WEIGHT and instance.weight is not None:
            return "the weight stands there"
        return ""


def _own_words(instance: Instance) -> Instance:
    """The instance without a status in its metadata that it does not have."""
    if instance.status is Status.UP and STATUS_KEY in instance.meta:
        meta: Mapping[str, str] = {k: v for k, v in instance.meta.items() if k != STATUS_KEY}
        return attrs.evolve(instance, meta=meta)
    return instance
