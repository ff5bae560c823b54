"""Which fields of a check an agent knows.

Consul refuses a whole registration for one unknown field, so each agent is sent only the fields
that its version has.
"""

from collections.abc import Collection, Mapping
from typing import Any

Version = tuple[int, ...]

#: The version from which every release has a field, though some older lines have it, too. Every
#: supported version has the fields that are not listed.
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

#: The kind of a check, by the field that makes it one; without that field nothing is left of it.
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


#: The field of checks that run commands, which an agent may refuse whatever its version.
COMMAND = "Args"


def kind_of(definition: Mapping[str, Any]) -> str:
    """Return the kind of a check from its definition."""
    return next((kind for field, kind in KINDS.items() if field in definition), "other")


def unknown_fields(
    definition: Mapping[str, Any], version: Version | None, refused: Collection[str] = ()
) -> list[str]:
    """Return the fields that an agent of this version does not know, or has refused.

    If the version is `None`, all fields are assumed to be known.
    """
    return [
        field
        for field in definition
        if field in refused or (version is not None and version < SINCE.get(field, (0,)))
    ]
