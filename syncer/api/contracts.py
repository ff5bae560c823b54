"""What a plugin implements and what it returns from its hooks.

A *source* says what should be registered, a *sink* says what is. Both are abstract classes;
the records (`SourceType`, `SinkType`, `LabelParser`, `CheckTranslator`) describe a kind, so that
the engine can make and name it. `syncer.testing` holds the contract that every sink and
every source is tested against.

Errors: raise `TemporaryError` when the other side cannot answer now, `PermanentError` when it
refused, `Conflict` when somebody else was first. Every call must end within a deadline.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import timedelta
from threading import Event

from syncer.api.changes import Change, Deregister, Outcome, Register
from syncer.api.checks import CheckKey, CheckResult
from syncer.api.errors import PermanentError
from syncer.api.findings import Finding
from syncer.api.model import (
    Host,
    Instance,
    Registration,
    View,
    Workload,
)

#: `wake(None)`: look at everything again. `wake(id)`: look at this workload again.
Wake = Callable[[str | None], None]


class Source(ABC):
    """Where workloads come from: a Docker engine, a file, another registry.

    `workload()` and `close()` may be called from any thread, `watch()` runs in a thread of its
    own, the rest is called from one thread.
    """

    @abstractmethod
    def scope(self) -> str:
        """The part of the world this source speaks for; never empty, the same after a restart.

        Two sources with one scope must describe the same workloads: what one of them no
        longer sees is removed.
        """

    def host(self) -> Host:
        """The host of the workloads; by default only named, by the scope."""
        return Host(name=self.scope())

    @abstractmethod
    def workloads(self) -> View[Workload]:
        """Everything that runs, or as much as is known, then with `complete=False`.

        Workloads that exist but cannot be described now go into `unclear`. Raises an
        error when there is no answer: an empty view means that nothing runs.
        """

    @abstractmethod
    def workload(self, id: str) -> Workload | None:
        """One workload, asked for afresh; None only if it surely does not exist any more."""

    def watch(self, wake: Wake, stop: Event) -> None:
        """Call `wake` when something may have changed, until `stop` is set or `close()` is called.

        `wake(None)` each time it begins to listen, since changes may have been missed before.
        It may return or raise when listening breaks off: it is called again after a pause.
        """
        stop.wait()

    def take_over(self, former: "Source") -> None:
        """Go on where `former` ended, a source of the same kind and options; called first of all.

        For what no listing tells: a stop that was announced, the last event that was seen.
        """

    def examine(self) -> Iterable[Finding]:
        """What is in the way of this source, or could be: for `syncer doctor`. Only reads."""
        return ()

    def close(self) -> None:
        """Let go of connections, which ends a `watch()` that blocks on one. May be called twice."""


class Locks(ABC):
    """Locks in a registry, each held by one process at a time. Called from one thread at a time."""

    @abstractmethod
    def take(self, name: str, ttl: timedelta) -> bool:
        """Take this lock, or keep it; return whether this process holds it now.

        It is then held for `ttl` from the start of this call. If it is not taken again, another
        process can take it after that time, and after twice that time at the latest.
        """

    @abstractmethod
    def release(self, name: str) -> None:
        """Release this lock, so that another process can take it at once; succeed if not held."""


class Sink(ABC):
    """Where registrations are kept: Consul, etcd, a file.

    `renew()`, `report()`, `watch()` and `close()` may be called from other threads while one of the
    others runs, and `locks` may be used from another thread; the rest is called from one thread.
    """

    #: How often `renew` and `report` must run; None: never.
    pulse: timedelta | None = None
    #: How long a listing may lag behind our own writes.
    stale_for: timedelta = timedelta(0)
    #: Whether `registrations` may be called from another thread while changes are being made, so
    #: that none waits until all is read. Of an id that is changed meanwhile either state will do.
    reads_beside: bool = False
    #: The registry's locks. `None` if it has none.
    locks: Locks | None = None

    @abstractmethod
    def registrations(self) -> View[Registration]:
        """Everything in this sink's range, foreign ones too, as the registry has it now."""

    def registration(self, id: str) -> Registration | None:
        """One registration, fresh and uncached; only asked if `stale_for` is not zero."""
        raise NotImplementedError(f"{type(self).__name__}.registration")

    def look_again(
        self, ids: Collection[str]
    ) -> Iterator[tuple[str, Registration | PermanentError | None]]:
        """Each of these ids with its registration, fresh as from `registration`, in any order.

        By default one by one; override to ask in parallel. A `PermanentError` stands for the
        registration that may not be read; any other error is raised.
        """
        for id_ in ids:
            try:
                yield id_, self.registration(id_)
            except PermanentError as error:
                yield id_, error

    @abstractmethod
    def register(self, new: Registration) -> Registration:
        """Write a registration; returns it as a listing will show it.

        Must not overwrite what the last listing did not show (`Conflict`), as far as the
        registry can tell.
        """

    @abstractmethod
    def update(self, old: Registration, new: Registration) -> Registration:
        """Replace `old`, whose `version` serves for compare-and-set, by `new` with the same id.

        May move a key: the new one is written before the old one goes.
        """

    @abstractmethod
    def deregister(self, old: Registration) -> None:
        """Remove exactly this registration; that it is absent already is success."""

    def apply(self, changes: Collection[Change]) -> Iterator[Outcome]:
        """Make the changes, one outcome for each in any order; by default one by one.

        Override to send batches or to work in parallel. One refused change never stops the
        others. Errors are outcomes; an exception from here counts for all that is left.
        """
        for change in changes:
            yield self.attempt(change)

    def attempt(self, change: Change) -> Outcome:
        """Make one change and tell what became of it."""
        try:
            if isinstance(change, Deregister):
                self.deregister(change.old)
                return Outcome(change)
            if isinstance(change, Register):
                return Outcome(change, self.register(change.new))
            return Outcome(change, self.update(change.old, change.new))
        except Exception as error:  # noqa: BLE001 - the outcome carries whatever it was
            return Outcome(change, error=error)

    def adjust(self, instance: Instance) -> Instance | None:
        """What will be written of this instance; None if it is not listed in its status.

        Brings the instance into the form that this registry can hold, and adds to its
        `problems` what had to be left out. Pure: no request is made. Raises
        `PermanentError` if the registry cannot hold the instance at all.
        """
        return instance

    def park(self, instance: Instance) -> Instance | None:
        """What will be written of an instance drained by hand that `adjust` shows as up, or not.

        A form that consumers do not find, but a listing shows; its mark has a `hold`. None: there
        is no such form, and a drain is refused. Pure.
        """
        return None

    def listed(self, instance: Instance) -> Instance:
        """What a listing will show of an adjusted instance; pure."""
        return instance

    def renew(self, held: Collection[Registration]) -> Collection[Registration]:
        """Keep these registrations alive; returns those that the registry has lost."""
        return ()

    def report(self, results: Mapping[CheckKey, CheckResult]) -> Collection[CheckKey]:
        """Tell the registry the health that syncer knows; returns checks that it has lost."""
        return ()

    def watch(self, wake: Callable[[], None], stop: Event) -> None:
        """Call `wake` when the registry may have changed under us, until `stop` is set.

        May return or raise when watching breaks off: it is called again after a pause.
        """
        stop.wait()

    def take_over(self, former: "Sink") -> None:
        """Go on where `former` ended, a sink of the same kind and options; called first of all.

        For what no listing tells: which of what stands there is ours to keep alive.
        """

    def examine(self) -> Iterable[Finding]:
        """What is in the way of this sink, rights above all: for `syncer doctor`. Only reads."""
        return ()

    def close(self) -> None:
        """Let go of connections, which ends a `watch()` that blocks on one. May be called twice."""
