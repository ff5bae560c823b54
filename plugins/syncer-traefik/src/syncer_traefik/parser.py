"""From the labels of a workload to its offers. Pure."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

import attrs

from syncer import Offer, Parsed, Reachable, Workload
from syncer.kits.labels import (
    LONGEST_NAME,
    Problems,
    Settings,
    escaped,
    host_port,
    quoted,
    with_own_ids,
)
from syncer.kits.labels import values as kit
from syncer_traefik import values
from syncer_traefik.checks import read_checks
from syncer_traefik.labels import PREFIX, PROTOCOLS, TraefikLabels, split_labels
from syncer_traefik.options import PassOn, TraefikOptions
from syncer_traefik.pass_on import labels_for, service_of

_COMPOSE = ("com.docker.compose.service", "com.docker.compose.project")
_SERVER = "loadbalancer.server."
#: Keys, and beginnings of keys, that mean nothing outside Traefik, and those that are read.
_IGNORED = tuple(
    f"loadbalancer.{key}"
    for key in (
        *("sticky", "passhostheader", "responseforwarding", "serverstransport", "strategy"),
        *("passivehealthcheck", "proxyprotocol", "terminationdelay", "healthcheck."),
        *("server.preservepath", "server.fenced", "server.tls"),
    )
)
_READ = {"loadbalancer", *(f"{_SERVER}{key}" for key in ("port", "scheme", "url", "weight"))}


def create(options: TraefikOptions) -> Callable[[Workload, Reachable], Parsed]:
    """Return the function that reads workloads with these options."""
    return lambda workload, reachable: _parse(workload, reachable, options)


def _parse(workload: Workload, reachable: Reachable, options: TraefikOptions) -> Parsed:
    problems = Problems()
    labels = split_labels(workload.labels, problems)
    if labels is None:
        return Parsed()
    enabled = labels.others.get("enable", values.truth)
    if enabled is False:
        return Parsed(problems=problems.texts(), ignored="label traefik.enable")
    if enabled is None and not (
        options.exposed_by_default and _describes_something(labels, PROTOCOLS)
    ):
        return Parsed(problems=problems.texts())
    offers = [
        offer
        for protocol in PROTOCOLS
        for name, service in _services(labels, protocol, workload, problems)
        if (offer := _offer(labels, protocol, name, service, reachable, options))
    ]
    return Parsed(with_own_ids(workload, offers), problems.texts())


def _describes_something(labels: TraefikLabels, protocols: Iterable[str]) -> bool:
    """Return whether there is a router or a service; other labels may be for constraints only."""
    return any(labels.services[p] or labels.routers[p] for p in protocols)


def _services(
    labels: TraefikLabels, protocol: str, workload: Workload, problems: Problems
) -> Iterator[tuple[str, Settings]]:
    """Yield the services of a protocol by name, or the default one if none is described."""
    services, routers = labels.services[protocol], labels.routers[protocol]
    _report_lost_routers(services, routers, problems)
    if services:
        yield from services.items()
        return
    named = {service_of(router) for router in routers.values()}
    elsewhere = sorted(service for service in named if "@" in service)
    if named and len(elsewhere) == len(named):
        reason = f"they lead to {quoted(', '.join(elsewhere))[1:-1]}, not to this container"
        problems.add(f"{PREFIX}{protocol}.routers", reason)
    elif named or (protocol == "http" and not _describes_something(labels, ("tcp", "udp"))):
        name = default_service(workload)
        yield name, Settings(f"{PREFIX}{protocol}.services.{name}.", {}, problems)


def _report_lost_routers(
    services: Mapping[str, Settings], routers: Mapping[str, Settings], problems: Problems
) -> None:
    """Report routers without a service, if services are described."""
    for router in routers.values() if services else ():
        label, named = router.label.rstrip("."), service_of(router)
        if not named and len(services) > 1:
            problems.add(label, "names no service, and there are several")
        elif named and "@" not in named and named not in services:
            problems.add(label, f"unknown service {quoted(named)}")


def default_service(workload: Workload) -> str:
    """Return the name that Traefik gives to the service of a container that describes none."""
    service, project = (workload.labels.get(label, "") for label in _COMPOSE)
    name = f"{service}_{project}" if service and project else workload.name or workload.id
    return re.sub(r"[\W_]+", "-", name).strip("-")[:LONGEST_NAME] or workload.id


def _offer(
    labels: TraefikLabels,
    protocol: str,
    name: str,
    service: Settings,
    reachable: Reachable,
    options: TraefikOptions,
) -> Offer | None:
    """Return the offer of a service, or report why it cannot have one."""
    label = service.label.rstrip(".")
    for key in sorted(service.by_key.keys() - _READ):
        if not key.startswith(_IGNORED):
            service.problems.add(service.by_key[key].name, "not read")
    if service.by_key and not any(key.startswith("loadbalancer") for key in service.by_key):
        service.problems.add(label, "only load balancers have servers to register")
        return None
    url = service.get(f"{_SERVER}url", values.url)
    port = 0 if url else _port(service, protocol, reachable)
    if port is None:
        return None
    network = labels.others.get("docker.network", kit.name) or ""
    offer = Offer(
        service=name.strip(),
        port=port,
        protocol="udp" if protocol == "udp" else "tcp",
        register_address=url[1] if url else "",
        register_port=url[2] if url else None,
        network=network if reachable.internal else "",
        checks=read_checks(service, protocol, reachable),
        weight=service.get(f"{_SERVER}weight", kit.limited(Offer, "weight", kit.whole)),
        because=f"labels {escaped(label)}.*" if service.by_key else "Traefik's default service",
    )
    return _with_labels(offer, labels, protocol, name, options.pass_on)


def _port(service: Settings, protocol: str, reachable: Reachable) -> int | None:
    """Return the port given, else the lowest one that can be registered, as Traefik does."""
    if setting := service.by_key.get(f"{_SERVER}port"):
        given = service.get(f"{_SERVER}port", values.port)
        known = {port.number for port in reachable.all_ports}
        if given and given not in known and (reason := host_port(given, reachable.all_ports)):
            service.problems.add(setting.name, reason)
        return given
    transport = "udp" if protocol == "udp" else "tcp"
    for ports in (reachable.ports, reachable.all_ports):
        numbers = [port.number for port in ports if port.protocol == transport]
        if numbers:
            return min(numbers)
    reason = f"must be given: the container has no {transport} port"
    service.problems.add(f"{service.label}{_SERVER}port", reason)
    return None


def _with_labels(
    offer: Offer, labels: TraefikLabels, protocol: str, name: str, pass_on: PassOn
) -> Offer:
    if pass_on is PassOn.NO:
        return offer
    found = labels_for(labels, protocol, name)
    if pass_on is PassOn.META:
        return attrs.evolve(offer, meta=found)
    return attrs.evolve(offer, tags=tuple(f"{key}={value}" for key, value in found.items()))
