"""Eureka as a sink: instances that syncer registers, renews and cancels.

A listing finds what exists, and may be as old as the servers' response cache. Decisions about one
instance are made on a fresh read of it.
"""

import time
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import timedelta
from threading import Event
from typing import Any

import attrs

from syncer import (
    Change,
    Context,
    Finding,
    FoundAs,
    Instance,
    Outcome,
    PermanentError,
    Registration,
    Sink,
    TemporaryError,
    View,
)
from syncer.kits.http import each
from syncer_eureka.api import Api, Place
from syncer_eureka.changes import Changes
from syncer_eureka.examine import examine
from syncer_eureka.form.adjust import adjust
from syncer_eureka.form.decode import Token, decode
from syncer_eureka.form.found import found_as
from syncer_eureka.form.names import instance_id
from syncer_eureka.listing import Listing
from syncer_eureka.options import EurekaOptions
from syncer_eureka.renewer import Renewer

#: How often due renewals are looked for, in seconds, unless the interval is short.
PULSE = 1.0
#: How often the watch looks whether to stop, in seconds.
TICK = 0.5
#: How long, in seconds, it is trusted that an id does not exist: a large batch is looked up as a
#: whole, and then written. Without compare-and-set in Eureka there always is such a moment.
ABSENCE_TRUSTED = 2.0

Looked = tuple[str, Registration | PermanentError | None]


class EurekaSink(Sink):
    """Registers in Eureka servers that are peers; see `EurekaOptions`."""

    def __init__(self, options: EurekaOptions, context: Context) -> None:
        interval = options.renewal_interval.total_seconds()
        self.stale_for = options.cache_delay
        self.pulse: timedelta | None = timedelta(seconds=min(PULSE, interval / 3))
        self._options = options
        self._api = Api(options)
        self._listing = Listing(options)
        self._changes = Changes(self._api, options)
        #: Set when a heartbeat has shown a loss.
        self._loss_noticed = Event()
        self._renewer = Renewer(
            self._api, interval, options.connections, self._restored, self._note_loss
        )
        # One connection is left to the heartbeats.
        self._workers = max(1, options.connections - 1)
        #: The key of each id, by the last listing and by later writes.
        self._listed: dict[str, Place] = {}
        self._written: dict[str, Place] = {}
        #: Ids whose lease is lost, though the servers' list may still show them.
        self._lost: set[str] = set()
        #: Ids that the last look did not find, and when it was.
        self._absent: dict[str, float] = {}
        #: Whether the last list failed: forbidden (403), for example, or incomplete.
        self._unlisted = False

    def registrations(self) -> View[Registration]:
        """Read everything that the servers list, from their cache."""
        try:
            view = self._listing.view(self._api.apps())
        except TemporaryError:
            self._unlisted = True
            raise
        self._unlisted = False
        self._listed = {one.id: Token.parse(one.version).place for one in view.items}
        return attrs.evolve(view, items=[self._with_loss(one) for one in view.items])

    def registration(self, id: str) -> Registration | None:
        """Read one instance, past the cache."""
        places = [self._written.get(id), self._listed.get(id)]
        for place in dict.fromkeys(place for place in places if place):
            found = self._read(self._api.instance(place))
            if found is not None:
                return attrs.evolve(found, instance=attrs.evolve(found.instance, id=id))
        found = self._read(self._api.find(instance_id(id)))
        return found if found is not None and found.id == id else None

    def look_again(self, ids: Collection[str]) -> Iterator[Looked]:
        """Look up several ids at the same time; `register` then trusts the absence of an id."""
        self._absent.clear()
        return each(self._look, ids, self._workers)

    def register(self, new: Registration) -> Registration:
        """Write a registration that must not exist yet."""
        seen = self._absent.pop(new.id, float("-inf"))
        return self._wrote(
            self._changes.register(new, look=time.monotonic() - seen > ABSENCE_TRUSTED)
        )

    def update(self, old: Registration, new: Registration) -> Registration:
        """Replace a registration that must be as it was read, and read it back."""
        return self._wrote(self._changes.update(old, new))

    def deregister(self, old: Registration) -> None:
        """Cancel a registration that must be as it was read."""
        self._changes.deregister(old)
        self._written.pop(old.id, None)
        self._lost.discard(old.id)

    def apply(self, changes: Collection[Change]) -> Iterator[Outcome]:
        """Make the changes, several at the same time."""
        return each(self.attempt, changes, self._workers)

    def adjust(self, instance: Instance) -> Instance | None:
        """Return the instance as Eureka, and its XML readers, can hold it."""
        return adjust(instance, self._options)

    def found_as(self, instance: Instance) -> FoundAs:
        """Return the application and vips, and the addresses and hosts of URLs."""
        return found_as(instance)

    def renew(self, held: Collection[Registration]) -> Collection[Registration]:
        """Send the heartbeats that are due; return the registrations that the server lost."""
        return self._renewer.renew(held)

    def watch(self, wake: Callable[[], None], stop: Event) -> None:
        """Wake as soon as a heartbeat shows a loss, while the rest of them are sent."""
        while not stop.is_set():
            if self._loss_noticed.wait(TICK):
                self._loss_noticed.clear()
                wake()

    def examine(self) -> Iterable[Finding]:
        """Examine each server."""
        options = self._options
        return examine(self._api.servers, named=bool(options.user or options.password))

    def close(self) -> None:
        """Close all connections. Registrations stay."""
        self._api.close()

    def _look(self, id_: str) -> Looked:
        began = time.monotonic()
        try:
            found = self.registration(id_)
        except PermanentError as error:
            return id_, error
        if found is None:
            self._absent[id_] = began
        return id_, found

    def _wrote(self, made: Registration) -> Registration:
        self._written[made.id] = Token.parse(made.version).place
        self._lost.discard(made.id)
        self._renewer.written(made.id)
        return made

    def _restored(self, lost: Registration) -> bool:
        """Write a lost registration again while the servers return no list: no cycle can then."""
        if not self._unlisted:
            return False
        self._changes.restore(lost)
        return True

    def _note_loss(self, lost: Registration, first: bool) -> None:
        self._lost.add(lost.id)
        if first:
            self._loss_noticed.set()

    def _with_loss(self, one: Registration) -> Registration:
        if one.id not in self._lost or one.damaged:
            return one
        return attrs.evolve(one, damaged="its lease is gone")

    def _read(self, raw: Any) -> Registration | None:
        if raw is None:
            return None
        try:
            return self._with_loss(decode(raw, self._options))
        except Exception as error:
            # Others may write anything. A retry would hold up everything listed with it.
            raise PermanentError(f"Eureka's instance cannot be read: {error!r}") from error
