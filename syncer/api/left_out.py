"""Workloads and ports that are not registered, and why."""

from collections.abc import Iterable
from enum import Enum

import attrs

from syncer.api.secrets import hidden


class LeftOutKind(str, Enum):
    """Why something is not registered: one word, and its meaning. `missing` if someone may miss it.

    The words are in JSON and metrics. `means` is Markdown for `docs/operations.md`.
    """

    means: str
    missing: bool

    NO_PORT = "no-port", "it has no port, or none that can be reached"
    NO_ADDRESS = "no-address", "there is no address to register, or not yet"
    NO_PARSER = "no-parser", "no label parser is installed, or none offers anything"
    PROBLEM = "problem", "a mistake in its labels, or in what its source says"
    FILTERED = "filtered", "a filter, or the rule about one-off containers, leaves it out"
    UNCLEAR = "unclear", "it cannot be described just now; what is registered of it stays"
    STATE = "state", "its state, or its health, is not one in which it is listed"
    UNKNOWN = "unknown", "no workload: a pattern in the configuration that fits nothing", False
    WARNING = "warning", "it is registered, though not all is done that its labels ask for", False
    IGNORED = "ignored", "its labels ask for this, such as `SERVICE_IGNORE`", False

    def __new__(cls, word: str, means: str = "", missing: bool = True) -> "LeftOutKind":
        """Make a member whose value is its word."""
        kind = str.__new__(cls, word)
        kind._value_, kind.means, kind.missing = word, means, missing
        return kind

    def __str__(self) -> str:
        """The word."""
        return str.__str__(self)


@attrs.frozen(kw_only=True)
class LeftOut:
    """A workload, or one of its ports, that is not registered: why, and what to do about it.

    `workload` is its name, empty for a setting that fits nothing; `port` (`80/tcp`) is empty if all
    of the workload is meant. `reason` is a sentence, `advice` may be empty.
    """

    source: str
    kind: LeftOutKind = attrs.field(converter=LeftOutKind)
    workload: str = ""
    id: str = ""
    port: str = ""
    reason: str = attrs.field(converter=hidden)
    advice: str = ""

    @property
    def missing(self) -> bool:
        """Whether someone may miss it: a workload or port, and not left out by choice."""
        return bool(self.workload) and self.kind.missing

    @property
    def text(self) -> str:
        """The reason, and what to do."""
        return f"{self.reason}: {self.advice}" if self.advice else self.reason


def heading(workload: str, kind: str) -> str:
    """Return the heading under which people read one of these: not all are left out."""
    if not workload:
        return "settings"
    return "label problems" if kind == LeftOutKind.WARNING else "not registered"


def missing(found: Iterable[LeftOut]) -> int:
    """Count the workloads of which something is not registered that someone may miss."""
    return len({(one.source, one.id) for one in found if one.missing})
