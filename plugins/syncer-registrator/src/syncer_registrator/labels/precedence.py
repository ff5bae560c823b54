"""Precedence: which of several keys counts for a port.

The most specific key does: port with protocol, then port, then range, then all ports. Of two
ranges: the one with a protocol, then the narrower one, then the one that begins later. An empty
value takes precedence as well. At one level a label takes precedence over a variable, and an
upper-case label over a dotted one.
"""

from collections import ChainMap
from collections.abc import Iterable, Iterator, MutableMapping

import attrs

from syncer import Port
from syncer.kits.labels import Problems, host_port
from syncer_registrator.labels.keys import Level, Selector, Setting
from syncer_registrator.labels.known_keys import KeyKind

#: Each range is compared with each port, so their number has a limit.
MOST_RANGES = 100


@attrs.frozen(eq=False)
class PortKeys:
    """The keys that count for a port. Ports with the same keys share one object."""

    settings: MutableMapping[str, Setting]
    metadata: MutableMapping[str, Setting]


class Precedence:
    """All keys of one workload. Answers which of them count for a port."""

    def __init__(self, settings: Iterable[Setting], problems: Problems) -> None:
        found: dict[Selector, list[Setting]] = {}
        for setting in settings:
            found.setdefault(setting.selector, []).append(setting)
        ordered = sorted(found, key=lambda selector: selector.rank)
        self._by_selector = {selector: _strongest(found[selector]) for selector in ordered}
        ranges = [selector for selector in ordered if selector.level is Level.RANGE]
        self._ranges = ranges[:MOST_RANGES]
        self._merged: dict[tuple[Selector, ...], PortKeys] = {}
        for selector in ranges[MOST_RANGES:]:
            for setting in found[selector]:
                problems.add(setting.origin, f"not read: one of over {MOST_RANGES} port ranges")

    def keys_of(self, port: int = 0, protocol: str = "") -> PortKeys:
        """Return the keys that count for this port; without one, for the whole workload."""
        matching = tuple(s for s in self._about(port, protocol) if s in self._by_selector)
        if matching not in self._merged:
            parts = [self._by_selector[selector] for selector in reversed(matching)]
            self._merged[matching] = PortKeys(
                _together([part.settings for part in parts]),
                _together([part.metadata for part in parts]),
            )
        return self._merged[matching]

    def report_unknown_ports(
        self, present: set[tuple[int, str]], ports: Iterable[Port], problems: Problems
    ) -> None:
        """Report keys about single ports that are not present; `ports` have the bindings."""
        present = present | {(number, "") for number, _ in present}
        for selector, keys in self._by_selector.items():
            if selector.level is Level.PORT and (selector.low, selector.protocol) not in present:
                for first in list(keys.settings.values())[:1]:
                    port = f"{selector.low}/{selector.protocol}".rstrip("/")
                    reason = host_port(selector.low, ports)
                    problems.add(first.origin, reason or f"the container has no port {port}")

    def _about(self, port: int, protocol: str) -> Iterator[Selector]:
        yield Selector()
        yield from (selector for selector in self._ranges if selector.fits(port, protocol))
        yield Selector(Level.PORT, port, port)
        if protocol:
            yield Selector(Level.PORT, port, port, protocol)


def _together(parts: list[MutableMapping[str, Setting]]) -> MutableMapping[str, Setting]:
    """Return all that is in the parts; what is in several, from the first."""
    filled = [part for part in parts if part]
    # Not copied: each of thousands of ports may have a key of its own in addition to many for all.
    return filled[0] if len(filled) == 1 else ChainMap(*filled)


def _strongest(settings: list[Setting]) -> PortKeys:
    """Return those of the settings for the same ports that count.

    Of keys that differ only in case the one with capitals counts, so that the order in which a
    runtime lists them does not matter.
    """
    settings.sort(key=lambda setting: setting.name, reverse=True)
    settings.sort(key=lambda setting: (setting.source, not setting.meaning.alias))
    return PortKeys(
        {s.key: s for s in settings if s.meaning.kind is KeyKind.SETTING},
        {s.key: s for s in settings if s.meaning.kind is KeyKind.METADATA},
    )
