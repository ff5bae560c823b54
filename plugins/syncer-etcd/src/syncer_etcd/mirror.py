"""etcd as a source: a change is read by itself, however many entries there are.

A listing reads everything. After it the watch tells which keys changed: only these are read, once
to find out whose they are, and once more for the answer. Listings and readings take turns, so what
was read last is what is newest.
"""

from collections.abc import Callable, Collection, Mapping
from threading import Event

from syncer import (
    MirrorSource,
    Registration,
    SyncerError,
    TemporaryError,
    View,
    Workload,
    is_mirrored,
)
from syncer_etcd.sink import EtcdSink

#: More changes than this at once are read by a listing; with twins, half of what etcd answers.
MOST = 50


class EtcdMirror(MirrorSource):
    """The entries of an etcd sink, which is for this source alone."""

    def __init__(self, sink: EtcdSink, registry: str, name: str) -> None:
        super().__init__(sink, registry, name)
        self._entries = sink
        #: The keys under which each id was seen since the last listing; of one that is gone, too.
        self._keys: dict[str, set[str]] = {}

    def workload(self, id: str) -> Workload | None:
        """Read one entry again; by a listing if it is not known, or several keys have its id."""
        with self._lock:
            keys = frozenset(self._keys.get(id, ()))
            if len(keys) == 1:
                try:
                    (found,) = self._look(keys)
                except ValueError as error:
                    raise TemporaryError(f"{self._registry} has {id}: {error}") from error
                if found is None or (found.id == id and is_mirrored(found)):
                    return None
                if found.id == id:
                    return self._workload(found)
        return super().workload(id)

    def watch(self, wake: Callable[[str | None], None], stop: Event) -> None:
        """Wake for everything when the watch begins, then for each entry that changes."""

        def told(keys: frozenset[str]) -> None:
            for id_ in self._changed(keys):
                wake(id_)

        self._entries.follow(lambda: wake(None), told, stop)

    def _list(self) -> View[Workload]:
        view = super()._list()
        self._keys = {}
        self._note(self._entries.listing.ids())
        return view

    def _changed(self, changed: frozenset[str]) -> list[str] | list[None]:
        """Return whose entries these are, or were: `None` for everything."""
        if len(changed) > MOST:
            return [None]
        with self._lock:
            listing = self._entries.listing
            keys = {listing.entry_of(key) for key in changed}
            try:
                before = [listing.at(key) for key in keys]
                found = [*before, *self._look(keys)]
            except (SyncerError, ValueError):
                return [None]  # a listing tells what is wrong, or was
            ids = {one.id for one in found if one}
            alone = all(len(self._keys.get(id_, ())) == 1 for id_ in ids)
        return sorted(ids) if alone else [None]

    def _look(self, keys: Collection[str]) -> list[Registration | None]:
        """Read these entries again. Raises ValueError if one of them cannot be read."""
        listing = self._entries.look(keys)
        self._note(listing.ids(keys))
        return [listing.at(key) for key in keys]

    def _note(self, ids: Mapping[str, str]) -> None:
        for key, id_ in ids.items():
            self._keys.setdefault(id_, set()).add(key)
