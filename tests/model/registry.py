"""A registry in this process that can fail in every way that a real one can, and its sink."""

from datetime import timedelta

import attrs

from syncer import (
    Conflict,
    Locks,
    PermanentError,
    Sink,
    TemporaryError,
    Unhealthy,
    View,
    with_status,
)
from syncer.engine.election import Lock

#: Seconds that a registration lives without being renewed, where there are leases.
TTL = 60.0
#: Seconds between renewals.
PULSE = TTL / 4
#: The lock of those that share their sources: it is asked for as often as is renewed.
LOCK = Lock(name="model", ttl=timedelta(seconds=3 * PULSE))
#: Seconds that a write takes with the fault `slow`: shorter than who leads stops before its time.
SLOW = PULSE * 0.6


class KilledError(BaseException):
    """The process dies here: nothing of syncer may catch it."""


@attrs.define
class Faults:
    """What is wrong between one syncer and the registry.

    `writes` are what becomes of the next writes: `before` and `after` fail with or without the
    effect, `refused` is a refusal, `raced` a conflict, `fine` is none. With `slow` each write takes
    `SLOW` seconds, in which others go on. `death` is the number of
    calls until the process is killed, and whether the last one still has its effect.
    """

    down: bool = False
    unreadable: bool = False
    slow: bool = False
    hidden: frozenset = frozenset()
    unclear: frozenset = frozenset()
    writes: list = attrs.Factory(list)
    death: tuple | None = None

    def any(self):
        """Whether anything is wrong."""
        return self != Faults()


class Registry:
    """Registrations with versions; with `leases` they end unless renewed.

    Listings are `lag` seconds old. `on_write(who, before, after)` hears of every write of a sink,
    `on_expiry(registration)` of every end, `on_wait(who)` of every write that takes long. `locks`
    are, by name, the sink that has it and until when. They outlive a wipe: a lock that can be lost
    while somebody has it decides nothing.
    """

    def __init__(self, clock, *, leases=False, lag=0.0):
        self.clock, self.leases, self.lag = clock, leases, lag
        self.held, self.ends, self.refused = {}, {}, frozenset()
        self.on_write = self.on_expiry = self.on_wait = lambda *_: None
        self.locks = {}
        self._writes = 0
        self._past = [(clock(), {})]

    def read(self):
        """What it holds now."""
        now = self.clock()
        for id_ in [id_ for id_, end in list(self.ends.items()) if end < now]:
            gone = self._drop(id_)
            self.on_expiry(gone)
        return dict(self.held)

    def listing(self):
        """What a listing shows, which may lag behind."""
        held = self.read()
        if not self.lag:
            return held
        known = [state for at, state in self._past if at <= self.clock() - self.lag]
        return known[-1] if known else {}

    def write(self, who, id_, new, expected):
        """Put or (None) remove, if `expected` is the version there; nothing there is None."""
        before = self.read().get(id_)
        found = before.version if before else None
        if new is None and before is None:
            return None
        if found != expected:
            raise Conflict(f"{id_} has version {found}, not {expected}")
        after = self._put(new) if new is not None else self._drop(id_) and None
        self.on_write(who, before, after)
        return after

    def by_hand(self, id_, new):
        """What somebody writes past syncer; without an end."""
        self._put(new) if new is not None else self._drop(id_)
        self.ends.pop(id_, None)

    def renew(self, id_):
        """Begin a new term; whether it was still there."""
        there = id_ in self.read()
        if there and id_ in self.ends:
            self.ends[id_] = self.clock() + TTL
        return there

    def leader(self, name):
        """The sink that has the lock of this name; None: nobody."""
        sink, until = self.locks.get(name, (None, 0.0))
        return sink if self.clock() < until else None

    def lock(self, name, sink, ttl):
        """Take a lock or keep it; whether this sink has it."""
        if self.leader(name) in (None, sink):
            self.locks[name] = (sink, self.clock() + ttl.total_seconds())
        return self.leader(name) is sink

    def unlock(self, name, sink):
        """Let go of a lock."""
        if self.leader(name) is sink:
            del self.locks[name]

    def wipe(self):
        """It comes back empty."""
        for id_ in list(self.held):
            self._drop(id_)

    def _put(self, new):
        self._writes += 1
        kept = attrs.evolve(new, version=str(self._writes))
        self.held[kept.id] = kept
        if self.leases:
            self.ends[kept.id] = self.clock() + TTL
        self._remember()
        return kept

    def _drop(self, id_):
        self.ends.pop(id_, None)
        gone = self.held.pop(id_, None)
        self._remember()
        return gone

    def _remember(self):
        if self.lag:
            self._past.append((self.clock(), dict(self.held)))


