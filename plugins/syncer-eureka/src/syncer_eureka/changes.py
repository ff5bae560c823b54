"""Changes in Eureka, which has no compare-and-set, and reports success for writes that it ignores.

So each instance is read first. A write counts only with a time of change (`lastDirtyTimestamp`)
that is not before the stored one, whatever our clock says. A status of UP does not replace
OUT_OF_SERVICE, or the reverse, unless there was a third in between. So a write that replaces
another is read back. A new instance is always taken; a server that lost it shows at the next
heartbeat (404), and any other damage in the next listing.
"""

import time
from collections.abc import Mapping
from typing import Any

import attrs

from syncer import Conflict, Instance, PermanentError, Registration, TemporaryError
from syncer_eureka.api import Api, Place
from syncer_eureka.form.decode import Token, decode
from syncer_eureka.form.encode import OUT, app_of, encode, is_overridden, status_of
from syncer_eureka.form.names import instance_id
from syncer_eureka.options import EurekaOptions

#: How often a registration that Eureka ignores is sent.
TRIES = 3


def now_ms() -> int:
    """Return the time as Eureka counts it."""
    return time.time_ns() // 1_000_000


def place_of(instance: Instance) -> Place:
    """Return the key of an instance of ours."""
    return Place(app_of(instance), instance_id(instance.id))


class Changes:
    """Makes single changes. Safe in threads, for different ids."""

    def __init__(self, api: Api, options: EurekaOptions) -> None:
        self._api, self._options = api, options

    def register(self, new: Registration, *, look: bool = True) -> Registration:
        """Write a registration that must not exist; without `look` this is known."""
        place = place_of(new.instance)
        if look and self._api.instance(place) is not None:
            raise Conflict(f"{new.id}: Eureka has an instance {place} that no listing showed")
        dirty = now_ms()
        self._api.register(place.app, encode(new, dirty, self._options))
        return attrs.evolve(new, version=str(Token(place, dirty)), damaged="")

    def update(self, old: Registration, new: Registration) -> Registration:
        """Replace a registration that must be as it was read, or write it again if it is gone.

        In another application the new one is written before the old one is removed.
        """
        before, after = self._place(old), place_of(new.instance)
        raw = self._expect(old, before)
        if before == after:
            return self._put(new, _dirty(raw, before), detour=_sticks(raw, old, new))
        made = self.register(new)
        self._api.cancel(before)
        return made

    def deregister(self, old: Registration) -> None:
        """Remove a registration that must be as it was read, or gone."""
        place = self._place(old)
        self._expect(old, place)
        self._api.cancel(place)

    def restore(self, lost: Registration) -> Registration:
        """Write a registration again that a server has forgotten."""
        return self._put(lost, Token.parse(lost.version).dirty)

    def _place(self, old: Registration) -> Place:
        return Token.parse(old.version).place if old.version else place_of(old.instance)

    def _expect(self, old: Registration, place: Place) -> Mapping[str, Any]:
        """Return the current instance; empty if it is gone. Raises Conflict if it was changed."""
        raw = self._api.instance(place)
        if raw is None:
            return {}
        if old.version and _dirty(raw, place) != Token.parse(old.version).dirty:
            raise Conflict(f"{old.id}: somebody changed {place} since it was listed")
        return raw  # type: ignore[no-any-return]

    def _put(self, new: Registration, stored: int, *, detour: bool = False) -> Registration:
        """Write, with a later time of change than the stored one; return what is then read.

        With `detour` the status is DOWN for a moment: the server would keep the stored one.
        """
        place = place_of(new.instance)
        for _ in range(TRIES):
            dirty = max(now_ms(), stored + 1)
            if detour:
                down = encode(new, dirty, self._options) | {"status": "DOWN"}
                self._api.register(place.app, down)
                dirty += 1
            self._api.register(place.app, encode(new, dirty, self._options))
            raw = self._api.instance(place)
            if raw is None:
                continue
            stored = _dirty(raw, place)
            if stored == dirty:
                return self._verified(new, decode(raw, self._options))
        text = f"{new.id}: Eureka reported success {TRIES} times, but ignored the registration"
        raise TemporaryError(text)

    def _verified(self, new: Registration, found: Registration) -> Registration:
        if (found.instance, found.mark) != (new.instance, new.mark):
            raise PermanentError(f"{new.id}: Eureka returns it in another form than it was written")
        if found.damaged:
            raise PermanentError(f"{new.id}: just written, and {found.damaged}")
        return found


def _dirty(raw: Mapping[str, Any], place: Place) -> int:
    """Return the stored time of change; 0 if there is none. Raises TemporaryError."""
    try:
        return int(raw.get("lastDirtyTimestamp") or 0)
    except Exception as error:
        raise TemporaryError(f"Eureka's answer for {place} is not an instance") from error


def _sticks(raw: Mapping[str, Any], old: Registration, new: Registration) -> bool:
    """Whether the server would keep the stored status though it is ours to change.

    A status that an operator has set, or left behind, is not.
    """
    wanted = status_of(new.instance)
    ours = OUT in (status_of(old.instance), wanted)
    return ours and not is_overridden(raw) and {raw.get("status"), wanted} == {"UP", OUT}
