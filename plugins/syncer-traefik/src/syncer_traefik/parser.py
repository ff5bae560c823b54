"""From one workload's labels to its offers. Pure: the same workload gives the same answer."""

import re
from collections.abc import Callable, Iterator, Mapping

import attrs

from syncer import Offer, Parsed, Reachable, Workload
from syncer.kits.labels import Problems, with_own_ids
from syncer_traefik import values
from syncer_traefik.checks import check_keys, read_checks
from syncer_traefik.options import PassOn, TraefikOptions
from syncer_traefik.passing import leads_to, passed_on
from syncer_traefik.reading import PREFIX, PROTOCOLS, Labels, Settings, read

_COMPOSE = ("com.docker.compose.service", "com.docker.compose.project")
_SERVER = "loadbalancer.server."
#: What is only about how Traefik treats a server; keys, or beginnings of keys.
_ABOUT_TRAEFIK = (
    "loadbalancer.sticky",
    "loadbalancer.passhostheader",
    "loadbalancer.responseforwarding",
    "loadbalancer.serverstransport",
    "loadbalancer.strategy",
    "loadbalancer.passivehealthcheck",
    "loadbalancer.proxyprotocol",
    "loadbalancer.terminationdelay",
    "loadbalancer.server.preservepath",
    "loadbalancer.server.fenced",
    "loadbalancer.server.tls",
)
_READ = {f"{_SERVER}{key}" for key in ("port", "scheme", "url", "weight")}


def create(options: TraefikOptions) -> Callable[[Workload, Reachable], Parsed]:
    """The function that reads workloads as these options say."""
    return lambda workload, reachable: _parse(workload, reachable, options)


def _parse(workload: Workload, reachable: Reachable, options: TraefikOptions) -> Parsed:
    problems = Problems()
    labels = read(workload.labels, problems)
    if labels is None:
        return Parsed()
    enabled = labels.enabled
    if enabled is False:
        return Parsed(problems=problems.texts(), ignored="label traefik.enable")
    if enabled is None and not (options.exposed_by_default and _says_something(labels)):
        return Parsed(problems=problems.texts())
    drafts = [
        offer
        for protocol in PROTOCOLS
        for name, service in _services(labels, protocol, workload, problems)
        if (offer := _offer(labels, protocol, name, service, reachable, options))
    ]
    return Parsed(with_own_ids(workload, drafts), problems.texts())


def _says_something(labels: Labels) -> bool:
    """Whether a router or a service is described: other labels may be for constraints only."""
    return any(found for part in (labels.services, labels.routers) for found in part.values())


def _services(
    labels: Labels, protocol: str, workload: Workload, problems: Problems
) -> Iterator[tuple[str, Settings]]:
    """The services of a protocol by name; where none is described, the default one."""
    services, routers = labels.services[protocol], labels.routers[protocol]
    _report_lost_routers(services, routers, problems)
    if services:
        yield from services.items()
        return
    wanted = {leads_to(router) for router in routers.values()}
    elsewhere = sorted(word for word in wanted if "@" in word)
    if wanted and len(elsewhere) == len(wanted):
        problems.add(f"{PREFIX}{protocol}.routers", f"lead to {', '.join(elsewhere)}, not here")
    elif wanted or (protocol == "http" and not _others(labels)):
        name = default_service(workload)
        yield name, Settings(f"{PREFIX}{protocol}.services.{name}", {}, problems)


def _others(labels: Labels) -> bool:
    """Whether it is about TCP or UDP only: then there is no HTTP service by default."""
    return any(labels.services[p] or labels.routers[p] for p in ("tcp", "udp"))


def _report_lost_routers(
    services: Mapping[str, Settings], routers: Mapping[str, Settings], problems: Problems
) -> None:
    """Report routers that lead nowhere, where services are described."""
    for router in routers.values() if services else ():
        wanted = leads_to(router)
        if not wanted and len(services) > 1:
            problems.add(router.label, "names no service, and there are several")
        elif wanted and "@" not in wanted and wanted not in services:
            problems.add(router.label, f"no such service here: {values.quoted(wanted)}")


def default_service(workload: Workload) -> str:
    """The name that Traefik gives to the service of a container that describes none."""
    service, project = (workload.labels.get(label, "") for label in _COMPOSE)
    name = f"{service}_{project}" if service and project else workload.name or workload.id
    return re.sub(r"[\W_]+", "-", name).strip("-")[: values.LONGEST_NAME] or workload.id


def _offer(
    labels: Labels,
    protocol: str,
    name: str,
    service: Settings,
    reachable: Reachable,
    options: TraefikOptions,
) -> Offer | None:
    """What a service offers; None if it cannot, which is reported."""
    _report_unknown(service)
    if service.said and not any(key.startswith("loadbalancer") for key in service.said):
        service.problems.add(service.label, "only load balancers have servers to register")
        return None
    url = service.get(f"{_SERVER}url", values.url)
    port = 0 if url else _port(service, protocol, reachable)
    if port is None:
        return None
    offer = Offer(
        service=name.strip(),
        port=port,
        protocol="udp" if protocol == "udp" else "tcp",
        register_address=url[1] if url else "",
        register_port=url[2] if url else None,
        network=labels.network if reachable.internal else "",
        checks=read_checks(service, protocol, reachable),
        weight=service.get(f"{_SERVER}weight", values.weight),
        because=f"labels {service.label}.*" if service.said else "Traefik's default service",
    )
    return _with_labels(offer, labels, protocol, name, options.pass_on)


def _report_unknown(service: Settings) -> None:
    known = _READ | check_keys(service.said)
    for key in service.said.keys() - known:
        if not key.startswith(_ABOUT_TRAEFIK) and key != "loadbalancer":
            service.problems.add(service.said[key].label, "not read")


def _port(service: Settings, protocol: str, reachable: Reachable) -> int | None:
    """The port given, else the lowest one that can be registered, as Traefik takes it."""
    if f"{_SERVER}port" in service.said:
        return service.get(f"{_SERVER}port", values.port)
    wanted = "udp" if protocol == "udp" else "tcp"
    for ports in (reachable.ports, reachable.all_ports):
        numbers = [port.number for port in ports if port.protocol == wanted]
        if numbers:
            return min(numbers)
    label = f"{service.label}.{_SERVER}port"
    service.problems.add(label, f"must be given: the container has no {wanted} port")
    return None


def _with_labels(offer: Offer, labels: Labels, protocol: str, name: str, pass_on: PassOn) -> Offer:
    if pass_on is PassOn.NO:
        return offer
    found = passed_on(labels, protocol, name)
    if pass_on is PassOn.META:
        return attrs.evolve(offer, meta=found)
    return attrs.evolve(offer, tags=tuple(f"{key}={value}" for key, value in found.items()))
