"""The forms in which registrations stand in a file, each of which can be read back in full.

    json         {"registrations": [{"id": ..., "service": ..., ..., "mark": {...}}, ...]}
    prometheus   a target list for `file_sd_configs`: one group for each instance
    hosts        `address name` lines, in a marked block for each owner (see `hosts.py`)

A file is a row of entries: our kind of registrations, and whatever else stands in it, which is
kept as it is. Reading is strict about the file and patient with the entry: a file of
another shape is refused as a whole, since writing would destroy it; an entry that cannot be
understood stays, and its id (if it can be seen) is reported as unclear.
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
    """A piece of the file: `raw` is what stands there.

    `id` is "" for what is no registration. With an id and no registration, or with `broken`, it
    is one that cannot be understood. `block` groups entries in formats that have blocks.
    """

    raw: Any
    id: str = ""
    registration: Registration | None = None
    broken: bool = False
    block: str | None = None


class Format(ABC):
    """A form of the file. All methods are pure."""

    #: Whether a status other than "up" can be shown.
    tells_status: bool = True
    #: How bytes that are no UTF-8 are treated.
    errors: str = "strict"

    @abstractmethod
    def parse(self, text: str) -> list[Entry]:
        """The entries of the file; raises ValueError, with the place, if it has another shape."""

    @abstractmethod
    def render(self, entries: Sequence[Entry]) -> str:
        """The text of the file; what was parsed comes out as it was."""

    @abstractmethod
    def raw(self, registration: Registration) -> Any:
        """How a registration stands in the file."""

    def fit(self, instance: Instance) -> None:
        """Raise PermanentError if the format cannot hold the instance."""
        return

    def entry(self, registration: Registration) -> Entry:
        """A registration as a piece of the file."""
        raw = self.raw(registration)
        return _entry(raw, registration, damaged="")

    def read_back(self, raw: Any, fields: Any, seen_id: Any, block: str | None = None) -> Entry:
        """A piece of the file that claims to be a registration.

        If writing it anew gave something else, somebody has edited it: it is `damaged`.
        """
        id_ = seen_id if isinstance(seen_id, str) else ""
        try:
            found = codec.registration_of(fields)
            edited = self.raw(found) != raw
        except ValueError:
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
    except UnicodeEncodeError:  # others may have written half a character, as an escape
        text = json.dumps(value)
    return text


def _rows(values: Iterable[Any]) -> str:
    """A JSON array with one element on each line, so that people can compare two versions."""
    lines = ",\n".join("  " + _row(value) for value in values)
    return f"[\n{lines}\n]" if lines else "[]"


class JsonFormat(Format):
    """Complete and readable; the format for programs of one's own."""

    def parse(self, text: str) -> list[Entry]:
        """The elements of `registrations`."""
        if not text.strip():
            return []
        document = codec.loads(text)
        rows = document.get("registrations") if isinstance(document, dict) else None
        if not isinstance(rows, list) or len(document) != 1:
            raise ValueError('not a file of syncer: expected {"registrations": [...]}')
        return [self.read_back(r, r, r.get("id") if isinstance(r, dict) else "") for r in rows]

    def render(self, entries: Sequence[Entry]) -> str:
        """One registration on each line."""
        return f'{{"registrations": {_rows(entry.raw for entry in entries)}}}\n'

    def raw(self, registration: Registration) -> Any:
        """The registration's fields."""
        fields = codec.fields_of(registration)
        codec.dumps(fields)  # raises for what JSON cannot say
        return fields


class PrometheusFormat(Format):
    """Targets for Prometheus' `file_sd_configs`, in groups of one.

    The only label that stays on the series is `service`; all others begin with `__meta_syncer_`
    and are there for relabelling: `id`, `address`, `port`, `protocol`, `tags` (`,a,b,`),
    `meta_NAME`, and `record`, in which syncer finds everything again.
    """

    PREFIX = "__meta_syncer_"

    def parse(self, text: str) -> list[Entry]:
        """The target groups; those of others are kept as they are."""
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
        """One group on each line."""
        return _rows(entry.raw for entry in entries) + "\n"

    def raw(self, registration: Registration) -> Any:
        """A target group."""
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
        """A target needs a port, and an address without spaces and slashes."""
        if not instance.port:
            raise PermanentError(f"{instance.id}: has no port, which a Prometheus target needs")
        if re.search(r"[\s/]", instance.address):
            raise PermanentError(f"{instance.id}: {instance.address!r} is not a target's address")
