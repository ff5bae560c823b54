"""Which of several keys counts for a port.

The most particular key does: port with protocol, then port, then range, then all ports; of two
ranges one with a protocol, then the narrower one, then the one that begins later. An empty
value hides what is less particular all the same. At one level a label beats the environment,
and an upper-case label a dotted one.
"""

from collections.abc import Iterable, Iterator, Mapping

import attrs

from syncer_registrator.labels.keys import Level, Selector, Setting
from syncer_registrator.labels.known_keys import Meaning
from syncer_registrator.labels.problems import Problems

#: Each range is compared with each port, so their number has a limit.
MOST_RANGES = 100


@attrs.frozen(eq=False)
class Layer:
    """What counts for a port. Ports about which no key differs share one object."""

    known: Mapping[str, Setting]
    attributes: Mapping[str, Setting]


class Layers:
    """All keys of one workload, to be asked about its ports."""

    def __init__(self, settings: Iterable[Setting], problems: Problems) -> None:
        found: dict[Selector, list[Setting]] = {}
        for setting in settings:
            found.setdefault(setting.selector, []).append(setting)
        ordered = sorted(found, key=lambda selector: selector.rank)
        self._by_selector = {selector: _layer(found[selector]) for selector in ordered}
        ranges = [selector for selector in ordered if selector.level is Level.RANGE]
        self._ranges = ranges[:MOST_RANGES]
        self._merged: dict[tuple[Selector, ...], Layer] = {}
        for selector in ranges[MOST_RANGES:]:
            for setting in found[selector]:
                problems.add(setting.origin, f"more than {MOST_RANGES} port ranges are not read")

    def of(self, port: int, protocol: str) -> Layer:
        """What counts for this port."""
        matching = tuple(s for s in self._about(port, protocol) if s in self._by_selector)
        if matching not in self._merged:
            parts = [self._by_selector[selector] for selector in matching]
            self._merged[matching] = Layer(
                {key: setting for part in parts for key, setting in part.known.items()},
                {key: setting for part in parts for key, setting in part.attributes.items()},
            )
        return self._merged[matching]

    def everywhere(self) -> Layer:
        """What counts where no port is named."""
        return self.of(0, "")

    def report_unknown(self, ports: Iterable[tuple[int, str]], problems: Problems) -> None:
        """Report labels about single ports that are not among these.

        Not so variables: images set them for ports that not every container has.
        """
        present = {(number, protocol) for number, protocol in ports}
        present |= {(number, "") for number, _ in present}
        for selector, layer in self._by_selector.items():
            if selector.level is Level.PORT and (selector.low, selector.protocol) not in present:
                labels = (s for s in layer.known.values() if not s.from_env)
                first = next(labels, None)
                if first:
                    port = f"{selector.low}/{selector.protocol}".rstrip("/")
                    problems.add(first.origin, f"the runtime knows of no port {port} here")

    def _about(self, port: int, protocol: str) -> Iterator[Selector]:
        yield Selector()
        yield from (selector for selector in self._ranges if selector.fits(port, protocol))
        yield Selector(Level.PORT, port, port)
        if protocol:
            yield Selector(Level.PORT, port, port, protocol)


def _layer(settings: list[Setting]) -> Layer:
    """Of the settings for the same ports, those that count.

    Of keys that differ only in case that with capitals counts, so that the order in which a
    runtime lists them does not matter.
    """
    settings.sort(key=lambda setting: setting.text, reverse=True)
    settings.sort(key=lambda setting: (setting.place, not setting.entry.alias))
    return Layer(
        {s.key: s for s in settings if s.entry.meaning is Meaning.KNOWN},
        {s.key: s for s in settings if s.entry.meaning is Meaning.ATTRIBUTE},
    )
