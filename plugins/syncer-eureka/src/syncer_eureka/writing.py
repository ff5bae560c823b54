"""Changes in Eureka, which knows no compare-and-set, and says yes to what it ignores.

So each is read first. A registration counts only with a time of change (`lastDirtyTimestamp`) that
is not before the stored one, whatever our clock says. And a status of UP or OUT_OF_SERVICE is not
replaced by the other, unless there was a third in between. So what replaces another is read back.
Where nothing stood Eureka takes what it is given; a server that did not is found out by the next
heartbeat (404), and whatever else became of it by the next listing.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from syncer import Conflict, Instance, PermanentError, Registration, TemporaryError
from syncer_eureka.api import Api, Place
from syncer_eureka.names import instance_id
from syncer_eureka.reading import FAULTS, Reader, Token
from syncer_eureka.wire import OUT, Writer, app_of, is_overridden, status_of

#: How often a registration that Eureka ignored is sent again.
TRIES = 3


def now_ms() -> int:
    """The time as Eureka counts it."""
    return time.time_ns() // 1_000_000


def place_of(instance: Instance) -> Place:
    """Where an instance of ours stands."""
    return Place(app_of(instance), instance_id(instance.id))


class Changes:
    """Makes single changes. Safe for threads, for different ids."""

    def __init__(
        self, api: Api, writer: Writer, reader: Reader, now: Callable[[], int] = now_ms
    ) -> None:
        self._api, self._writer, self._reader, self._now = api, writer, reader, now

    def register(self, new: Registration, *, look: bool = True) -> Registration:
        """Write what must not be there yet; without `look` it is known that it is not."""
        place = place_of(new.instance)
        if look and self._api.instance(place) is not None:
            raise Conflict(f"{new.id}: Eureka has an instance {place}, which no listing showed")
        dirty = self._now()
        self._api.register(place.app, self._writer.body(new, dirty))
        return attrs.evolve(new, version=str(Token(place, dirty)), damaged="")

    def update(self, old: Registration, new: Registration) -> Registration:
        """Replace what must be as it was read. In another application it is written first.

        What is not there any more is written again.
        """
        before, after = self._place(old), place_of(new.instance)
        raw = self._expect(old, before)
        if before == after:
            return self._put(new, _dirty(raw, before), detour=_sticks(raw, old, new))
        made = self.register(new)
        self._api.cancel(before)
        return made

    def deregister(self, old: Registration) -> None:
        """Remove what must be as it was read, or is gone already."""
        place = self._place(old)
        self._expect(old, place)
        self._api.cancel(place)

    def restore(self, lost: Registration) -> Registration:
        """Write again what a server has forgotten."""
        return self._put(lost, Token.parse(lost.version).dirty)

    def _place(self, old: Registration) -> Place:
        return Token.parse(old.version).place if old.version else place_of(old.instance)

    def _expect(self, old: Registration, place: Place) -> Mapping[str, Any]:
        """What stands there; empty if nothing does. Raises Conflict if it was changed."""
        raw = self._api.instance(place)
        if raw is None:
            return {}
        if old.version and _dirty(raw, place) != Token.parse(old.version).dirty:
            raise Conflict(f"{old.id}: somebody changed {place} since it was listed")
        return raw  # type: ignore[no-any-return]

    def _put(self, new: Registration, stored: int, *, detour: bool = False) -> Registration:
        """Write, above the stored time of change; returns what stands there then.

        With `detour` it is DOWN for a moment: the server would keep the stored status.
        """
        place = place_of(new.instance)
        for _ in range(TRIES):
            dirty = max(self._now(), stored + 1)
            if detour:
                self._api.register(place.app, self._writer.body(new, dirty) | {"status": "DOWN"})
                dirty += 1
            self._api.register(place.app, self._writer.body(new, dirty))
            raw = self._api.instance(place)
            if raw is None:
                continue
            stored = _dirty(raw, place)
            if stored == dirty:
                return self._verified(new, self._reader.read(raw))
        text = f"{new.id}: Eureka said yes {TRIES} times, and did not take the registration"
        raise TemporaryError(text)

    def _verified(self, new: Registration, found: Registration) -> Registration:
        if (found.instance, found.mark) != (new.instance, new.mark):
            raise PermanentError(f"{new.id}: Eureka holds it in another form than it was written")
        if found.damaged:
            raise PermanentError(f"{new.id}: just written, and {found.damaged}")
        return found


def _dirty(raw: Mapping[str, Any], place: Place) -> int:
    """When it was changed last, as the server has it; 0 for nothing. Raises TemporaryError."""
    try:
        return int(raw.get("lastDirtyTimestamp") or 0)
    except FAULTS as error:
        raise TemporaryError(f"Eureka's answer for {place} is not an instance") from error


def _sticks(raw: Mapping[str, Any], old: Registration, new: Registration) -> bool:
    """Whether the server would keep the stored status, which is ours to change.

    What an operator has set, or left behind, is not.
    """
    wanted = status_of(new.instance)
    ours = OUT in (status_of(old.instance), wanted)
    return ours and not is_overridden(raw) and {raw.get("status"), wanted} == {"UP", OUT}
