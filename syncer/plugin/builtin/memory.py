"""The memory sink: a registry inside this process, for trying syncer out and for tests.

It behaves as a strict registry does: each write gets a new version, and who writes on the
ground of an old one gets a `Conflict`. Several sinks over one `MemoryStore` are as several
programs at one registry.
"""

import time
from collections.abc import Callable
from datetime import timedelta
from threading import Lock

import attrs

from syncer import Conflict, Context, Locks, Registration, Sink, View


@attrs.frozen(kw_only=True)
class MemoryOptions:
    """The memory sink has no options."""


class MemoryStore:
    """What a registry keeps: registrations by id, each with the version of its last write."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._lock, self._clock = Lock(), clock
        self._held: dict[str, Registration] = {}
        self._writes = 0
        #: Who has each lock, and until when.
        self._locks: dict[str, tuple[object, float]] = {}

    def all(self) -> tuple[Registration, ...]:
        """Everything that is kept, in the order of first registration."""
        with self._lock:
            return tuple(self._held.values())

    def put(self, new: Registration, expected: str | None) -> Registration:
        """Keep `new`, if the version of what is kept is `expected` (None: nothing is kept)."""
        with self._lock:
            self._expect(new.id, expected)
            self._writes += 1
            kept = attrs.evolve(new, version=str(self._writes), damaged="")
            self._held[new.id] = kept
            return kept

    def drop(self, id: str, expected: str) -> None:
        """Forget what is kept under the id, if it has the version; absent already is fine."""
        with self._lock:
            if id in self._held:
                self._expect(id, expected)
                del self._held[id]

    def clear(self) -> None:
        """Forget everything, as a registry does that is restarted without its data."""
        with self._lock:
            self._held.clear()

    def take_lock(self, name: str, who: object, ttl: float) -> bool:
        """Give a lock to `who` for `ttl` seconds, unless another has it; whether it was given."""
        with self._lock:
            now = self._clock()
            holder, end = self._locks.get(name, (who, now))
            if holder is not who and now < end:
                return False
            self._locks[name] = (who, now + ttl)
            return True

    def release_lock(self, name: str, who: object) -> None:
        """Take a lock from `who`, if they have it."""
        with self._lock:
            if name in self._locks and self._locks[name][0] is who:
                del self._locks[name]

    def _expect(self, id_: str, expected: str | None) -> None:
        held = self._held.get(id_)
        found = held.version if held else None
        if found != expected:
            raise Conflict(f"{id_}: found version {found}, the last listing showed {expected}")


class MemoryLocks(Locks):
    """The locks of a store, as one sink takes them; `before` as for `MemorySink`."""

    def __init__(self, store: MemoryStore, before: Callable[[str, str], None]) -> None:
        self._store, self._before = store, before

    def take(self, name: str, ttl: timedelta) -> bool:
        """Take or keep a lock."""
        self._before("take_lock", name)
        return self._store.take_lock(name, self, ttl.total_seconds())

    def release(self, name: str) -> None:
        """Release a lock."""
        self._before("release_lock", name)
        self._store.release_lock(name, self)


class MemorySink(Sink):
    """Keeps registrations in a `MemoryStore`, its own unless another is given.

    `before`, for tests, is called with the name of each operation and the id (or "") ahead of
    it; what it raises is what the operation raises.
    """

    def __init__(
        self,
        store: MemoryStore | None = None,
        before: Callable[[str, str], None] | None = None,
    ) -> None:
        self.store = store or MemoryStore()
        self._before = before
        self.locks = MemoryLocks(self.store, self._ahead)

    @classmethod
    def create(cls, options: MemoryOptions, context: Context) -> "MemorySink":
        """A sink with a store of its own."""
        return cls()

    def registrations(self) -> View[Registration]:
        """Everything in the store."""
        self._ahead("registrations", "")
        return View(self.store.all())

    def registration(self, id: str) -> Registration | None:
        """One registration, as the store has it now."""
        self._ahead("registration", id)
        return next((kept for kept in self.store.all() if kept.id == id), None)

    def register(self, new: Registration) -> Registration:
        """Keep a registration whose id is free."""
        self._ahead("register", new.id)
        return self.store.put(new, None)

    def update(self, old: Registration, new: Registration) -> Registration:
        """Replace exactly `old`."""
        self._ahead("update", new.id)
        return self.store.put(new, old.version)

    def deregister(self, old: Registration) -> None:
        """Forget exactly `old`."""
        self._ahead("deregister", old.id)
        self.store.drop(old.id, old.version)

    def _ahead(self, operation: str, id_: str) -> None:
        if self._before is not None:
            self._before(operation, id_)
