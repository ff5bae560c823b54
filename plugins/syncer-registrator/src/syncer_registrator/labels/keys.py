"""The grammar of keys: a prefix, the ports that the key is about, and a word.

SERVICE_NAME   SERVICE_80_NAME   SERVICE_53_UDP_NAME   SERVICE_8000-8010_NAME
service.name   service.80.name   (labels only; dots and hyphens mean underscores)
"""

import re
from collections.abc import Iterator
from enum import IntEnum

import attrs

from syncer import Workload
from syncer.kits import labels
from syncer.kits.labels import Problems, as_meant, escaped, report_quotes, unfit
from syncer_registrator.labels.known_keys import (
    ADDED,
    CHECK_KINDS,
    CHECK_SETTINGS,
    KeyKind,
    KeyMeaning,
    look_up,
    split_check_key,
)
from syncer_registrator.labels.options import RegistratorOptions

PROTOCOLS = ("tcp", "udp", "sctp")
LONGEST_KEY = 255
LARGEST_PORT = 65535

_PORTS = re.compile(r"[+-]?[0-9]+(-[0-9]+)?")


class Level(IntEnum):
    """How specific a key is."""

    ALL = 0
    RANGE = 1
    PORT = 2


class KeySource(IntEnum):
    """Where a key is written. Of two keys at one level the one with the higher source counts."""

    ENV = 0
    DOTTED_LABEL = 1
    LABEL = 2


@attrs.frozen
class Selector:
    """The ports that a key is about: from `low` to `high`, of one protocol or of all ("")."""

    level: Level = Level.ALL
    low: int = 0
    high: int = LARGEST_PORT
    protocol: str = ""

    @property
    def rank(self) -> tuple[int, bool, int, int, str]:
        """Sorts selectors from the least to the most specific."""
        return (self.level, bool(self.protocol), self.low - self.high, self.low, self.protocol)

    def fits(self, port: int, protocol: str) -> bool:
        """Return whether the port is one of these."""
        return self.low <= port <= self.high and self.protocol in ("", protocol)


@attrs.frozen(eq=False, kw_only=True)
class Setting(labels.Setting):
    """One key with its value."""

    source: KeySource
    selector: Selector
    meaning: KeyMeaning

    @property
    def key(self) -> str:
        """The canonical word: `name`, `check_http`, or a key of metadata."""
        return self.meaning.key

    @property
    def origin(self) -> str:
        """The key as people see it: `SERVICE_80_NAME (label)`."""
        return _origin(self.name, self.source)


@attrs.frozen
class _RawKey:
    """A key as written, and without its prefix."""

    name: str
    rest: str
    value: str
    source: KeySource


def read_keys(
    workload: Workload, options: RegistratorOptions, problems: Problems
) -> Iterator[Setting]:
    """Yield the keys of a workload that have a meaning; report the others.

    Variables with other keys belong to other programs, and are not reported.
    """
    for raw in _raw_keys(workload, options):
        setting = _read(raw, options, problems)
        if setting:
            yield setting


def _raw_keys(workload: Workload, options: RegistratorOptions) -> Iterator[_RawKey]:
    prefix, dotted = options.prefix, options.dotted
    for name in sorted(workload.env):
        if name.startswith(prefix):
            rest = name[len(prefix) :].lower()
            yield _RawKey(name, rest, workload.env[name], KeySource.ENV)
    for name in sorted(workload.labels):
        value = workload.labels[name]
        if name.startswith(prefix):
            yield _RawKey(name, name[len(prefix) :].lower(), value, KeySource.LABEL)
        elif dotted and name.startswith(dotted):
            rest = name[len(dotted) :].lower().replace(".", "_")
            yield _RawKey(name, rest, value, KeySource.DOTTED_LABEL)


def _read(raw: _RawKey, options: RegistratorOptions, problems: Problems) -> Setting | None:
    selector, word = _split(raw.rest)
    dotted = raw.source is KeySource.DOTTED_LABEL
    meaning = look_up(word.replace("-", "_") if dotted else word)
    from_env = raw.source is KeySource.ENV
    origin = _origin(raw.name, raw.source)
    if from_env and meaning.key in ADDED and not options.added_from_env:
        if selector != Selector():  # only this dialect has keys for a port
            reason = "not read from a variable: write a label, or set the option added_from_env"
            problems.add(origin, reason)
        meaning = KeyMeaning(KeyKind.METADATA, word)
    if from_env and meaning.kind is KeyKind.METADATA and not options.meta_from_env:
        return None
    if selector is None:
        problems.add(origin, "its port must be 1 to 65535, or a range such as 8000-8010")
    elif reason := meaning.reason or _wrong_word(meaning):
        problems.add(origin, reason)
    elif meaning.kind is KeyKind.WRONG:
        known = (*CHECK_KINDS, *CHECK_SETTINGS)
        _, setting = split_check_key(meaning.key)
        problems.add_unknown(origin, setting, known, "check setting")
    else:
        return Setting(
            name=raw.name,
            value=_value(raw.value, origin, meaning, problems),
            from_env=from_env,
            source=raw.source,
            selector=selector,
            meaning=meaning,
        )
    return None


def _value(value: str, origin: str, meaning: KeyMeaning, problems: Problems) -> str:
    """Return the value without what the way to the container added, unless it is free text."""
    if meaning.kind is KeyKind.METADATA:
        report_quotes(origin, value, problems)
    elif not meaning.key.endswith("_body"):
        return as_meant(origin, value, problems, keep_blanks=meaning.key == "tags")
    return value


def _wrong_word(meaning: KeyMeaning) -> str:
    if not meaning.key.strip():
        return "the key is missing after the prefix or port"
    if meaning.key != meaning.key.strip():
        return "its name has blanks at an end"
    reason = unfit(meaning.key, LONGEST_KEY)
    return f"its name {reason}" if reason else ""


def _split(rest: str) -> tuple[Selector | None, str]:
    """Return the ports of a key and its word; `None` if the port is wrong."""
    ports, separator, tail = rest.partition("_")
    if not (separator and _PORTS.fullmatch(ports)):
        return Selector(), rest
    protocol, separator, word = tail.partition("_")
    if not (separator and word and protocol in PROTOCOLS):
        protocol, word = "", tail
    low, dash, high = ports.partition("-")
    high = high if dash else low
    if not (_is_port(low) and _is_port(high) and int(low) <= int(high)):
        return None, word
    return Selector(Level.RANGE if dash else Level.PORT, int(low), int(high), protocol), word


def _is_port(text: str) -> bool:
    """Return whether this is a port as a runtime writes it: digits without a leading zero."""
    if not text.isdigit() or len(text) > 5 or text.startswith("0"):
        return False
    return int(text) <= LARGEST_PORT


def _origin(name: str, source: KeySource) -> str:
    return f"{escaped(name)} ({'env' if source is KeySource.ENV else 'label'})"
