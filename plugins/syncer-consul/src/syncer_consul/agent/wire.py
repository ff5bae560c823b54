"""Encodes registrations for Consul, and decodes the entries of its listings.

The mark is written in the same request as everything else: in the service's Meta, under keys that
begin with `syncer-`. Such keys also hold what Consul does not keep or give back: the protocol, the
names of the checks (their definitions cannot be read), and with tag override the fingerprint of
the tags that we wrote.
"""

import hashlib
from collections.abc import Iterable, Mapping
from sys import intern
from typing import Any
from urllib.parse import quote

import attrs

from syncer import Instance, Mark, Native, PermanentError, Registration, Status, printable
from syncer_consul.agent.check_fields import kind_of

PREFIX = "syncer-"
CHECKS, PROTOCOL, TAGS = "syncer-checks", "syncer-protocol", "syncer-tags"
VALUE_LIMIT = 512
_HIGHEST_PORT = 65535


#: How many characters are kept of what a critical check says.
LONGEST_SAID = 200
#: The key of the check that keeps an instance from passing, and its name for each status.
STATUS_KEY = "syncer"
STATUS_NOTES = {
    Status.PAUSED: "the container is paused",
    Status.DRAINING: "draining: the container is stopping, or was drained by hand",
    Status.UNHEALTHY: "the container is unhealthy",
}
_STATUSES = {note: status for status, note in STATUS_NOTES.items()}


@attrs.frozen
class Found:
    """One check of a service, as a listing shows it; `note` is the name of a status check.

    `said` is the name and output of one that is critical.
    """

    id: str
    status: str
    note: str = ""
    said: str = ""

    @classmethod
    def of(cls, id_: str, check: Mapping[str, Any]) -> "Found":
        """Return the check with this id."""
        name, status = str(check.get("Name", "")), intern(str(check.get("Status", "")))
        note = name if id_.endswith(f":{STATUS_KEY}.ttl") else ""
        texts = (name, " ".join(str(check.get("Output") or "").split()))
        critical = status == "critical"
        said = printable(": ".join(filter(None, texts)), LONGEST_SAID) if critical else ""
        return cls(id_, status, intern(note), said)


def check_id(instance: str, native: Native) -> str:
    """Return the id of a check: `<service id>:<key>.<kind>`, without a kind that equals the key.

    The kind is part of it: when another kind is registered under the same id, Consul continues
    the old probe as well, and the two overwrite each other's status.
    """
    kind, key = kind_of(native.definition), quote(native.key, safe=" ")
    return f"{instance}:{key}" if key == kind else f"{instance}:{key}.{kind}"


def is_own_check(id_: str, instance: str) -> bool:
    """Whether the id of a check of this service has our form; that of maintenance mode has not."""
    return id_.startswith(f"{instance}:") and ":" not in id_[len(instance) + 1 :]


def is_default_check(id_: str, instance: str) -> bool:
    """Whether Consul chose this id, because the check was registered without one."""
    return id_ == f"service:{instance}" or id_.startswith(f"service:{instance}:")


def listed(instance: Instance) -> Instance:
    """Return an adjusted instance as a listing will show it.

    Checks cannot be read back, weights have defaults, and tags that others may change are
    ignored.
    """
    weight, warning = _weights(instance.weight, instance.warning_weight)
    tags = () if instance.tag_override else instance.tags
    shown = (weight, warning, tags) == (instance.weight, instance.warning_weight, instance.tags)
    if shown and not instance.checks:
        return instance  # thousands of copies add up
    return attrs.evolve(instance, checks=(), tags=tags, weight=weight, warning_weight=warning)


def as_listed(new: Registration) -> Registration:
    """Return the registration as a listing will show it."""
    return Registration(instance=listed(new.instance), mark=new.mark)


def encode(
    new: Registration, checks: Iterable[tuple[str, Mapping[str, Any]]], tags: Iterable[str]
) -> dict[str, Any]:
    """Return the definition of a service, with these checks by id and these tags."""
    instance = new.instance
    definitions = [{"CheckID": id_, **fields} for id_, fields in checks]
    body: dict[str, Any] = {
        "ID": instance.id,
        "Name": instance.service,
        "Address": instance.address,
        "Port": instance.port,
        "Tags": list(tags),
        "Meta": {**instance.meta, **_own_meta(new, [d["CheckID"] for d in definitions])},
        "Checks": definitions,
    }
    weight, warning = _weights(instance.weight, instance.warning_weight)
    if weight is not None:
        body["Weights"] = {"Passing": weight, "Warning": warning}
    if instance.tag_override:
        body["EnableTagOverride"] = True
    return body


def first_status(instance: Instance) -> str:
    """Return the initial status of a check that syncer feeds."""
    return "passing" if instance.status is Status.UP else "critical"


