"""The grammar of keys: prefix, then the ports that the key is about, then the word itself.

SERVICE_NAME   SERVICE_80_NAME   SERVICE_53_UDP_NAME   SERVICE_8000-8010_NAME
service.name   service.80.name   (labels only; dots and hyphens stand for underscores)
"""

import re
from collections.abc import Iterator
from enum import IntEnum

import attrs

from syncer import Workload
from syncer_registrator.labels.known_keys import Entry, Meaning, look_up
from syncer_registrator.labels.options import RegistratorOptions
from syncer_registrator.labels.problems import Problems, quoted, unfit

PROTOCOLS = ("tcp", "udp", "sctp")
LONGEST_KEY = 255
LARGEST_PORT = 65535

_PORTS = re.compile(r"[+-]?[0-9]+(-[0-9]+)?")


class Level(IntEnum):
    """How particular a key is."""

    ALL = 0
    RANGE = 1
    PORT = 2


class Place(IntEnum):
    """Where a key stands; of two keys at one level the later place counts."""

    ENV = 0
    DOTTED_LABEL = 1
    LABEL = 2


@attrs.frozen
class Selector:
    """Which ports a key is about: from `low` to `high`, of one protocol or of all ("")."""

    level: Level = Level.ALL
    low: int = 0
    high: int = LARGEST_PORT
    protocol: str = ""

    @property
    def rank(self) -> tuple[int, bool, int, int, str]:
        """Sorts selectors from the least particular one to the most."""
        return (self.level, bool(self.protocol), self.low - self.high, self.low, self.protocol)

    def fits(self, port: int, protocol: str) -> bool:
        """Whether the port is one of these."""
        return self.low <= port <= self.high and self.protocol in ("", protocol)


@attrs.frozen(eq=False)
class Setting:
    """One key with its value. `text` is the whole key as it was written."""

    text: str
    value: str
    place: Place
    selector: Selector
    entry: Entry

    @property
    def key(self) -> str:
        """The canonical word: `name`, `check_http`, or an attribute's name."""
        return self.entry.key

    @property
    def from_env(self) -> bool:
        """Whether it stands in the environment, perhaps for another reader."""
        return self.place is Place.ENV

    @property
    def origin(self) -> str:
        """What people are told of it: `SERVICE_80_NAME (label)`."""
        return _origin(self.text, self.place)


@attrs.frozen
class _Raw:
    """A key as written, and without its prefix."""

    text: str
    rest: str
    value: str
    place: Place


def read_keys(
    workload: Workload, options: RegistratorOptions, problems: Problems
) -> Iterator[Setting]:
    """All keys of a workload that mean something here; the others are reported.

    Variables that are no known keys belong to somebody else: they are passed over in silence.
    """
    for raw in _raw_keys(workload, options):
        setting = _read(raw, options.meta_from_env, problems)
        if setting:
            yield setting


def _raw_keys(workload: Workload, options: RegistratorOptions) -> Iterator[_Raw]:
    prefix, dotted = options.prefix, options.dotted
    for text in sorted(workload.env):
        if text.startswith(prefix):
            yield _Raw(text, text[len(prefix) :].lower(), workload.env[text], Place.ENV)
    for text in sorted(workload.labels):
        value = workload.labels[text]
        if text.startswith(prefix):
            yield _Raw(text, text[len(prefix) :].lower(), value, Place.LABEL)
        elif dotted and text.startswith(dotted):
            rest = text[len(dotted) :].lower().replace(".", "_")
            yield _Raw(text, rest, value, Place.DOTTED_LABEL)


def _read(raw: _Raw, meta_from_env: bool, problems: Problems) -> Setting | None:
    selector, word = _taken_apart(raw.rest)
    entry = look_up(word.replace("-", "_") if raw.place is Place.DOTTED_LABEL else word)
    if raw.place is Place.ENV and not _meant(entry, meta_from_env):
        return None
    if selector is None:
        reason = "its port is neither a number from 1 to 65535, digits only, nor a range of such"
    else:
        reason = entry.reason or _wrong_word(entry)
    if reason or selector is None:
        problems.add(_origin(raw.text, raw.place), reason)
        return None
    return Setting(raw.text, raw.value, raw.place, selector, entry)


def _meant(entry: Entry, meta_from_env: bool) -> bool:
    """Whether a variable with this word is meant for us."""
    return entry.meaning is Meaning.KNOWN or (meta_from_env and entry.meaning is Meaning.ATTRIBUTE)


def _wrong_word(entry: Entry) -> str:
    if not entry.key:
        return "nothing stands after its prefix or port"
    wrong = unfit(entry.key, LONGEST_KEY)
    return f"its name {wrong}" if wrong else ""


def _taken_apart(rest: str) -> tuple[Selector | None, str]:
    """Which ports a key is about, and its word; None if what should be a port is none."""
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
    """Whether this is a port as a runtime writes it: digits only, no leading zero."""
    if not text.isdigit() or len(text) > 5 or text.startswith("0"):
        return False
    return int(text) <= LARGEST_PORT


def _origin(text: str, place: Place) -> str:
    shown = quoted(text) if unfit(text, LONGEST_KEY) else text
    return f"{shown} ({'env' if place is Place.ENV else 'label'})"
