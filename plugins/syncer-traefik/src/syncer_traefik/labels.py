"""Traefik's labels by service and router: `traefik.<protocol>.services.<name>.<key>`.

Keys are read in any case, as Traefik reads them; names stay as they are.
"""

import re
from collections.abc import Mapping

import attrs

from syncer.kits.labels import LONGEST_NAME, Problems, Setting, Settings, as_meant, unfit

PREFIX = "traefik."
PROTOCOLS = ("http", "tcp", "udp")
#: Services, and routers, of one workload that are read.
MOST_SERVICES = 100

_OF_HTTP = ("services", "routers", "middlewares", "serverstransports")
_PARTS = {"http": _OF_HTTP, "tcp": _OF_HTTP, "udp": ("services", "routers")}
_VERSION_1 = re.compile(r"traefik\.(port|backend|protocol|weight|domain|frontend)(\.|$)")


@attrs.frozen(kw_only=True)
class TraefikLabels:
    """The labels of a workload.

    `services` and `routers` are by protocol, then by name; `others` are about neither.
    """

    services: Mapping[str, Mapping[str, Settings]]
    routers: Mapping[str, Mapping[str, Settings]]
    others: Settings


def split_labels(labels: Mapping[str, str], problems: Problems) -> TraefikLabels | None:
    """Return Traefik's labels, or `None` if there are none."""
    ours = sorted(label for label in labels if label.lower().startswith(PREFIX))
    if not ours:
        return None
    named: dict[tuple[str, str], dict[str, dict[str, Setting]]] = {}
    others: dict[str, Setting] = {}
    for label in ours:
        words = label[len(PREFIX) :].split(".")
        protocol, part = words[0].lower(), words[1].lower() if len(words) > 1 else ""
        setting = Setting(label, _value(label, labels[label], words, problems))
        if reason := _why_not_read(label, words, protocol, part):
            problems.add(label, reason)
        elif part in ("services", "routers") and protocol in PROTOCOLS:
            by_name = named.setdefault((protocol, part), {})
            by_name.setdefault(words[2], {})[".".join(words[3:]).lower()] = setting
        else:
            others[".".join(words).lower()] = setting

    def of(part: str) -> dict[str, dict[str, Settings]]:
        return {
            protocol: {
                one: Settings(f"{PREFIX}{protocol}.{part}.{one}.", settings, problems)
                for one, settings in list(named.get((protocol, part), {}).items())[:MOST_SERVICES]
            }
            for protocol in PROTOCOLS
        }

    return TraefikLabels(
        services=of("services"), routers=of("routers"), others=Settings(PREFIX, others, problems)
    )


def _value(label: str, value: str, words: list[str], problems: Problems) -> str:
    """Return the value without what the way to the container added, unless it is free text."""
    lower = [word.lower() for word in words]
    read = lower[1:2] in (["services"], ["routers"]) and "headers" not in lower
    if read or lower in (["enable"], ["docker", "network"]):
        return as_meant(label, value, problems)
    return value


def _why_not_read(label: str, words: list[str], protocol: str, part: str) -> str:
    """Return why a label is not read; empty if it is, or is only about Traefik."""
    if reason := unfit(label, LONGEST_NAME):
        return f"the label {reason}"
    if _VERSION_1.match(label.lower()):
        return "not read: a label of Traefik 1"
    if protocol not in PROTOCOLS:
        return ""  # people use labels of their own in Traefik's constraints
    if part not in _PARTS[protocol]:
        return f"not read: after {protocol} there must be {', '.join(_PARTS[protocol])}"
    if len(words) < 4 or not words[2].strip():
        return "not read: the name or the setting is missing"
    return ""
