"""The keys that the dialect knows; all other keys of labels are metadata.

Keys are in lower case, without prefix and port: `name`, `check_http`, `check_2_interval`.
"""

import re
from enum import Enum

import attrs

from syncer.kits.labels.checks import DETAILS

#: Keys of the service.
PLAIN = frozenset(
    (
        *("name", "id", "tags", "ignore", "register", "address", "port", "network", "internal"),
        *("weight", "weight_warning", "enable_tag_override"),
    )
)
#: Keys that registrator does not have, in their canonical form. Programs have variables of these
#: names for themselves, so that they count in labels only, unless an option asks for more.
#: `port` has a rule of its own, in `ports`.
ADDED = frozenset(("register", "address", "network", "internal", "weight", "weight_warning"))
#: The kinds of checks in the order of the answer: registrator's, then newer ones.
CHECK_KINDS = (
    *("http", "https", "docker", "script", "ttl", "tcp"),
    *("grpc", "udp", "h2ping", "alias", "container"),
)
#: Settings of a check.
CHECK_SETTINGS = frozenset(
    (
        *(DETAILS.keys() - {"fed", "tls"}),
        *("id", "header", "http_method", "https_method"),
        *("ttl_fed", "grpc_use_tls", "h2ping_use_tls"),
    )
)

#: Other words for a key. If both are given at one level, the word on the right counts.
_ALIASES = {"ip": "address"}
_CHECK_ALIASES = {"cmd": "docker"}

_NUMBERED = re.compile(r"([0-9]+)_(.*)", re.DOTALL)
_HEADER = re.compile(r"header_([1-9][0-9]?)")
_CHECK = "check_"
#: The largest number of a check.
MOST_CHECKS = 99


class KeyKind(Enum):
    """The part that a key plays."""

    SETTING = "setting"
    METADATA = "metadata"
    WRONG = "wrong"


@attrs.frozen
class KeyMeaning:
    """The meaning of a key. `key` is its canonical word.

    `reason` says what is wrong; a wrong key without a reason is an unknown setting of a check.
    """

    kind: KeyKind
    key: str
    alias: bool = False
    reason: str = ""


def look_up(key: str) -> KeyMeaning:
    """Return the meaning of a key."""
    if key in _ALIASES:
        return KeyMeaning(KeyKind.SETTING, _ALIASES[key], alias=True)
    if key in PLAIN:
        return KeyMeaning(KeyKind.SETTING, key)
    if not key.startswith(_CHECK):
        return KeyMeaning(KeyKind.METADATA, key)
    number, word = split_check_key(key)
    if number > MOST_CHECKS:
        reason = f"checks are numbered 1 to {MOST_CHECKS}"
        return KeyMeaning(KeyKind.WRONG, key, reason=reason)
    setting = _CHECK_ALIASES.get(word, word)
    if setting in CHECK_SETTINGS or setting in CHECK_KINDS or header_number(setting) is not None:
        canonical = f"{_CHECK}{number}_{setting}" if number else f"{_CHECK}{setting}"
        return KeyMeaning(KeyKind.SETTING, canonical, alias=setting != word)
    return KeyMeaning(KeyKind.WRONG, key)


def split_check_key(key: str) -> tuple[int, str]:
    """Return the number and the setting of a key that begins with `check_`; 0: no number."""
    rest = key.removeprefix(_CHECK)
    match = _NUMBERED.fullmatch(rest)
    if not match:
        return 0, rest
    digits, setting = match.groups()
    too_large = digits.startswith("0") or len(digits) > 3
    return MOST_CHECKS + 1 if too_large else int(digits), setting


def header_number(setting: str) -> int | None:
    """Return 0 for `header`, n for `header_n`, `None` for other settings."""
    if setting == "header":
        return 0
    match = _HEADER.fullmatch(setting)
    return int(match.group(1)) if match else None
