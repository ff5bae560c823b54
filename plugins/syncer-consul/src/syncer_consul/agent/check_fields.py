"""Which fields of a check an agent knows.

Consul refuses a whole registration for one field that it does not know, so each agent is sent
only what its version has. Versions are those whose every later release has the field: some
were also brought to patch releases of older lines.
"""

from collections.abc import Collection, Mapping
from typing import Any

Version = tuple[int, ...]

#: The first version that knows a field; the others are as old as all that is supported.
SINCE: Mapping[str, Version] = {
    "OutputMaxSize": (1, 5, 2),
    "SuccessBeforePassing": (1, 7, 0),
    "FailuresBeforeCritical": (1, 7, 0),
    "Body": (1, 7, 0),
    "TLSServerName": (1, 10, 0),
    "H2PING": (1, 10, 0),
    "H2PingUseTLS": (1, 11, 0),
    "FailuresBeforeWarning": (1, 11, 0),
    "DisableRedirects": (1, 12, 0),
    "UDP": (1, 13, 0),
    "TCPUseTLS": (1, 16, 2),
}

#: A check is of the kind whose field it has; without that field nothing is left of it.
KINDS: Mapping[str, str] = {
    "TTL": "ttl",
    "HTTP": "http",
    "TCP": "tcp",
    "UDP": "udp",
    "GRPC": "grpc",
    "H2PING": "h2ping",
    "AliasService": "alias",
    "DockerContainerID": "docker",
    "Args": "script",
}


def kind_of(definition: Mapping[str, Any]) -> str:
    """The kind of a check, by its definition."""
    return next((kind for field, kind in KINDS.items() if field in definition), "other")


def unknown_fields(
    definition: Mapping[str, Any], version: Version | None, refused: Collection[str] = ()
) -> list[str]:
    """The fields that an agent of this version does not know, or has refused.

    Without a version everything is believed to be known.
    """
    return [
        field
        for field in definition
        if field in refused or (version is not None and version < SINCE.get(field, (0,)))
    ]


def fitted(definition: Mapping[str, Any], unknown: Collection[str]) -> dict[str, Any] | None:
    """The definition without the unknown fields; None if its kind is among them."""
    if any(field in KINDS for field in unknown):
        return None
    return {field: value for field, value in definition.items() if field not in unknown}
