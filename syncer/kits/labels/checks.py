"""Kinds of checks by what they have in common, and the fields that describe a check."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from syncer.api.checks import Check
from syncer.kits.labels import values
from syncer.kits.labels.settings import Settings

#: Interval of the checks that run by the clock, in seconds.
DEFAULT_INTERVAL = 10.0

HTTP = frozenset({"http", "https"})
COMMANDS = frozenset({"script", "docker"})
OVER_NETWORK = HTTP | {"tcp", "udp", "grpc", "h2ping"}
BY_CLOCK = OVER_NETWORK | COMMANDS
_ALL = BY_CLOCK | {"ttl", "alias"}
_MAY_USE_TLS = frozenset({"grpc", "h2ping"})

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@attrs.frozen
class Detail:
    """The kinds of checks that have a field of `Check`, and how its text is converted.

    `None` stands for the dialect's words for true and false.
    """

    kinds: frozenset[str]
    convert: Callable[[str], Any] | None


#: The fields that describe a check of any dialect.
DETAILS: Mapping[str, Detail] = {
    "name": Detail(_ALL, values.name),
    "notes": Detail(_ALL, values.text),
    "initial_status": Detail(_ALL, values.status),
    "deregister_after": Detail(_ALL, values.seconds),
    "fed": Detail(frozenset({"ttl"}), None),
    "interval": Detail(BY_CLOCK, values.seconds),
    "timeout": Detail(BY_CLOCK, values.seconds),
    "success_before_passing": Detail(BY_CLOCK, values.whole),
    "failures_before_warning": Detail(BY_CLOCK, values.whole),
    "failures_before_critical": Detail(BY_CLOCK, values.whole),
    "address": Detail(OVER_NETWORK, values.address),
    "port": Detail(OVER_NETWORK, values.whole),
    "method": Detail(HTTP, values.method),
    "body": Detail(HTTP, values.lines),
    "follow_redirects": Detail(HTTP, None),
    "shell": Detail(COMMANDS, values.name),
    "tls": Detail(_MAY_USE_TLS, None),
    "tls_skip_verify": Detail(_MAY_USE_TLS | {"https"}, None),
    "tls_server_name": Detail(_MAY_USE_TLS | {"https"}, values.name),
}


def read_details(
    settings: Settings,
    kind: str,
    keys: Mapping[str, str],
    truth: Callable[[str], bool] = values.truth,
) -> dict[str, Any]:
    """Return the given fields that describe a check, of those that its kind has.

    `keys` maps fields to their keys, where these differ. As in Consul, h2ping uses TLS by default.
    """
    fields: dict[str, Any] = {"interval": DEFAULT_INTERVAL} if kind in BY_CLOCK else {}
    if kind == "h2ping":
        fields["tls"] = True
    for field, detail in DETAILS.items():
        if kind in detail.kinds:
            convert = values.limited(Check, field, detail.convert or truth)
            value = settings.get(keys.get(field, field), convert)
            if value is not None:
                fields[field] = value
    return fields


def into_field(field: str, convert: Callable[[str], Any]) -> Callable[[str], dict[str, Any]]:
    """Return a converter to one field of `Check`, within the limits of the field."""
    convert = values.limited(Check, field, convert)
    return lambda value: {field: convert(value)}


def header_name(value: str) -> str:
    """Return the name of an HTTP header. The error leaves it out: it may be a password."""
    if not _TOKEN.fullmatch(value):
        raise ValueError("not a valid header name")
    return value
