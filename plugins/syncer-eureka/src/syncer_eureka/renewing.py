"""Heartbeats: each instance at its own moment of the interval, over few connections."""

import time
from collections.abc import Callable, Collection

from syncer import Registration, SyncerError
from syncer.kits.http import each
from syncer_eureka.api import Api
from syncer_eureka.reading import Token
from syncer_eureka.schedule import Schedule
from syncer_eureka.wire import status_of


class Renewer:
    """Sends heartbeats that are due. `renew` is called from one thread.

    `restore` is asked about what the server has forgotten: it writes it again, or says false, and
    then it is lost. `noticed` is told of each that is, and whether it is the first, before the
    rest is renewed: that may take long, and a server that forgot one has forgotten all, perhaps.
    """

    def __init__(
        self,
        api: Api,
        interval: float,
        workers: int,
        restore: Callable[[Registration], bool],
        noticed: Callable[[Registration, bool], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._api, self._interval, self._workers = api, interval, workers
        self._restore, self._noticed, self._clock = restore, noticed, clock
        self._schedule = Schedule(interval)

    def written(self, id_: str) -> None:
        """It was just written, and so has a new lease."""
        self._schedule.renewed(id_, self._clock())

    def renew(self, held: Collection[Registration]) -> list[Registration]:
        """Renew those that are due; returns the lost ones.

        Raises TemporaryError when no server answers; what is due then stays so.
        """
        known = {one.id: one for one in held if one.version}
        due = self._schedule.due(known, self._clock())
        lost: list[Registration] = []
        try:
            for one, alive in each(self._one, [known[id_] for id_ in due], self._workers):
                if not alive:
                    self._noticed(one, not lost)
                    lost.append(one)
        except SyncerError:
            if not lost:
                raise
            # The error comes again at the next call; what is known to be lost is told now.
        return lost

    def _one(self, one: Registration) -> tuple[Registration, bool]:
        token = Token.parse(one.version)
        alive = self._api.heartbeat(token.place, status_of(one.instance), token.dirty)
        if alive or self._restore(one):
            self._schedule.renewed(one.id, self._clock())
            return one, True
        # It is registered again by the next cycle, unless that may not.
        self._schedule.again(one.id, self._clock() + self._interval / 3)
        return one, False
