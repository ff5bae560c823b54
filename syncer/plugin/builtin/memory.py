"""The sink `memory`: a registry inside this process, for trials and tests.

It behaves like a strict registry: each write creates a new version, and a write based on an old
version raises `Conflict`. Several sinks with one `MemoryStore` behave like several programs with
one registry.
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
    """The content of a registry: registrations by id, each with the version of its last write."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._lock, self._clock = Lock(), clock
        self._held: dict[str, Registration] = {}
        self._writes = 0
        #: The holder of each lock, and when it expires.
        self._locks: dict[str, tuple[object, float]] = {}

    def all(self) -> tuple[Registration, ...]:
        """Return all registrations, in the order of their first writes."""
        with self._lock:
            return tuple(self._held.values())

    def put(self, new: Registration, expected: str | None) -> Registration:
        """Write `new` if the current version is `expected`; `None` if there must be none."""
        with self._lock:
            self._expect(new.id, expected)
            self._writes += 1
            kept = attrs.evolve(new, version=str(self._writes), damaged="")
            self._held[new.id] = kept
            return kept

    def drop(self, id: str, expected: str) -> None:
        """Remove a registration if its version is `expected`; a missing one is fine."""
        with self._lock:
            if id in self._held:
                self._expect(id, expected)
                del self._held[id]

    def clear(self) -> None:
        """Remove everything, like a registry that is restarted without its data."""
        with self._lock:
            self._held.clear()

    def take_lock(self, name: str, who: object, ttl: float) -> bool:
        """Give `who` a lock for `ttl` seconds, unless another holds it; return whether given."""
        with self._lock:
            now = self._clock()
            holder, end = self._locks.get(name, (who, now))
            if holder is not who and now < end:
                return False
            self._locks[name] = (who, now + ttl)
            return True

    def release_lock(self, name: str, who: object) -> None:
        """Release a lock if `who` holds it."""
        with self._lock:
            if name in self._locks and self._locks[name][0] is who:
                del self._locks[name]

    def _expect(self, id_: str, expected: str | None) -> None:
        held = self._held.get(id_)
        found = held.version if held else None
        if found != expected:
            raise Conflict(f"{id_}: found version {found}, the last listing showed {expected}")


class MemoryLocks(Locks):
    """The locks of a store for one sink; `before` as in `MemorySink`."""

    def __init__(self, store: MemoryStore, before: Callable[[str, str], None]) -> None:
        self._store, self._before = store, before

    def take(self, name: str, ttl: timedelta) -> bool:
        """Take or renew a lock."""
        self._before("take_lock", name)
        return self._store.take_lock(name, self, ttl.total_seconds())

    def release(self, name: str) -> None:
        """Release a lock."""
        self._before("release_lock", name)
        self._store.release_lock(name, self)


class MemorySink(Sink):
    """Keeps registrations in a `MemoryStore`, its own unless one is given.

    `before`, for tests, is called before each operation with its name and the id (or ""); its
    errors become errors of the operation.
    """

    def __init__(
        self,
        store: MemoryStore | None = None,
        before: Callable[[str, str], None] | None = None,
    ) -> None:
        self.store = store or MemoryStore()
        self._before = before or (lambda operation, id_: None)
        self.locks = MemoryLocks(self.store, self._before)

    @classmethod
    def create(cls, options: MemoryOptions, context: Context) -> "MemorySink":
        """Make a sink with its own store."""
        return cls()

    def registrations(self) -> View[Registration]:
        """Return all registrations in the store."""
        self._before("registrations", "")
        return View(self.store.all())

    def registration(self, id: str) -> Registration | None:
        """Return one registration, as it is now."""
        self._before("registration", id)
        return next((kept for kept in self.store.all() if kept.id == id), None)

    def register(self, new: Registration) -> Registration:
        """Write a registration if its id is free."""
        self._before("register", new.id)
        return self.store.put(new, None)

    def update(self, old: Registration, new: Registration) -> Registration:
        """Replace exactly `old`."""
        self._before("update", new.id)
        return self.store.put(new, old.version)

    def deregister(self, old: Registration) -> None:
        """Remove exactly `old`."""
        self._before("deregister", old.id)
        self.store.drop(old.id, old.version)
