"""The right form of a `--source` or `--sink` that was not understood."""

import re

from syncer.api.errors import SyncerError
from syncer.api.kinds import SourceType
from syncer.config.settings import KindLookup, UriKind

#: The ports by which registries are known.
_PORTS = {"8500": "consul", "2379": "etcd", "8761": "eureka", "2181": "zookeeper"}
_PLACE = re.compile(r"(?:https?://)?(?P<host>[\w.-]+|\[[0-9a-fA-F:]+\])(?::(?P<port>\d+))?(?:/.*)?")

#: Separators that people write after a name, and after a kind.
_AFTER_NAME, _AFTER_KIND = re.compile("[:=](?!//)"), re.compile("://|[:=]")


def right_form(flag: str, text: str, role: type[UriKind], kinds: KindLookup) -> str:
    """Return `did you mean --sink consul=localhost:8500?` or the like; "" if nothing is near."""
    names = kinds.names(role)
    words = [word.strip() for word in text.split(",")]
    if len(words) > 1 and all(word in names for word in words):
        return f"give {flag} once for each: {' '.join(f'{flag} {word}' for word in words)}"
    if text.startswith("podman") and role is SourceType:
        return f"for Podman: {flag} docker=unix:///run/podman/podman.sock"
    if mixed := _mixed(text, role, kinds):
        return f"did you mean {flag} {mixed}?"
    place = _PLACE.fullmatch(text)
    if place is None or not (place["port"] or "://" in text):
        return ""
    if place["host"] in names and "://" not in text:
        kind, address = place["host"], f"localhost:{place['port']}"
    else:
        kind, address = _PORTS.get(place["port"] or "", ""), text
    for value in (address, f"tcp://{address}"):
        if _is_read(value, role, kind, kinds):
            return f"did you mean {flag} {kind}={value}?"
    return f"say of which kind it is: {flag} KIND={text}"


def _mixed(text: str, role: type[UriKind], kinds: KindLookup) -> str:
    """Return `[NAME:]KIND[=VALUE]` for a text that has these with other signs between; else ""."""
    name, *rest = _AFTER_NAME.split(text, maxsplit=1)
    for before, words in (("", text), *((f"{name}:", one) for one in rest)):
        kind, *value = _AFTER_KIND.split(words, maxsplit=1)
        # A port alone is left to those who know the host.
        if kind not in kinds.names(role) or (value and value[0].isdigit()):
            continue
        for start in ("", "tcp://", "unix://"):
            if not value or _is_read(f"{start}{value[0]}", role, kind, kinds):
                return before + "=".join((kind, *(f"{start}{one}" for one in value)))
    return ""


def _is_read(value: str, role: type[UriKind], kind: str, kinds: KindLookup) -> bool:
    try:
        found = kinds.kind(role, kind) if kind else None
        return bool(found and found.from_uri and found.from_uri(value))
    except (SyncerError, ValueError):
        return False
