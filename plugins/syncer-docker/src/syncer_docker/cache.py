"""What is known of each container, kept as long as nothing says that it changed."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator

import attrs

from syncer import Workload
from syncer_docker.appearance import Appearance, described
from syncer_docker.describe import Json, describe
from syncer_docker.stopping import StopRule, stop_rule

#: Seconds for which it is remembered how an ended container was, at some KiB each: one is asked for
#: soon after its end, as the event that told of it wakes the loop.
ENDED_SECONDS = 60.0
#: Seconds for which it is remembered that it ended, and the most of those, at half a KiB: a
#: registry may be away when it ends.
OVER_SECONDS, OVER_KEPT = 3_600.0, 2_000


@attrs.frozen
class Known:
    """A container as it was described, and how it should look in the list if that still holds."""

    workload: Workload
    rule: StopRule
    expected: Appearance

    @classmethod
    def of(cls, container: Json, source: str, scope: str) -> "Known":
        """What an inspected container says. Raises ValueError if that makes no sense."""
        try:
            workload = describe(container, source, scope)
            return cls(workload, stop_rule(container), described(workload))
        except (TypeError, AttributeError, LookupError, OverflowError) as error:
            raise ValueError(f"odd description: {error!r}") from error


@attrs.frozen
class _Entry:
    known: Known
    #: How the list showed it when it was described, if that is not all that was expected.
    seen: Appearance | None = None
    #: Whether it was described so twice, and shown so both times: a list that is merely older
    #: than the description looks like one that shows less than all.
    twice: bool = False


class Cache:
    """Descriptions by container id; safe in several threads.

    A description that was on its way while an event told of a change is not kept: `begin`
    hands out a ticket before the question, which `forget` makes void.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._lock, self._clock = threading.Lock(), clock
        self._entries: dict[str, _Entry] = {}
        self._tickets: dict[str, object] = {}
        self._ended = _Ended(ENDED_SECONDS, OVER_KEPT)
        self._over = _Ended(OVER_SECONDS, OVER_KEPT)
        self._watched = False

    def lookup(self, id: str, shown: Appearance) -> Known | None:
        """What is known of a container that the list shows so, if it surely still holds.

        A list that shows less than all proves nothing; then events must have been heard all
        the time since the description.
        """
        with self._lock:
            entry = self._entries.get(id)
            if entry is None:
                return None
            heard = self._watched and entry.twice and shown == entry.seen
            return entry.known if heard or shown == entry.known.expected else None

    def begin(self, id: str) -> object:
        """A ticket for a description that is about to be asked for."""
        with self._lock:
            ticket = self._tickets[id] = object()
            return ticket

    def keep(self, id: str, ticket: object, known: Known, seen: Appearance | None = None) -> None:
        """Keep a description, unless the container has changed since its ticket.

        One that lives has not ended, in whatever order its events came.
        """
        with self._lock:
            if self._tickets.get(id) is ticket:
                del self._tickets[id]
                if known.workload.state.offered:
                    self._revive(id)
                seen = seen if seen != known.expected else None
                before = self._entries.get(id)
                twice = before is not None and (before.known, before.seen) == (known, seen)
                self._entries[id] = _Entry(known, seen, twice)

    def forget(self, id: str) -> Known | None:
        """Something changed: what was known, which now must be asked for again."""
        with self._lock:
            self._tickets.pop(id, None)
            entry = self._entries.pop(id, None)
            return entry.known if entry else None

    def retain(self, ids: Collection[str]) -> None:
        """Forget all containers but these, and what ended a while ago."""
        with self._lock:
            for id in self._entries.keys() - ids:
                del self._entries[id]
            for id in self._tickets.keys() - ids:
                del self._tickets[id]
            self._age()

    def watched(self, listening: bool) -> None:
        """Whether events are heard from now on; those of before may have been missed."""
        with self._lock:
            self._watched = listening
            self._entries = {
                id: attrs.evolve(entry, seen=None) for id, entry in self._entries.items()
            }
            self._tickets.clear()

    def end(self, workload: Workload) -> None:
        """Remember a container that was seen to end."""
        with self._lock:
            self._over.drop(workload.id)
            self._ended.add(workload, self._clock())
            self._age()

    def take_over(self, former: "Cache") -> None:
        """Know of what another saw to end."""
        with former._lock:
            ended, over = former._ended.copy(), former._over.copy()
        with self._lock:
            self._ended, self._over = ended, over

    def revive(self, id: str) -> None:
        """A container was started, again perhaps."""
        with self._lock:
            self._revive(id)

    def ended(self, id: str) -> Workload | None:
        """The container as it was last known, if it was seen to end."""
        with self._lock:
            return self._ended.get(id) or self._over.get(id)

    def _revive(self, id: str) -> None:
        self._ended.drop(id)
        self._over.drop(id)

    def _age(self) -> None:
        """Of what ended a while ago keep less, and later nothing."""
        now = self._clock()
        for at, it in self._ended.outdated(now):
            self._over.add(_bare(it), at)
        for _ in self._over.outdated(now):
            pass


class _Ended:
    """Containers and when they ended, for so many seconds, and at most so many."""

    def __init__(self, seconds: float, most: int) -> None:
        self._seconds, self._most = seconds, most
        #: The first to end before the others.
        self._kept: OrderedDict[str, tuple[float, Workload]] = OrderedDict()

    def copy(self) -> "_Ended":
        """The same, for another."""
        made = _Ended(self._seconds, self._most)
        made._kept = self._kept.copy()
        return made

    def add(self, workload: Workload, at: float) -> None:
        """Remember that it ended then."""
        self._kept[workload.id] = (at, workload)
        self._kept.move_to_end(workload.id)

    def drop(self, id: str) -> None:
        """It did not end."""
        self._kept.pop(id, None)

    def get(self, id: str) -> Workload | None:
        """The container, if it is remembered."""
        _, workload = self._kept.get(id, (0.0, None))
        return workload

    def outdated(self, now: float) -> Iterator[tuple[float, Workload]]:
        """Forget what is too old, or too much, and give it with when it ended."""
        while self._kept:
            id, (at, workload) = next(iter(self._kept.items()))
            if at >= now - self._seconds and len(self._kept) <= self._most:
                return
            del self._kept[id]
            yield at, workload


def _bare(it: Workload) -> Workload:
    """That it was, and how it is now."""
    return Workload(
        source=it.source, scope=it.scope, id=it.id, name=it.name, image=it.image, state=it.state
    )
