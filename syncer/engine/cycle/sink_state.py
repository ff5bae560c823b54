"""The entries of one sink: read from it, then kept in step with our own writes.

The one owner of that knowledge: the planner, the pulse, the status page and drains ask here.
"""

from collections.abc import Collection, Mapping

import attrs

from syncer.api.changes import Change, Skip, SkipKind
from syncer.api.contracts import Sink, View
from syncer.api.errors import PermanentError
from syncer.api.registrations import Registration
from syncer.engine.cycle.reading import Reading
from syncer.plan.incremental import Contents


class SinkState:
    """The entries of one sink. `known` and `alive` may be called from any thread."""

    def __init__(self, sink: Sink) -> None:
        self.sink, self.reading = sink, Reading(sink)
        #: The last listing; `None` if it cannot be trusted: read before the next plan.
        self._view: View[Registration] | None = None
        self._entries: dict[str, Registration] = {}
        #: The entries to keep alive: until it is planned, a new listing may lag behind our writes.
        self._alive: dict[str, Registration] = {}
        #: Ids changed since the last plan. `None` after a full read: anything may have changed.
        self._changed: set[str] | None = None
        self._written: set[str] = set()
        #: Set by a full read; cleared once `_written` has been pruned.
        self._reread = False

    @property
    def entries(self) -> Mapping[str, Registration]:
        """The entries, by id."""
        return self._entries

    def refresh(self, *, fresh: bool) -> None:
        """Read the sink if `fresh`, or if what is known is not trusted. Raises as reading does."""
        if fresh or self._view is None:
            self._view = None  # not trusted until the read has succeeded
            self._view, self._entries = self.reading.take(self._entries)
            self._changed, self._reread = None, True

    def contents(self) -> Contents:
        """Return what the planner has to know."""
        assert self._view is not None
        return Contents(
            view=self._view, entries=self._entries, changed=self._changed, written=self._written
        )

    def compared(self) -> None:
        """Note that the planner has seen every change up to now."""
        self._changed = set()

    def keep_alive(self) -> None:
        """Keep alive what is known now."""
        self._alive = self._entries

    def alive(self) -> Collection[Registration]:
        """Return the entries to keep alive: of all owners, also those just written."""
        return self._alive.copy().values()

    def known(self) -> View[Registration]:
        """Return all entries, as last listed and in step with our writes."""
        view = self._view or View((), complete=False)
        return attrs.evolve(view, items=tuple(self._entries.copy().values()))

    def look_again(self, changes: Collection[Change]) -> dict[str, Skip]:
        """Read again the entries that are about to be changed, where listings lag.

        Returns a skip for each id that may not be read.
        """
        unread = {}
        for id_, found in self.sink.look_again([change.id for change in changes]):
            if isinstance(found, PermanentError):
                text = f"the registry refused to show it: {found}"
                unread[id_] = Skip(id_, SkipKind.UNCLEAR, text)
            else:
                self._note(id_, found)
        return unread

    def wrote(self, id_: str, found: Registration | None) -> None:
        """Note the entry that a change of ours has left; `None` if it was removed."""
        self._note(id_, found)
        if found is None:
            self._written.discard(id_)
        else:
            self._written.add(id_)
        self.reading.wrote(id_)

    def has_written(self, id_: str) -> bool:
        """Whether this process has written the entry, and not removed it since."""
        return id_ in self._written

    def distrust(self) -> None:
        """Have the sink read before the next plan: what became of a change is not known."""
        self._view = None
        self.reading.distrust()

    def forget(self, planned: Collection[str]) -> None:
        """Forget written ids that are neither registered nor planned: they would pile up."""
        if self._reread and self._view is not None and self._view.complete:
            self._written -= self._written.difference(self._entries, planned)
            self._reread = False

    def _note(self, id_: str, found: Registration | None) -> None:
        if self._changed is not None:
            self._changed.add(id_)
        if found is None:
            self._entries.pop(id_, None)
        else:
            self._entries[id_] = found
