"""Traefik's labels taken apart: `traefik.<protocol>.services.<name>.<key>` and the like.

Words are read in any case, as Traefik reads them; names stay as they are.
"""

import re
from collections.abc import Callable, Mapping
from typing import TypeVar

import attrs

from syncer.kits.labels import Problems
from syncer_traefik import values

T = TypeVar("T")

PREFIX = "traefik."
PROTOCOLS = ("http", "tcp", "udp")
#: Services of one workload; more are a mistake.
MOST_SERVICES = 100

_PARTS = {
    "http": ("services", "routers", "middlewares", "serverstransports"),
    "tcp": ("services", "routers", "middlewares", "serverstransports"),
    "udp": ("services", "routers"),
}
_VERSION_1 = re.compile(r"traefik\.(port|backend|protocol|weight|domain|frontend)(\.|$)")


@attrs.frozen
class Said:
    """What a label says: its name as written, and its value."""

    label: str
    value: str


@attrs.frozen
class Settings:
    """What labels say of one service or router, by key; `label` is what their names begin with."""

    label: str
    said: Mapping[str, Said]
    problems: Problems

    def get(self, key: str, convert: Callable[[str], T]) -> T | None:
        """What `convert` makes of the value; None if there is none, or it is a problem."""
        said = self.said.get(key)
        if said is None or not said.value.strip():
            return None
        try:
            return convert(said.value)
        except ValueError as error:
            self.problems.add(said.label, error)
            return None


@attrs.frozen(kw_only=True)
class Labels:
    """All that Traefik's labels say of a workload.

    `services` and `routers` are by protocol, then by name. `plain` are those that are about
    neither, by key.
    """

    services: Mapping[str, Mapping[str, Settings]]
    routers: Mapping[str, Mapping[str, Settings]]
    plain: Settings

    @property
    def enabled(self) -> bool | None:
        """What `traefik.enable` says; None: nothing that can be read."""
        return self.plain.get("enable", values.truth)

    @property
    def network(self) -> str:
        """The network that Traefik is told to use; "" if none."""
        return self.plain.get("docker.network", values.name) or ""


def read(labels: Mapping[str, str], problems: Problems) -> Labels | None:
    """What Traefik's labels say; None if there are none."""
    ours = {key: value for key, value in labels.items() if key.lower().startswith(PREFIX)}
    if not ours:
        return None
    found: dict[tuple[str, str], dict[str, dict[str, Said]]] = {}
    plain: dict[str, Said] = {}
    for label in sorted(ours):
        said = Said(label, ours[label])
        words = label.removeprefix(label[: len(PREFIX)]).split(".")
        protocol, part = words[0].lower(), words[1].lower() if len(words) > 1 else ""
        if reason := _unfit(label, words, protocol, part):
            problems.add(label, reason)
        elif part in ("services", "routers") and protocol in PROTOCOLS:
            by_name = found.setdefault((protocol, part), {})
            by_name.setdefault(words[2], {})[".".join(words[3:]).lower()] = said
        else:
            plain[".".join(words).lower()] = said

    def of(part: str) -> dict[str, dict[str, Settings]]:
        return {
            protocol: {
                name: Settings(f"{PREFIX}{protocol}.{part}.{name}", said, problems)
                for name, said in list(found.get((protocol, part), {}).items())[:MOST_SERVICES]
            }
            for protocol in PROTOCOLS
        }

    return Labels(
        services=of("services"), routers=of("routers"), plain=Settings(PREFIX, plain, problems)
    )


def _unfit(label: str, words: list[str], protocol: str, part: str) -> str:
    """Why a label is not read; "" if it is, or is only about Traefik."""
    try:
        values.name(label)
    except ValueError as error:
        return f"the label {error}"
    if _VERSION_1.match(label.lower()):
        return "a label of Traefik 1, which is not read"
    if protocol not in PROTOCOLS:
        return ""  # people have labels of their own there, for constraints
    if part not in _PARTS[protocol]:
        return f"not read: after {protocol} there is {', '.join(_PARTS[protocol])}"
    if len(words) < 4 or not words[2].strip():
        return "it names nothing, or says nothing of it"
    return ""