class ModelLocks(Locks):
    """The registry's locks as one sink takes them, with that sink's faults."""

    def __init__(self, sink):
        self._sink = sink

    def take(self, name, ttl):
        self._sink._reading()
        return self._sink.registry.lock(name, self._sink, ttl)

    def release(self, name):
        self._sink._reading()
        self._sink.registry.unlock(name, self._sink)


class ModelSink(Sink):
    """One syncer's door to the registry, with that syncer's faults.

    `complete` says whether the last listing was; `known` is what that syncer last saw there, by id,
    and `planned_on` was that when it began to write; `failed` are the ids whose write failed since
    the last one that began. `drop`: what is not up is not listed; `parks`: unless an operator
    drained it.
    """

    def __init__(self, registry, who="", faults=None, *, drop=False, parks=False):
        self.registry, self.who, self.faults = registry, who, faults or Faults()
        self.parks = parks
        self.pulse = timedelta(seconds=PULSE) if registry.leases else None
        self.stale_for = timedelta(seconds=registry.lag)
        self.drop = drop
        self.complete, self.known, self.failed = False, {}, set()
        self.planned_on = {}
        self.locks = ModelLocks(self)

    def registrations(self):
        self._reading()
        faults, held = self.faults, self.registry.listing()
        away = (faults.hidden | faults.unclear) & held.keys()
        self.complete = not faults.hidden & held.keys()
        shown = [registration for id_, registration in held.items() if id_ not in away]
        self.known = {registration.id: registration for registration in shown}
        return View(shown, complete=self.complete, unclear=faults.unclear & held.keys())

    def registration(self, id):
        self._reading()
        if id in self.faults.hidden | self.faults.unclear:
            raise PermanentError(f"{id} may not be read")
        found = self.registry.read().get(id)
        self._note(id, found)
        return found

    def apply(self, changes):
        self.planned_on = dict(self.known)
        return super().apply(changes)

    def register(self, new):
        return self._write(new.id, new, None)

    def update(self, old, new):
        return self._write(new.id, new, old.version)

    def deregister(self, old):
        self._write(old.id, None, old.version)

    def adjust(self, instance):
        if instance.service == "bad":
            raise PermanentError("no such name here")
        return with_status(instance, Unhealthy.DROP if self.drop else Unhealthy.KEEP)

    def park(self, instance):
        return with_status(instance, Unhealthy.KEEP) if self.parks else None

    def renew(self, held):
        self._reading()
        return [registration for registration in held if not self.registry.renew(registration.id)]

    def _reading(self):
        self._near_death(effect=lambda: None)
        if self.faults.down or self.faults.unreadable:
            raise TemporaryError("the registry does not answer")

    def _write(self, id_, new, expected):
        def effect():
            return self.registry.write(self.who, id_, new, expected)

        self._near_death(effect)
        if self.faults.slow:
            self.registry.on_wait(self.who)
        try:
            answer = self._faulty(id_, new, effect)
            self._note(id_, answer)
            return answer
        except Exception:
            self.failed.add(id_)
            raise

    def _note(self, id_, found):
        self.known.pop(id_, None)
        if found is not None:
            self.known[id_] = found

    def _faulty(self, id_, new, effect):
        fault = self.faults.writes.pop(0) if self.faults.writes else "fine"
        if self.faults.down or fault == "before":
            raise TemporaryError("the registry does not answer")
        if fault == "raced":
            raise Conflict("somebody else was first")
        refused = new is not None and (
            id_ in self.registry.refused or new.instance.service == "bad"
        )
        if fault == "refused" or refused:
            raise PermanentError("not here")
        answer = effect()
        if fault == "after":
            raise TemporaryError("the answer got lost")
        return answer

    def _near_death(self, effect):
        if self.faults.death is None:
            return
        calls, done = self.faults.death
        self.faults.death = (calls - 1, done)
        if calls <= 1:
            self.faults.death = None
            if done:
                effect()
            raise KilledError
