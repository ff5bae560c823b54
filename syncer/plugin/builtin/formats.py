"""The formats of the sink `file`, each of which can be read back without loss.

    json         {"registrations": [{"id": ..., "service": ..., ..., "mark": {...}}, ...]}
    prometheus   a target list for `file_sd_configs`: one group per instance
    hosts        `address name` lines, in a marked block per owner (see `hosts.py`)

A file is a list of entries: registrations, and everything else, which is kept unchanged. A file of
another structure is refused as a whole, since writing would destroy it. An invalid entry is kept,
and its id, if readable, is reported as unclear.
"""

import hashlib
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Any

import attrs

from syncer import Instance, PermanentError, Registration
from syncer.api.fields import bracketed
from syncer.plugin.builtin import codec


class FormatName(str, Enum):
    """The formats by name."""

    JSON = "json"
    PROMETHEUS = "prometheus"
    HOSTS = "hosts"


@attrs.frozen(kw_only=True)
class Entry:
    """A part of the file, with its content in `raw`.

    `id` is "" if it is not a registration. With an id but no registration, or with `broken`, it is
    an invalid registration. `block` groups entries in formats that have blocks.
    """

    raw: Any
    id: str = ""
    registration: Registration | None = None
    broken: bool = False
    block: str | None = None


class Format(ABC):
    """A format of the file. All methods are pure."""

    #: Whether the format has a status other than "up".
    tells_status: bool = True
    #: Whether readers run the checks, and so need what their requests carry: perhaps passwords.
    runs_checks: bool = False
    #: How bytes that are not UTF-8 are decoded.
    errors: str = "strict"

    @abstractmethod
    def parse(self, text: str) -> list[Entry]:
        """Return the entries. Raises `ValueError`, with the place, for another structure."""

    @abstractmethod
    def render(self, entries: Sequence[Entry]) -> str:
        """Return the text of the file; parsed entries are unchanged."""

    @abstractmethod
    def raw(self, registration: Registration) -> Any:
        """Return the content of a registration's entry."""

    def fit(self, instance: Instance) -> None:
        """Raise `PermanentError` if the format cannot represent the instance."""
        return

    def entry(self, registration: Registration) -> Entry:
        """Return the entry for a registration."""
        return _entry(self.raw(registration), registration, damaged="")

    def read_back(self, raw: Any, fields: Any, seen_id: Any, block: str | None = None) -> Entry:
        """Return the entry for content that claims to be a registration.

        It is `damaged` if writing it again would give different content: it was edited by hand.
        """
        id_ = seen_id if isinstance(seen_id, str) else ""
        try:
            found = codec.registration_of(fields)
            edited = self.raw(found) != raw
        except Exception:  # noqa: BLE001 - others may write anything
            return Entry(raw=raw, id=id_, broken=True, block=block)
        damaged = "its entry was edited by hand" if edited else ""
        return attrs.evolve(_entry(raw, found, damaged), block=block)


def _entry(raw: Any, registration: Registration, damaged: str) -> Entry:
    version = hashlib.sha256(json.dumps(raw, sort_keys=True).encode()).hexdigest()[:16]
    held = attrs.evolve(registration, version=version, damaged=damaged)
    return Entry(raw=raw, id=held.id, registration=held)


def _row(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:  # others may have written half a surrogate pair as an escape
        text = json.dumps(value)
    return text


def _rows(values: Iterable[Any]) -> str:
    """Return a JSON array with one element per line, for readable diffs."""
    lines = ",\n".join("  " + _row(value) for value in values)
    return f"[\n{lines}\n]" if lines else "[]"


class JsonFormat(Format):
    """Complete and readable; for your own programs."""

    runs_checks = True

    def parse(self, text: str) -> list[Entry]:
        """Return the elements of `registrations`."""
        if not text.strip():
            return []
        document = codec.loads(text)
        rows = document.get("registrations") if isinstance(document, dict) else None
        if not isinstance(rows, list) or len(document) != 1:
            raise ValueError('not a syncer file: expected {"registrations": [...]}')
        return [self.read_back(r, r, r.get("id") if isinstance(r, dict) else "") for r in rows]

    def render(self, entries: Sequence[Entry]) -> str:
        """Return one registration per line."""
        return f'{{"registrations": {_rows(entry.raw for entry in entries)}}}\n'

    def raw(self, registration: Registration) -> Any:
        """Return the registration's fields."""
        fields = codec.fields_of(registration)
        codec.dumps(fields)  # raises for values without a JSON form
        return fields


class PrometheusFormat(Format):
    """Targets for Prometheus' `file_sd_configs`, in groups of one.

    Only the label `service` remains on the series. All others begin with `__meta_syncer_` and are
    for relabelling: `id`, `address`, `port`, `protocol`, `tags` (`,a,b,`), `meta_NAME`, and
    `record`, which holds everything that syncer reads back.
    """

    PREFIX = "__meta_syncer_"

    def parse(self, text: str) -> list[Entry]:
        """Return the target groups, including those of others."""
        if not text.strip():
            return []
        groups = codec.loads(text)
        if not isinstance(groups, list) or not all(isinstance(g, dict) for g in groups):
            raise ValueError("not a file_sd target list: expected [{...}, ...]")
        return [self._parse_group(group) for group in groups]

    def _parse_group(self, group: dict[str, Any]) -> Entry:
        labels = group.get("labels")
        record = labels.get(f"{self.PREFIX}record") if isinstance(labels, dict) else None
        if record is None:
            return Entry(raw=group)
        try:
            fields = codec.loads(record) if isinstance(record, str) else None
        except ValueError:
            fields = None
        return self.read_back(group, fields, labels and labels.get(f"{self.PREFIX}id"))

    def render(self, entries: Sequence[Entry]) -> str:
        """Return one group per line."""
        return _rows(entry.raw for entry in entries) + "\n"

    def raw(self, registration: Registration) -> Any:
        """Return a target group."""
        instance = registration.instance
        own = {
            "id": instance.id,
            "address": instance.address,
            "port": str(instance.port),
            "protocol": instance.protocol,
            "tags": f",{','.join(instance.tags)}," if instance.tags else "",
            "record": codec.dumps(codec.fields_of(registration)),
        }
        # Prometheus refuses the whole file for one label name that is not [a-zA-Z0-9_]+.
        for name in sorted(instance.meta, reverse=True):
            own["meta_" + re.sub(r"[^a-zA-Z0-9_]", "_", name)] = instance.meta[name]
        return {
            "targets": [f"{bracketed(instance.address)}:{instance.port}"],
            "labels": {
                "service": instance.service,
                **{self.PREFIX + name: text for name, text in own.items()},
            },
        }

    def fit(self, instance: Instance) -> None:
        """Raise `PermanentError` without a port, or for an address with spaces or slashes."""
        if not instance.port:
            raise PermanentError(f"{instance.id}: a Prometheus target needs a port")
        if re.search(r"[\s/]", instance.address):
            raise PermanentError(
                f"{instance.id}: {instance.address!r} is not an address of a Prometheus target"
            )
