"""Ownership of entries: one rule for planner, purge, status page and doctor."""

from collections.abc import Iterable, Mapping

import attrs

from syncer.api.fields import frozen_map
from syncer.api.model import Mark
from syncer.desired.snapshot import Snapshot


@attrs.frozen
class Ownership:
    """Our owner name, and the scopes of each configured source, by its name."""

    owner: str
    scopes: Mapping[str, frozenset[str]] = attrs.field(converter=frozen_map)

    @classmethod
    def over(cls, owner: str, world: Iterable[Snapshot]) -> "Ownership":
        """Build it from the scopes of these snapshots."""
        return cls(owner, {snapshot.name: snapshot.scopes for snapshot in world})

    def in_scope(self, mark: Mark | None, source: str = "") -> bool:
        """Whether a mark has our owner and the scope of any configured source.

        With `source`, only if the entry came from it, configured or not.
        """
        return (
            mark is not None
            and mark.owner == self.owner
            and source in ("", mark.source)
            and any(mark.scope in scopes for scopes in self.scopes.values())
        )

    def manages(self, mark: Mark | None) -> bool:
        """Whether a configured source answers for the entry, so that we may change it."""
        return (
            mark is not None
            and mark.owner == self.owner
            and mark.scope in self.scopes.get(mark.source, ())
        )

    def is_stray(self, mark: Mark | None) -> bool:
        """Whether an entry of this owner and host came from a source not configured now."""
        return self.in_scope(mark) and mark is not None and mark.source not in self.scopes
