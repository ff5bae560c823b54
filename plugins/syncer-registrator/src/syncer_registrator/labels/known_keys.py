"""Which keys the dialect knows; all other keys of labels are metadata.

Keys are in lower case, without prefix and port: `name`, `check_http`, `check_2_interval`.
"""

import re
from enum import Enum

import attrs

#: Keys that are about the service.
PLAIN = frozenset(
    {
        "name",
        "id",
        "tags",
        "ignore",
        "register",
        "address",
        "port",
        "network",
        "internal",
        "weight",
        "weight_warning",
        "enable_tag_override",
    }
)

#: The kinds of check, in the order in which they are made: registrator's, then newer ones.
CHECK_KINDS = (
    "http",
    "https",
    "docker",
    "script",
    "ttl",
    "tcp",
    "grpc",
    "udp",
    "h2ping",
    "alias",
    "container",
)

#: What can be said of a check besides its kind.
CHECK_SETTINGS = frozenset(
    {
        "interval",
        "timeout",
        "method",
        "http_method",
        "https_method",
        "header",
        "body",
        "follow_redirects",
        "tls_skip_verify",
        "tls_server_name",
        "grpc_use_tls",
        "h2ping_use_tls",
        "ttl_fed",
        "shell",
        "success_before_passing",
        "failures_before_critical",
        "failures_before_warning",
        "initial_status",
        "deregister_after",
        "name",
        "notes",
        "id",
        "port",
        "address",
    }
)

#: Other words for a key. Where both are given at one level, the word on the right counts.
_ALIASES = {"ip": "address"}
_CHECK_ALIASES = {"cmd": "docker"}

_NUMBERED = re.compile(r"([0-9]+)_(.*)", re.DOTALL)
_HEADER = re.compile(r"header_([1-9][0-9]?)")
_CHECK = "check_"
#: A workload has no more checks of one kind than this.
MOST_CHECKS = 99


class Meaning(Enum):
    """What a key is to this dialect."""

    KNOWN = "known"
    ATTRIBUTE = "attribute"
    WRONG = "wrong"


@attrs.frozen
class Entry:
    """What a key means; `key` is the canonical word for it, `reason` says what is wrong."""

    meaning: Meaning
    key: str
    alias: bool = False
    reason: str = ""


@attrs.frozen
class CheckWord:
    """A key of a check taken apart: number 0 is the check without a number."""

    number: int
    setting: str

    @property
    def key(self) -> str:
        """The whole key."""
        return f"check_{self.number}_{self.setting}" if self.number else f"check_{self.setting}"


def look_up(key: str) -> Entry:
    """What this key means."""
    if key in _ALIASES:
        return Entry(Meaning.KNOWN, _ALIASES[key], alias=True)
    if key in PLAIN:
        return Entry(Meaning.KNOWN, key)
    if not key.startswith(_CHECK):
        return Entry(Meaning.ATTRIBUTE, key)
    word = check_word(key)
    if word.number > MOST_CHECKS:
        return Entry(Meaning.WRONG, key, reason=f"checks are numbered 1 to {MOST_CHECKS}")
    setting = _CHECK_ALIASES.get(word.setting, word.setting)
    if setting in CHECK_SETTINGS or setting in CHECK_KINDS or header_number(setting) is not None:
        canonical = CheckWord(word.number, setting).key
        return Entry(Meaning.KNOWN, canonical, alias=setting != word.setting)
    return Entry(Meaning.WRONG, key, reason="there is no such setting of a check")


def check_word(key: str) -> CheckWord:
    """Take a key that begins with `check_` apart."""
    rest = key.removeprefix(_CHECK)
    match = _NUMBERED.fullmatch(rest)
    if not match:
        return CheckWord(0, rest)
    digits, setting = match.groups()
    if digits.startswith("0") or len(digits) > 3:
        return CheckWord(MOST_CHECKS + 1, setting)
    return CheckWord(int(digits), setting)


def header_number(setting: str) -> int | None:
    """The place of a header among several: 0 for `header`, n for `header_n`, None for others."""
    if setting == "header":
        return 0
    match = _HEADER.fullmatch(setting)
    return int(match.group(1)) if match else None
