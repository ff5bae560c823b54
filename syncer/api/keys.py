"""Keys of workloads, claims, places and parts of the engine."""

from typing import NamedTuple


class WorkloadKey(NamedTuple):
    """Identifies a workload among those of all sources."""

    source: str
    id: str


class Claim(NamedTuple):
    """One workload's claim on one id. Other workloads may claim the same id."""

    id: str
    source: str
    workload: str

    @property
    def key(self) -> WorkloadKey:
        """The workload that makes the claim."""
        return WorkloadKey(self.source, self.workload)


class Place(NamedTuple):
    """Where an instance listens."""

    address: str
    port: int


class Part(str):
    """A source, a sink, or one kind of work on it, as text: `sink consul`, `watch docker`.

    It equals that text, so that it can be a key in JSON and in a log, and knows its two halves.
    """

    role: str
    name: str

    def __new__(cls, role: str, name: str) -> "Part":
        """Join the halves; the name has no blank in it, the role may be empty."""
        part = super().__new__(cls, f"{role} {name}".lstrip())
        part.role, part.name = role, name
        return part

    def __reduce__(self) -> tuple[type["Part"], tuple[str, str]]:
        """Support copying and pickling."""
        return Part, (self.role, self.name)


def as_part(text: str) -> Part:
    """Return the part that a text names; its name follows the last blank."""
    role, _, name = text.rpartition(" ")
    return text if isinstance(text, Part) else Part(role, name)
