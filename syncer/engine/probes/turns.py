"""Turns: which probe runs next, where more are due than may run at the same time."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager


class Turns:
    """Lets `most` run at a time, and at most `each` of them for one workload.

    Those that wait are let in workload by workload: however many of one workload wait, another
    one waits for a single turn of each. For one event loop.
    """

    def __init__(self, most: int, each: int) -> None:
        self._free, self._each = most, each
        self._running: Counter[Hashable] = Counter()
        #: Those that wait, by workload; the workload whose turn was last is last.
        self._waiting: dict[Hashable, deque[asyncio.Future[None]]] = {}

    @asynccontextmanager
    async def turn(self, whose: Hashable) -> AsyncIterator[None]:
        """Run for this workload once it may."""
        await self.begin(whose)
        try:
            yield
        finally:
            self.end(whose)

    async def begin(self, whose: Hashable) -> None:
        """Wait for a turn; `end` must follow."""
        if self._may_run(whose):  # nobody waits for this place: `end` would have given it away
            self._count(whose)
            return
        mine = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(whose, deque()).append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if mine.cancelled():
                self._leave(whose, mine)
            else:  # it was let in at the same moment
                self.end(whose)
            raise

    def end(self, whose: Hashable) -> None:
        """End a turn, and let in who has waited longest of those that may run."""
        self._free += 1
        self._running[whose] -= 1
        if not self._running[whose]:
            del self._running[whose]
        for waiting in tuple(self._waiting):
            if self._may_run(waiting) and self._let_in(waiting):
                return

    def _may_run(self, whose: Hashable) -> bool:
        return self._free > 0 and self._running[whose] < self._each

    def _count(self, whose: Hashable) -> None:
        self._free -= 1
        self._running[whose] += 1

    def _let_in(self, whose: Hashable) -> bool:
        """Let in the first of a workload that still waits; return whether there was one."""
        queue = self._waiting.pop(whose)
        first = None
        while queue and first is None:
            first = queue.popleft()
            if first.done():  # cancelled a moment ago
                first = None
        if queue:
            self._waiting[whose] = queue
        if first is None:
            return False
        self._count(whose)
        first.set_result(None)
        return True

    def _leave(self, whose: Hashable, mine: "asyncio.Future[None]") -> None:
        queue = self._waiting.get(whose, deque())
        if mine in queue:
            queue.remove(mine)
        if not queue:
            self._waiting.pop(whose, None)
