"""From one workload's labels to its offers. Pure: the same workload gives the same answer."""

from collections.abc import Callable, Sequence
from typing import Any

from syncer import Offer, Parsed, Port, Reachable, Workload
from syncer.kits.labels import Problems, with_own_ids
from syncer_labels import values
from syncer_labels.checks import read_checks
from syncer_labels.options import LabelsOptions
from syncer_labels.reading import Settings, services

#: The keys of a service, beside `meta.*` and `check.*`.
KEYS = (
    "enable",
    "name",
    "port",
    "tags",
    "id",
    "address",
    "address-port",
    "network",
    "internal",
    "weight",
    "weight-warning",
    "tag-override",
    "health",
)
#: The keys that are about the whole workload.
WORKLOAD_KEYS = ("enable",)
_META = "meta."
#: Metadata of one service; registries take far fewer.
MOST_META = 1000


def create(options: LabelsOptions) -> Callable[[Workload, Reachable], Parsed]:
    """The function that reads workloads as these options say."""
    return lambda workload, reachable: _parse(workload, reachable, options.prefix)


def _parse(workload: Workload, reachable: Reachable, prefix: str) -> Parsed:
    problems = Problems()
    found, alone = services(workload.labels, prefix, problems)
    alone.report_unknown(WORKLOAD_KEYS)
    enabled = alone.get("enable", values.truth)
    if enabled is False:
        return Parsed(problems=problems.texts(), ignored=f"label {prefix}enable")
    asked = {word: own for word, own in found.items() if _enabled(own)}
    if found and not asked:
        return Parsed(problems=problems.texts(), ignored=f"labels {prefix}*.enable")
    if enabled and not found:
        problems.add(f"{prefix}enable", f"no service is named: set {prefix}NAME.port")
    drafts = [draft for word, own in asked.items() if (draft := _offer(word, own, reachable))]
    return Parsed(with_own_ids(workload, drafts), problems.texts())


def _enabled(service: Settings) -> bool:
    return service.get("enable", values.truth) is not False


def _offer(word: str, service: Settings, reachable: Reachable) -> Offer | None:
    """The offer that these settings make; None if there can be none, which is reported."""
    below = {key for key in service.values if key.startswith((_META, "check."))}
    service.report_unknown({*KEYS, *below})
    fields = _fields(service)
    place = _place(service, reachable, fields)
    if place is None:
        return None
    number, protocol = place
    service_name = service.get("name", values.name) or word
    because = f"labels {service.label}*"
    try:
        return Offer(
            service=service_name, port=number, protocol=protocol, because=because, **fields
        )
    except ValueError as error:
        service.problems.add(service.label.rstrip("."), f"cannot be offered: {error}")
        return None


def _fields(service: Settings) -> dict[str, Any]:
    def within(key: str, field: str) -> int | None:
        return service.get(key, lambda text: values.limited(Offer, field, values.whole(text)))

    return {
        "id": service.get("id", values.name) or "",
        "register_address": service.get("address", values.address) or "",
        "register_port": within("address-port", "register_port"),
        "internal": service.get("internal", values.truth),
        "network": service.get("network", values.name) or "",
        "tags": service.get("tags", values.tags) or (),
        "meta": _meta(service),
        "checks": read_checks(service),
        "weight": within("weight", "weight"),
        "warning_weight": within("weight-warning", "warning_weight"),
        "tag_override": bool(service.get("tag-override", values.truth)),
        "mirror_health": service.get("health", values.truth) is not False,
    }


def _meta(service: Settings) -> dict[str, str]:
    said = service.below(_META)
    meta = {}
    for key in sorted(said.values)[:MOST_META]:
        if not key:
            service.problems.add(said.label, "metadata without a key")
        elif (value := said.get(key, values.text)) is not None:
            meta[key] = value
    return meta


def _place(
    service: Settings, reachable: Reachable, fields: dict[str, Any]
) -> tuple[int, str] | None:
    """Port and protocol: those given, else the only port there is."""
    usable = _usable(reachable, fields["internal"])
    if service.values.get("port", "").strip():
        given = service.get("port", values.port)
        return (given[0], given[1] or _protocol(given[0], reachable)) if given else None
    if len(usable) == 1:
        return usable[0].number, usable[0].protocol
    if fields["register_port"] is not None:
        return 0, "tcp"
    service.problems.add(f"{service.label}port", f"must be given: {_why_unsure(usable)}")
    return None


def _usable(reachable: Reachable, internal: bool | None) -> Sequence[Port]:
    """The ports that can be registered for a service that asks for the other way, or for none."""
    if internal is None or internal is reachable.internal:
        return reachable.ports
    return [port for port in reachable.all_ports if internal or port.bindings]


def _protocol(number: int, reachable: Reachable) -> str:
    """The protocol of a port that is given without: TCP if it has that, or is not known."""
    known = {port.protocol for port in reachable.all_ports if port.number == number}
    return "tcp" if "tcp" in known or not known else min(known)


def _why_unsure(usable: Sequence[Port]) -> str:
    if not usable:
        return "no port of the container can be registered by itself"
    ports = ", ".join(f"{port.number}/{port.protocol}" for port in usable[:10])
    return f"the container has several ports ({ports})"
