"""Labels that are passed on: those that a Traefik which reads the registry needs for one service.

Traefik's Consul Catalog provider reads the tags of each service as labels of that service alone.
So a service gets the labels about itself, without the workload's other services and their
routers. Ports of the container are left out: in the registry the registered port counts.
"""

from collections.abc import Iterator

from syncer.kits.labels import Setting, Settings
from syncer.kits.labels.values import text
from syncer_traefik.labels import PREFIX, TraefikLabels

#: Labels that are passed on with one service.
MOST_LABELS = 1000
#: Keys of a service that are about the container.
_OF_CONTAINER = (
    "loadbalancer.server.port",
    "loadbalancer.server.url",
    "loadbalancer.healthcheck.port",
)
_PROVIDERS = ("docker.", "swarm.")


def service_of(router: Settings) -> str:
    """Return the service that a router names, without the provider if that is Docker."""
    setting = router.by_key.get("service")
    named = setting.value.strip() if setting else ""
    return named.removesuffix("@docker").removesuffix("@swarm")


def labels_for(labels: TraefikLabels, protocol: str, service: str) -> dict[str, str]:
    """Return the labels that go with one service, in the order of their names."""
    found: dict[str, str] = {}
    problems = labels.others.problems
    for setting in sorted(_about(labels, protocol, service), key=lambda setting: setting.name):
        try:
            value = text(setting.value)
        except ValueError as error:
            problems.add(setting.origin, f"not passed on: it {error}")
            continue
        if len(found) == MOST_LABELS:
            problems.add(service, f"only the first {MOST_LABELS} labels are passed on")
            break
        found[PREFIX + setting.name[len(PREFIX) :]] = value
    return found


def _about(labels: TraefikLabels, protocol: str, service: str) -> Iterator[Setting]:
    for key, setting in labels.others.by_key.items():
        first = key.partition(".")[0]
        other_protocol = first in labels.services and first != protocol
        if not other_protocol and not key.startswith(_PROVIDERS):
            yield setting
    own = labels.services[protocol].get(service)
    if own is not None:
        yield from (setting for key, setting in own.by_key.items() if key not in _OF_CONTAINER)
    alone = len(labels.services[protocol]) <= 1
    for router in labels.routers[protocol].values():
        named = service_of(router)
        if named == service or (alone and not named):
            # In the registry this is the only service, and may have another name.
            yield from (setting for key, setting in router.by_key.items() if key != "service")
