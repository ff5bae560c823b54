"""One moment of what a source knows, and what a planner may conclude from it."""

import re
from collections.abc import Iterator, Mapping, Set

import attrs

from syncer.api.fields import EMPTY
from syncer.api.model import Workload
from syncer.desired.translate import Translated


@attrs.frozen(kw_only=True)
class SourceFacts:
    """What a source's last word allows to conclude.

    `doubt` is empty when the source has listed completely in this process and is healthy
    now; else it says what is missing. `present` maps each described workload to whether it is
    in a state that offers services. Workloads in `unclear` exist, no more is known.
    """

    scopes: frozenset[str]
    doubt: str = ""
    present: Mapping[str, bool] = attrs.field(default=EMPTY)
    unclear: Set[str] = frozenset()


#: What Docker calls a container that was given no name of its own: the first digits of its id.
RANDOM_NAME = re.compile("[0-9a-f]{12}")


@attrs.frozen(kw_only=True)
class Entry:
    """A workload with what its source's parsers and address rules made of it."""

    workload: Workload
    peer: Workload | None
    translated: Translated


@attrs.frozen(kw_only=True)
class Snapshot:
    """What one source knows at one moment; `listing` counts its complete listings."""

    name: str
    order: int
    scopes: frozenset[str]
    doubt: str
    listing: int
    entries: Mapping[str, Entry]
    unclear: frozenset[str]

    def facts(self) -> SourceFacts:
        """What a planner may conclude from this."""
        return SourceFacts(
            scopes=self.scopes,
            doubt=self.doubt,
            present=_Present(self.entries),
            unclear=_Unclear(self.unclear, self.entries),
        )


@attrs.frozen(eq=False)
class _Present(Mapping[str, bool]):
    """Of each workload, whether it is in a state that offers services; worked out when asked."""

    entries: Mapping[str, Entry]

    def __getitem__(self, workload_id: str) -> bool:
        return self.entries[workload_id].workload.state.offered

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)


@attrs.frozen(eq=False)
class _Unclear(Set[str]):
    """The workloads that cannot be described, or translated; worked out when asked."""

    ids: frozenset[str]
    entries: Mapping[str, Entry]

    def __contains__(self, workload_id: object) -> bool:
        return workload_id in self.ids or self._failed(workload_id)

    def __iter__(self) -> Iterator[str]:
        return iter(self.ids | set(filter(self._failed, self.entries)))

    def __len__(self) -> int:
        return len(list(iter(self)))

    def _failed(self, workload_id: object) -> bool:
        entry = self.entries.get(str(workload_id))
        return entry is not None and entry.translated.failed
