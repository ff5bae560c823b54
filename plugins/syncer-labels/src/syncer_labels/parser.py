"""From the labels of a workload to its offers. Pure."""

from collections.abc import Callable, Sequence
from typing import Any

from syncer import Offer, Parsed, Port, Reachable, Workload
from syncer.kits.labels import Problems, Settings, escaped, host_port, with_own_ids
from syncer.kits.labels.values import address, limited, name, text, truth, whole
from syncer_labels import values
from syncer_labels.checks import read_checks
from syncer_labels.options import LabelsOptions
from syncer_labels.services import split_labels

#: The keys of a service, in addition to `meta.*` and `check.*`.
KEYS = (
    *("enable", "name", "port", "tags", "id", "address", "address-port", "network", "internal"),
    *("weight", "weight-warning", "tag-override", "health"),
)
#: The keys of the whole workload.
WORKLOAD_KEYS = ("enable",)
_META = "meta."
#: Metadata of one service.
MOST_META = 1000


def create(options: LabelsOptions) -> Callable[[Workload, Reachable], Parsed]:
    """Return the function that reads workloads with these options."""
    return lambda workload, reachable: _parse(workload, reachable, options.prefix)


def _parse(workload: Workload, reachable: Reachable, prefix: str) -> Parsed:
    problems = Problems()
    services, for_workload = split_labels(workload.labels, prefix, problems)
    for_workload.report_unknown(WORKLOAD_KEYS)
    enabled = for_workload.get("enable", truth)
    if enabled is False:
        return Parsed(problems=problems.texts(), ignored=f"label {prefix}enable")
    wanted = {
        word: service
        for word, service in services.items()
        if service.get("enable", truth) is not False
    }
    if services and not wanted:
        return Parsed(problems=problems.texts(), ignored=f"labels {prefix}*.enable")
    if enabled and not services:
        problems.add(f"{prefix}enable", f"no service is named: set {prefix}NAME.port")
    offers = [offer for word, own in wanted.items() if (offer := _offer(word, own, reachable))]
    asked = enabled is True
    return Parsed(with_own_ids(workload, offers), problems.texts(), asked=asked)


def _offer(word: str, service: Settings, reachable: Reachable) -> Offer | None:
    """Return the offer of a service, or `None` if it has no port or cannot be offered."""
    below = {key for key in service.by_key if key.startswith((_META, "check."))}
    service.report_unknown({*KEYS, *below})
    fields = _fields(service)
    place = _port(service, reachable, fields)
    if place is None:
        return None
    number, protocol = place
    try:
        return Offer(
            service=service.get("name", name) or word,
            port=number,
            protocol=protocol,
            because=f"labels {escaped(service.label)}*",
            **fields,
        )
    except ValueError as error:
        service.problems.add(service.label.rstrip("."), f"cannot be offered: {error}")
        return None


def _fields(service: Settings) -> dict[str, Any]:
    def number(key: str, field: str) -> int | None:
        return service.get(key, limited(Offer, field, whole))

    return {
        "id": service.get("id", name) or "",
        "register_address": service.get("address", address) or "",
        "register_port": number("address-port", "register_port"),
        "internal": service.get("internal", truth),
        "network": service.get("network", name) or "",
        "tags": service.get("tags", values.tags) or (),
        "meta": _meta(service.below(_META)),
        "checks": read_checks(service),
        "weight": number("weight", "weight"),
        "warning_weight": number("weight-warning", "warning_weight"),
        "tag_override": bool(service.get("tag-override", truth)),
        "mirror_health": service.get("health", truth) is not False,
    }


def _meta(settings: Settings) -> dict[str, str]:
    meta = {}
    for key in sorted(settings.by_key)[:MOST_META]:
        if not key:
            settings.problems.add(settings.label, "metadata without a key")
        elif (value := settings.get(key, text)) is not None:
            meta[key] = value
    return meta


def _port(
    service: Settings, reachable: Reachable, fields: dict[str, Any]
) -> tuple[int, str] | None:
    """Return port and protocol: those given, else those of the only usable port."""
    usable = _usable(reachable, fields["internal"])
    if service.given("port"):
        given = service.get("port", values.port)
        if given is None:
            return None
        number, protocol = given
        known = {port.number for port in reachable.all_ports}
        if number not in known and (reason := host_port(number, reachable.all_ports)):
            service.problems.add(f"{service.label}port", reason)
        return number, protocol or _protocol(number, reachable)
    if len(usable) == 1:
        return usable[0].number, usable[0].protocol
    if fields["register_port"] is not None:
        return 0, "tcp"
    service.problems.add(f"{service.label}port", f"must be given: {_why_needed(usable)}")
    return None


def _usable(reachable: Reachable, internal: bool | None) -> Sequence[Port]:
    """Return the ports that can be registered as the service asks, or as configured (`None`)."""
    if internal is None or internal is reachable.internal:
        return reachable.ports
    return [port for port in reachable.all_ports if internal or port.bindings]


def _protocol(number: int, reachable: Reachable) -> str:
    """Return the protocol of a port given without one: TCP if the port has it or is unknown."""
    known = {port.protocol for port in reachable.all_ports if port.number == number}
    return "tcp" if "tcp" in known or not known else min(known)


def _why_needed(usable: Sequence[Port]) -> str:
    if not usable:
        return "none of the container's ports can be registered"
    ports = ", ".join(f"{port.number}/{port.protocol}" for port in usable[:10])
    return f"the container has several ports ({ports})"
