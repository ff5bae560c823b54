"""Fits instances to Consul's limits, and says what was left out. Pure."""

import re
from collections.abc import Mapping
from posixpath import normpath

import attrs

from syncer import Instance, Native, PermanentError, Status, fold_case
from syncer_consul.agent.check_fields import COMMAND, KINDS, Version, unknown_fields
from syncer_consul.agent.wire import PREFIX, STATUS_KEY, STATUS_NOTES, VALUE_LIMIT

#: Consul keeps 64 pairs; ten are reserved for the mark, its future fields and related data.
META_PAIRS = 54
TAG_LIMIT = 64 * 1024
_STATUS_TTL = "24h"
_KEY = re.compile(r"[A-Za-z0-9_-]{1,128}")
_DNS = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_UNSPECIFIED = ("0.0.0.0", "::")


def fit_instance(instance: Instance, version: Version | None, refused: frozenset[str]) -> Instance:
    """Return the instance as an agent of this version can hold it.

    Raises PermanentError if it cannot hold it at all.
    """
    _refuse_impossible(instance)
    problems: list[str] = list(instance.problems)
    service = _SURROGATE.sub("\ufffd", instance.service)
    if not _DNS.fullmatch(service):
        problems.append(f"service {service!r} cannot be found by DNS (letters, digits and -, 63)")
    weight = instance.weight
    if weight == 0:
        problems.append("weight 0 is not possible in Consul; 1 is used")
        weight = 1
    found = attrs.evolve(
        instance,
        service=service,
        tags=_tags(instance.tags, problems),
        meta=_meta(instance.meta, problems),
        weight=weight,
        checks=_checks(instance, version, refused, problems),
        problems=tuple(problems),
    )
    unchanged = found == instance and found.problems == instance.problems
    return instance if unchanged else found  # thousands of copies add up


def _refuse_impossible(instance: Instance) -> None:
    if instance.address in _UNSPECIFIED:
        raise PermanentError(f"Consul refuses the address {instance.address}")
    path = f"/x/{instance.id}"
    if normpath(path) != (path.rstrip("/") if path[-2:] != "//" else "") or instance.id == "/":
        # The agent answers with a redirect to the shortened path, so it could not be removed.
        raise PermanentError("Consul cannot address an id with '.', '..' or '' between slashes")
    if not instance.id.isprintable():
        # The agent takes it in a body and refuses it in a path: it could not be removed.
        raise PermanentError("Consul cannot address an id with unprintable characters")
    if _SURROGATE.search(instance.address):
        raise PermanentError("the address is not valid text")


def _tags(tags: tuple[str, ...], problems: list[str]) -> tuple[str, ...]:
    kept = []
    for tag in tags:
        clean = _SURROGATE.sub("\ufffd", _CONTROL.sub("", tag))
        if clean != tag:
            problems.append(f"tag {clean[:40]!r}: control characters were removed")
        size = len(clean.encode())
        if size > TAG_LIMIT:
            problems.append(f"tag {clean[:40]!r}... has {size} bytes, the limit is {TAG_LIMIT}")
        else:
            kept.append(clean)
    return tuple(kept)


def _meta(meta: Mapping[str, str], problems: list[str]) -> dict[str, str]:
    kept: dict[str, str] = {}
    for key, value in meta.items():
        value = _SURROGATE.sub("\ufffd", value)
        fault = _fault(key, value)
        if not fault and len(kept) >= META_PAIRS:
            fault = f"the limit is {META_PAIRS} pairs"
        if fault:
            problems.append(f"metadata {key[:40]!r} is left out: {fault}")
        else:
            kept[key] = value
    return kept


def _fault(key: str, value: str) -> str:
    if not _KEY.fullmatch(key):
        return "its key must be 1 to 128 of A-Z a-z 0-9 _ -"
    if key.startswith(("consul-", PREFIX)):
        return "keys beginning with consul- and syncer- are reserved"
    size = len(value.encode())
    return f"its value has {size} bytes, the limit is {VALUE_LIMIT}" if size > VALUE_LIMIT else ""


def _checks(
    instance: Instance, version: Version | None, refused: frozenset[str], problems: list[str]
) -> tuple[Native, ...]:
    kept: dict[str, Native] = {}
    state = _status_check(instance)
    if state is not None:
        kept[STATUS_KEY] = state
    for check in instance.checks:
        key = fold_case(check.key)  # the catalog takes keys that differ in case for one
        if not isinstance(check, Native):
            problems.append(f"check {check.key}: not in Consul's form")
        elif check == state:
            continue  # the instance was adjusted before
        elif key in kept:
            problems.append(f"check {check.key}: there is another check of this key")
        else:
            fitting = fit_check(check, version, refused, problems)
            if fitting is not None:
                kept[key] = fitting
    return tuple(kept.values())


def fit_check(
    check: Native, version: Version | None, refused: frozenset[str], problems: list[str]
) -> Native | None:
    """Return the check as an agent of this version knows it; `None` if its kind is unknown."""
    unknown = unknown_fields(check.definition, version, refused)
    if not unknown:
        return check
    if COMMAND in unknown:
        text = "this agent takes no checks that run commands (its enable_script_checks)"
        problems.append(f"check {check.key}: {text}")
        return None
    who = f"Consul {'.'.join(map(str, version))}" if version else "this Consul"
    problems.append(f"check {check.key}: {who} does not know {', '.join(unknown)}")
    if any(field in KINDS for field in unknown):
        return None
    known = {field: value for field, value in check.definition.items() if field not in unknown}
    return attrs.evolve(check, definition=known)


def _status_check(instance: Instance) -> Native | None:
    """Return a check that keeps an instance from passing, for a status that no other check shows.

    It is critical from the start and nobody reports to it; once the status has passed, the check
    is removed.
    """
    text = STATUS_NOTES.get(instance.status)
    mirrored = any(isinstance(check, Native) and check.fed for check in instance.checks)
    if text is None or (instance.status is Status.UNHEALTHY and mirrored):
        return None
    definition = {"Name": text, "Notes": text, "Status": "critical", "TTL": _STATUS_TTL}
    return Native(key=STATUS_KEY, definition=definition)