def fingerprint(texts: Iterable[str]) -> str:
    """Return a short fingerprint of a set of texts."""
    joined = "\n".join(sorted(quote(text, safe="", errors="replace") for text in texts))
    return hashlib.sha256(joined.encode()).hexdigest()[:32]


def decode(
    id_: str, entry: Mapping[str, Any], checks: Iterable[Found], node_address: str
) -> Registration | None:
    """Return the registration that an entry of a listing means; `None` if it cannot be described.

    Consul accepts more than an instance can be: control characters in an id, a part of a mark.
    An impossible port is shown as 0 and as damage.
    """
    checks = tuple(checks)
    meta = {str(key): str(value) for key, value in (entry.get("Meta") or {}).items()}
    own = {key: value for key, value in meta.items() if key.startswith(PREFIX)}
    mark = Mark.from_fields({key.removeprefix(PREFIX): value for key, value in own.items()})
    if mark is None and f"{PREFIX}owner" in own:
        return None
    damage = _check_damage(id_, own.get(CHECKS, ""), checks) if mark else ""
    port = entry.get("Port") or 0
    if not 0 <= port <= _HIGHEST_PORT:
        damage, port = f"port {port} is impossible", 0
    weights = entry.get("Weights") or {}
    passing, warning = _weights(weights.get("Passing"), weights.get("Warning"))
    override = bool(entry.get("EnableTagOverride"))
    tags = entry.get("Tags") or []
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        return None
    try:
        instance = Instance(
            id=id_,
            service=str(entry.get("Service") or ""),
            address=str(entry.get("Address") or node_address),
            port=port,
            protocol=own.get(PROTOCOL) or "tcp",
            tags=() if override and mark else tuple(tags),
            meta={key: value for key, value in meta.items() if key not in own},
            weight=passing,
            warning_weight=warning,
            tag_override=override,
            status=_status(checks),
        )
    except (ValueError, TypeError):
        return None
    failing = next((check.said for check in checks if check.said), "")
    return Registration(instance=instance, mark=mark, damaged=damage, failing=failing)


def mark_of(entry: Mapping[str, Any]) -> Mark | None:
    """Return the mark of an entry of a listing."""
    meta = entry.get("Meta") or {}
    return Mark.from_fields({str(key).removeprefix(PREFIX): str(meta[key]) for key in meta})


def _own_meta(new: Registration, check_ids: list[str]) -> dict[str, str]:
    fields = new.mark.fields() if new.mark else {}
    meta = {f"{PREFIX}{name}": value for name, value in fields.items() if value}
    for key, value in meta.items():
        if len(value.encode("utf-8", "replace")) > VALUE_LIMIT:
            raise PermanentError(f"{key} is longer than the {VALUE_LIMIT} bytes that Consul keeps")
    if check_ids:
        meta[CHECKS] = _check_list(new.id, check_ids)
    if new.instance.protocol != "tcp":
        meta[PROTOCOL] = new.instance.protocol
    if new.instance.tag_override:
        meta[TAGS] = fingerprint(new.instance.tags)
    return meta


def _names(id_: str, check_ids: Iterable[str]) -> set[str]:
    """Return the ids of our checks without the service's id, and so without quoted parts."""
    own = (check for check in check_ids if is_own_check(check, id_))
    return {check[len(id_) + 1 :].replace(" ", "%20") for check in own}


def _check_list(id_: str, check_ids: Iterable[str]) -> str:
    """Return the names of the checks, or a fingerprint if they are too long for Consul."""
    names = _names(id_, check_ids)
    text = " ".join(sorted(names))
    return text if len(text) <= VALUE_LIMIT else f"#{fingerprint(names)}"


def _check_damage(id_: str, wanted: str, checks: Iterable[Found]) -> str:
    present = _names(id_, (check.id for check in checks))
    if wanted.startswith("#"):
        same = wanted == f"#{fingerprint(present)}"
        return "" if same else "its checks are not the registered ones"
    names = set(wanted.split())
    gone = [f"check {name} is gone" for name in sorted(names - present)]
    more = [f"check {name} is not wanted" for name in sorted(present - names)]
    return "; ".join(gone + more)[:500]


def _weights(passing: int | None, warning: int | None) -> tuple[int | None, int | None]:
    """Return the weights as Consul keeps them; twice `None` for its defaults, 1 and 1."""
    passing, warning = 1 if passing is None else passing, 1 if warning is None else warning
    return (None, None) if (passing, warning) == (1, 1) else (passing, warning)


def _status(checks: Iterable[Found]) -> Status:
    bad = [check for check in checks if check.status == "critical"]
    noted = [_STATUSES[check.note] for check in bad if check.note in _STATUSES]
    return noted[0] if noted else Status.UNHEALTHY if bad else Status.UP
