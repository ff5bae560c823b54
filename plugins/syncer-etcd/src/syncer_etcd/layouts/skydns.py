"""SkyDNS' layout, which CoreDNS' plugin `etcd` reads: `/skydns/<domain reversed>/<name>/<id>`.

    /skydns/local/cluster/web/h-web-80-5d41402abc = {"host": "10.0.0.5", "port": 8080, ...}

makes `web.cluster.local` answer with that address, and SRV with the port. Names are DNS labels: a
service's name must be one (with dots, several), an id becomes one. CoreDNS asks etcd for lower
case, and ignores unknown fields; ours are in `syncer`.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any, ClassVar

from syncer import ConfigError, FoundAs, Instance, PermanentError, Registration
from syncer.kits.keyvalue import Layout, record

_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_LONGEST_LABEL, _HASH = 63, 10
_FINGERPRINT = re.compile(r"(^|-)[0-9a-f]{10}$")
#: SkyDNS' numbers and texts, which labels such as SERVICE_SKYDNS_PRIORITY set.
_NUMBERS, _TEXTS = ("priority", "ttl", "targetstrip"), ("text", "group", "mail")
_SHOWN = ("address", "port")
_HIGHEST_NUMBER = 2**31 - 1


class SkyDnsLayout(Layout):
    """Names in DNS, by CoreDNS; option `domain`, and `ttl` in seconds for all answers."""

    default_prefix: ClassVar[str] = "/skydns"
    knows: ClassVar[tuple[str, ...]] = ("domain", "ttl")

    def __init__(self, prefix: str, settings: Mapping[str, str]) -> None:
        super().__init__(prefix, settings)
        domain = settings.get("domain", "").strip(".").lower()
        labels = domain.split(".")
        if not all(_LABEL.fullmatch(label) for label in labels):
            raise ConfigError(f"needs the option domain, such as cluster.local, not {domain!r}")
        self._base = "/".join([self.prefix, *reversed(labels)]) + "/"
        self._ttl = _number(settings["ttl"], "ttl") if settings.get("ttl") else None

    @property
    def base(self) -> str:
        """The beginning of the domain's keys."""
        return self._base

    def fit(self, instance: Instance) -> None:
        """Raise PermanentError for names that are not DNS names, and wrong numbers."""
        labels = instance.service.lower().split(".")
        if not all(_LABEL.fullmatch(label) for label in labels):
            text = f"{instance.id}: {instance.service!r} is not a DNS name, which this layout needs"
            raise PermanentError(text)
        try:
            _shown(instance, self._ttl)
        except ValueError as error:
            raise PermanentError(f"{instance.id}: {error}") from error

    def key(self, instance: Instance) -> str:
        """Return the name's labels reversed, and the id as a label, in lower case."""
        labels = reversed(instance.service.lower().split("."))
        return f"{self._base}{'/'.join(labels)}/{label_of(instance.id)}"

    def value(self, registration: Registration) -> str:
        """Return SkyDNS' fields, and ours."""
        shown = _shown(registration.instance, self._ttl)
        return record.dumps({**shown, record.OWN: record.own_of(registration, _SHOWN)})

    def read(self, key: str, value: str) -> Registration | None:
        """Read our entries in full; of others host, port and names in the key."""
        fields = record.loads(value)
        place = {"address": fields["host"], "port": fields.get("port", 0)}
        own = fields.get(record.OWN)
        if isinstance(own, Mapping):
            return record.registration_of({**own, **place})
        *names, last = key.removeprefix(self._base).split("/")
        service = ".".join(reversed(names)) or last
        weight = fields.get("weight") or None
        named = {"id": last, "service": service, "weight": weight}
        return record.registration_of({**named, **place})

    def found_as(self, instance: Instance) -> FoundAs:
        """Return the name and all names above it, up to the domain, which answer with it as well.

        So does an id that is a label, as a name below the service's.
        """
        labels = instance.service.lower().split(".")
        names = [".".join(labels[at:]) for at in range(len(labels))]
        if label_of(instance.id) == instance.id:
            names.append(f"{instance.id}.{names[0]}")
        return FoundAs((instance.service, *names), (instance.address,))

    def id_in(self, key: str) -> str:
        """Return the key, which does not show every id."""
        return key


def label_of(id_: str) -> str:
    """Return an id as a DNS label: unchanged if it is one, else with a fingerprint at its end.

    One that ends like a fingerprint gets one too: it could be the label of another id.
    """
    if _LABEL.fullmatch(id_) and not _FINGERPRINT.search(id_):
        return id_
    digest = hashlib.sha256(id_.encode()).hexdigest()[:_HASH]
    plain = re.sub(r"[^a-z0-9]+", "-", id_.lower()).strip("-")
    return f"{plain[: _LONGEST_LABEL - _HASH - 1].rstrip('-')}-{digest}".lstrip("-")


def _shown(instance: Instance, ttl: int | None) -> dict[str, Any]:
    """Return the fields of SkyDNS; raises ValueError for metadata that is not a number."""
    found: dict[str, Any] = {"host": instance.address}
    if instance.port:
        found["port"] = instance.port
    if instance.weight is not None:
        found["weight"] = instance.weight
    if ttl is not None:
        found["ttl"] = ttl
    for name in _NUMBERS:
        if text := instance.meta.get(f"skydns_{name}"):
            found[name] = _number(text, name)
    for name in _TEXTS:
        if text := instance.meta.get(f"skydns_{name}"):
            found[name] = text
    return found


def _number(text: str, name: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > _HIGHEST_NUMBER:
        raise ValueError(f"skydns {name} must be a number, not {text!r}")
    return int(text)
