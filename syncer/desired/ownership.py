"""Ownership of entries: one rule for planner, purge, status page and doctor."""

from collections.abc import Collection, Iterable, Mapping

import attrs

from syncer.api.fields import EMPTY, frozen_map
from syncer.api.registrations import Mark
from syncer.desired.snapshot import Snapshot

#: Among a source's identities: its scope alone decides what is its own.
ANY = "*"


@attrs.frozen
class Ownership:
    """Our owner name, and the scopes and identities of each configured source, by its name.

    A mark without an identity is from a source that has none, or from an older syncer: its scope
    decides. The identities of a source are `None` until it has told its own. Its entries are kept
    alive till then, and none is removed.
    """

    owner: str
    scopes: Mapping[str, frozenset[str]] = attrs.field(converter=frozen_map)
    identities: Mapping[str, frozenset[str] | None] = attrs.field(
        default=EMPTY, converter=frozen_map
    )

    @classmethod
    def over(cls, owner: str, world: Collection[Snapshot]) -> "Ownership":
        """Build it from the scopes and identities of these snapshots."""
        return cls(
            owner,
            {snapshot.name: snapshot.scopes for snapshot in world},
            {snapshot.name: snapshot.identities for snapshot in world},
        )

    def in_scope(self, mark: Mark | None, source: str = "") -> bool:
        """Whether a mark has our owner, and scope and identity of any configured source.

        With `source`, only if the entry came from it, configured or not.
        """
        return (
            mark is not None
            and source in ("", mark.source)
            and any(self._has_identity(name, mark) for name in self._of_scope(mark))
        )

    def manages(self, mark: Mark | None) -> bool:
        """Whether a configured source answers for the entry, so that we may change it."""
        return (
            mark is not None
            and mark.owner == self.owner
            and mark.scope in self.scopes.get(mark.source, ())
            and (self.identities.get(mark.source) is None or self._has_identity(mark.source, mark))
        )

    def is_stray(self, mark: Mark | None) -> bool:
        """Whether an entry of this owner and host came from a source not configured now."""
        return self.in_scope(mark) and mark is not None and mark.source not in self.scopes

    def is_unsure(self, mark: Mark | None) -> bool:
        """Whether an entry may be ours: the scope of its source is not known yet."""
        return mark is not None and mark.owner == self.owner and not self.scopes.get(mark.source, 1)

    def is_elsewhere(self, mark: Mark) -> bool:
        """Whether an entry of this owner has none of our scopes: it came from another host."""
        ours = (mark.scope in scopes for scopes in self.scopes.values())
        return mark.owner == self.owner and not any(ours)

    def is_namesake(self, mark: Mark | None) -> bool:
        """Whether an entry of this owner and scope came from another engine of the same name."""
        if mark is None or not mark.identity:
            return False
        rivals = [
            name
            for name in self._of_scope(mark)
            if name == mark.source or mark.source not in self.scopes
        ]
        return bool(rivals) and not any(
            self.identities.get(name) is None or self._has_identity(name, mark) for name in rivals
        )

    def _of_scope(self, mark: Mark) -> Iterable[str]:
        """Return the configured sources that have the mark's owner and scope."""
        same = mark.owner == self.owner
        return [name for name, scopes in self.scopes.items() if same and mark.scope in scopes]

    def _has_identity(self, name: str, mark: Mark) -> bool:
        known = self.identities.get(name) or ()
        return not mark.identity or mark.identity in known or ANY in known
