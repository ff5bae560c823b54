"""Heartbeats: each instance at its own moment of the interval, over few connections."""

import time
from collections.abc import Callable, Collection

from syncer import Registration, SyncerError
from syncer.kits.http import each
from syncer_eureka.api import Api
from syncer_eureka.decode import Token
from syncer_eureka.encode import status_of
from syncer_eureka.schedule import Schedule


class Renewer:
    """Sends heartbeats that are due. `renew` is called from one thread.

    `restore` is called with a registration that the server has forgotten, and writes it again or
    returns false: then it is lost. `on_loss` is called with each lost one, and whether it is the
    first, before the rest is renewed: that may take long, and a server that forgot one may have
    forgotten all.
    """

    def __init__(
        self,
        api: Api,
        interval: float,
        workers: int,
        restore: Callable[[Registration], bool],
        on_loss: Callable[[Registration, bool], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._api, self._interval, self._workers = api, interval, workers
        self._restore, self._on_loss, self._clock = restore, on_loss, clock
        self._schedule = Schedule(interval)

    def written(self, id_: str) -> None:
        """Note that a registration was written, and so has a new lease."""
        self._schedule.renewed(id_, self._clock())

    def renew(self, held: Collection[Registration]) -> list[Registration]:
        """Renew those that are due; return the lost ones.

        Raises TemporaryError if no server answers; they stay due.
        """
        known = {one.id: one for one in held if one.version}
        due = self._schedule.due(known, self._clock())
        lost: list[Registration] = []
        try:
            for one, alive in each(self._one, [known[id_] for id_ in due], self._workers):
                if not alive:
                    self._on_loss(one, not lost)
                    lost.append(one)
        except SyncerError:
            if not lost:
                raise
            # The error comes again at the next call; losses are reported now.
        return lost

    def _one(self, one: Registration) -> tuple[Registration, bool]:
        token = Token.parse(one.version)
        alive = self._api.heartbeat(token.place, status_of(one.instance), token.dirty)
        if alive or self._restore(one):
            self._schedule.renewed(one.id, self._clock())
            return one, True
        # The next cycle registers it again, if it may.
        self._schedule.again(one.id, self._clock() + self._interval / 3)
        return one, False
