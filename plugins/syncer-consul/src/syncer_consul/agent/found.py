"""Where Consul's consumers find an instance. Traefik and Spring Cloud read tags as configuration.

Tags may name services of Traefik: those of one name are one service, whatever they are called in
Consul. To Spring Cloud tags may be metadata. What routers ask for (hosts, paths) is not looked at:
these are no names of services.
"""

import re
from urllib.parse import urlsplit

from syncer import FoundAs, Instance

_PREFIX = "traefik."
_SERVICE = re.compile(
    r"traefik\.(?:http|tcp|udp)\.services\.(?P<name>[^.=]+)\.(?P<key>[^=]*)=(?P<value>.*)",
    re.IGNORECASE | re.DOTALL,
)
#: A backend of Traefik 1, and the address at which Spring Boot Admin asks an instance.
_BACKEND, _MANAGEMENT = "traefik.backend", "management.address"
#: Traefik makes a name of a service's name in Consul, of what is left of these.
_NOT_IN_NAMES = re.compile(r"[\W_]+")


def found_as(instance: Instance) -> FoundAs:
    """Return the service and address, and those that its tags name."""
    names, addresses = [instance.service], [instance.address]
    if any(tag.lower().startswith(_PREFIX) for tag in instance.tags):
        names.append(_NOT_IN_NAMES.sub("-", instance.service).strip("-") or instance.service)
    for match in filter(None, map(_SERVICE.match, instance.tags)):
        names.append(match["name"])
        if match["key"].lower() == "loadbalancer.server.url":
            addresses.append(_host(match["value"]))
    for key, _, value in (tag.partition("=") for tag in instance.tags):
        if key.lower() == _BACKEND:
            names.append(value)
        elif key == _MANAGEMENT:
            addresses.append(value)
    return FoundAs(names, addresses)


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or url
    except ValueError:
        return url
