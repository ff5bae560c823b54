"""Labels passed on: what a Traefik that reads the registry needs to know of one service.

Traefik's Consul Catalog provider reads the tags of each service as labels of it alone. So a service
gets what is about itself: not the other services of its workload, nor their routers, nor ports
of the container, since there the registry's port counts.
"""

from collections.abc import Iterator

from syncer_traefik import values
from syncer_traefik.reading import PREFIX, Labels, Said, Settings

#: Keys of a service that are about the container, not about what is registered.
_CONTAINERS = (
    "loadbalancer.server.port",
    "loadbalancer.server.url",
    "loadbalancer.healthcheck.port",
)
_PROVIDERS = ("docker.", "swarm.")


def leads_to(router: Settings) -> str:
    """The service that a router names, without the provider that it is of if that is Docker."""
    said = router.said.get("service")
    wanted = said.value.strip() if said else ""
    return wanted.removesuffix("@docker").removesuffix("@swarm")


def passed_on(labels: Labels, protocol: str, name: str) -> dict[str, str]:
    """The labels that go with one service, in the order of their names."""
    found = {}
    for said in sorted(_about(labels, protocol, name), key=lambda said: said.label):
        try:
            found[PREFIX + said.label[len(PREFIX) :]] = values.text(said.value)
        except ValueError as error:
            labels.plain.problems.add(said.label, f"not passed on: it {error}")
    return found


def _about(labels: Labels, protocol: str, name: str) -> Iterator[Said]:
    for key, said in labels.plain.said.items():
        first = key.partition(".")[0]
        others = first in labels.services and first != protocol
        if not others and not key.startswith(_PROVIDERS):
            yield said
    own = labels.services[protocol].get(name)
    if own is not None:
        yield from (said for key, said in own.said.items() if key not in _CONTAINERS)
    alone = len(labels.services[protocol]) <= 1
    for router in labels.routers[protocol].values():
        wanted = leads_to(router)
        if wanted == name or (alone and not wanted):
            # In the registry this is the only service, and it may be called otherwise.
            yield from (said for key, said in router.said.items() if key != "service")
