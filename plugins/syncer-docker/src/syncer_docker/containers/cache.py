"""Descriptions of containers, kept until something may have changed."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator

import attrs

from syncer import Workload
from syncer_docker.containers.appearance import Appearance, described
from syncer_docker.containers.describe import describe
from syncer_docker.containers.health import Probing, probing
from syncer_docker.containers.networks import UNKNOWN, Known
from syncer_docker.containers.stopping import StopRule, stop_rule
from syncer_docker.fields import Json

#: Seconds for which the whole description of an ended container is kept, at a few KiB each. It is
#: needed soon after the end: the event wakes the loop.
ENDED_SECONDS = 60.0
#: Seconds for which only the end itself is remembered, and for how many containers, at half a KiB
#: each: a registry may be unreachable meanwhile.
OVER_SECONDS, OVER_KEPT = 3_600.0, 2_000


@attrs.frozen
class Description:
    """A described container, and how the list shows it while the description holds."""

    workload: Workload
    rule: StopRule
    expected: Appearance
    #: Of a container with a health check.
    probing: Probing | None = None

    @classmethod
    def of(cls, container: Json, source: str, scope: str, known: Known = UNKNOWN) -> "Description":
        """Describe an inspected container. Raises `ValueError` if it is invalid."""
        try:
            workload = describe(container, source, scope, known)
            rule = stop_rule(container)
            return cls(workload, rule, described(workload), probing(container))
        except ValueError:
            raise
        except Exception as error:
            raise ValueError(f"invalid description: {error!r}") from error


#: Ended containers and the times of their ends, in the order of these.
_Ends = OrderedDict[str, tuple[float, Workload]]


@attrs.frozen
class _Entry:
    description: Description
    #: How the list showed it at the time, if that is less than expected.
    seen: Appearance | None = None
    #: Whether description and list were the same twice: an outdated list looks like one that
    #: shows less.
    confirmed: bool = attrs.field(default=False, eq=False)


class Cache:
    """Descriptions by container id; thread-safe.

    An answer that was under way while an event reported a change is not kept: `begin` returns a
    ticket before the request, which `forget` makes void.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._lock, self._clock = threading.Lock(), clock
        self._entries: dict[str, _Entry] = {}
        self._tickets: dict[str, object] = {}
        self._ended: _Ends = OrderedDict()
        self._over: _Ends = OrderedDict()
        self._watched = False

    def lookup(self, id: str, shown: Appearance) -> Description | None:
        """Return the description of a container if it certainly still holds.

        A list that shows less than expected proves nothing; then events must have been received
        without a gap since the description.
        """
        with self._lock:
            entry = self._entries.get(id)
            if entry is None:
                return None
            trusted = self._watched and entry.confirmed and shown == entry.seen
            return entry.description if trusted or shown == entry.description.expected else None

    def begin(self, id: str) -> object:
        """Return a ticket for a description that is about to be requested."""
        with self._lock:
            ticket = self._tickets[id] = object()
            return ticket

    def keep(
        self, id: str, ticket: object, description: Description, seen: Appearance | None = None
    ) -> None:
        """Keep a description, unless the container has changed since its ticket.

        A container that runs has not ended, in whatever order its events arrived.
        """
        with self._lock:
            if self._tickets.get(id) is ticket:
                del self._tickets[id]
                if description.workload.state.offered:
                    self._forget_end(id)
                entry = _Entry(description, seen if seen != description.expected else None)
                if entry == self._entries.get(id):
                    entry = attrs.evolve(entry, confirmed=True)
                self._entries[id] = entry

    def forget(self, id: str) -> Description | None:
        """Drop and return the description of a container that has changed."""
        with self._lock:
            self._tickets.pop(id, None)
            entry = self._entries.pop(id, None)
            return entry.description if entry else None

    def retain(self, ids: Collection[str]) -> None:
        """Drop all containers but these, and outdated ends."""
        with self._lock:
            for id in self._entries.keys() - ids:
                del self._entries[id]
            for id in self._tickets.keys() - ids:
                del self._tickets[id]
            self._age()

    def set_watched(self, watched: bool) -> None:
        """Set whether events are received from now on; earlier ones may have been missed."""
        with self._lock:
            self._watched = watched
            self._entries = {
                id: attrs.evolve(entry, seen=None) for id, entry in self._entries.items()
            }
            self._tickets.clear()

    def note_end(self, workload: Workload) -> None:
        """Remember a container whose end was observed."""
        with self._lock:
            self._forget_end(workload.id)
            self._ended[workload.id] = (self._clock(), workload)
            self._age()

    def note_start(self, id: str) -> None:
        """Forget the end of a container that was started."""
        with self._lock:
            self._forget_end(id)

    def ended(self, id: str) -> Workload | None:
        """Return the container as last described, if its end was observed."""
        with self._lock:
            _, workload = self._ended.get(id) or self._over.get(id) or (0.0, None)
            return workload

    def take_over(self, former: "Cache") -> None:
        """Copy the ends that another cache remembers."""
        with former._lock:
            ended, over = former._ended.copy(), former._over.copy()
        with self._lock:
            self._ended, self._over = ended, over

    def _forget_end(self, id: str) -> None:
        self._ended.pop(id, None)
        self._over.pop(id, None)

    def _age(self) -> None:
        """Shorten what is remembered of old ends, and later drop it."""
        now = self._clock()
        for at, it in _take_outdated(self._ended, now - ENDED_SECONDS):
            self._over[it.id] = (at, _shortened(it))
        for _ in _take_outdated(self._over, now - OVER_SECONDS):
            pass


def _take_outdated(ends: _Ends, before: float) -> Iterator[tuple[float, Workload]]:
    """Remove and yield the oldest ends until all are newer than `before`, and not too many."""
    while ends:
        at, workload = next(iter(ends.values()))
        if at >= before and len(ends) <= OVER_KEPT:
            return
        del ends[workload.id]
        yield at, workload


def _shortened(it: Workload) -> Workload:
    return Workload(
        source=it.source, scope=it.scope, id=it.id, name=it.name, image=it.image, state=it.state
    )
