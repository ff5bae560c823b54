"""The contracts of plugins: a *source* says what should be registered, a *sink* says what is.

`syncer.testing` has the tests that every source and sink must pass. The records that describe
kinds (`SourceType`, `SinkType`, ...) are in `syncer.api.kinds`.

Errors: raise `TemporaryError` if the other side cannot answer now, `PermanentError` if it refused
the request, `Conflict` if another client changed the entry first. Every call must have a deadline.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from datetime import timedelta
from threading import Event
from typing import Generic, TypeVar

import attrs

from syncer.api.changes import Change, Deregister, Outcome, Register
from syncer.api.checks import CheckKey, CheckResult
from syncer.api.errors import PermanentError
from syncer.api.fields import EMPTY, as_frozenset, as_tuple, frozen_map
from syncer.api.findings import Finding
from syncer.api.registrations import FoundAs, Instance, Registration
from syncer.api.workloads import Host, Workload

T = TypeVar("T")

#: `wake(None)`: everything may have changed. `wake(id)`: this workload may have changed.
Wake = Callable[[str | None], None]


@attrs.frozen
class Unclear:
    """Why something exists and cannot be described now; `name` is for people, if it is known."""

    why: str
    name: str = ""


@attrs.frozen
class View(Generic[T]):
    """The answer to a listing: all items, or those that are known.

    If `complete` is false there may be more: nothing follows from what is missing. Ids in
    `unclear` exist, but cannot be described now; `reasons` says why, by id. If there is no answer
    an exception is raised; an empty view means that there is nothing. `problems` are lines for
    people about the other side as a whole: of a sink they are logged, and shown by the page and by
    `syncer doctor`. An incomplete view that is sure to show what this process wrote does not hide
    its own.
    """

    items: tuple[T, ...] = attrs.field(converter=as_tuple)
    complete: bool = attrs.field(default=True, kw_only=True)
    unclear: frozenset[str] = attrs.field(default=frozenset(), converter=as_frozenset, kw_only=True)
    reasons: Mapping[str, Unclear] = attrs.field(
        default=EMPTY, converter=frozen_map, kw_only=True, eq=False
    )
    problems: tuple[str, ...] = attrs.field(default=(), converter=as_tuple, kw_only=True)
    hides_own: bool = attrs.field(default=True, kw_only=True)


class Source(ABC):
    """Where workloads come from: a Docker engine, a file, another registry.

    `workload()`, `credentials()` and `close()` may be called from any thread, `watch()` runs in a
    thread of its own, the rest is called from one thread.
    """

    @abstractmethod
    def scope(self) -> str:
        """Return the part of the world that this source describes. Never empty, never changes.

        Two sources with the same scope must describe the same workloads: entries of workloads
        that one of them no longer sees are removed.
        """

    def identity(self) -> str:
        """Return what tells this source from others of its scope: the engine's or cluster's id.

        "" if there is none that lasts. It must outlive restarts, and may change only when the
        engine is another one: entries of a scope that bear another identity are left alone.
        """
        return ""

    def host(self) -> Host:
        """Return the host of the workloads; by default only its name, the scope."""
        return Host(name=self.scope())

    @abstractmethod
    def workloads(self) -> View[Workload]:
        """Return all workloads, or with `complete=False` those that are known.

        Workloads that exist but cannot be described now are listed in `unclear`, each with its
        reason in `reasons`, which the user is shown. Raises an error
        if there is no answer: an empty view means that nothing runs.
        """

    @abstractmethod
    def workload(self, id: str) -> Workload | None:
        """Return the current state of one workload. `None` only if it certainly does not exist."""

    def watch(self, wake: Wake, stop: Event) -> None:
        """Call `wake` when something may have changed, until `stop` is set or `close()` is called.

        Call `wake(None)` each time it starts to listen: earlier changes may have been missed.
        It may return or raise if the connection breaks: it is called again after a pause.
        """
        stop.wait()

    def credentials(self) -> Hashable:
        """Return what differs as soon as other credentials are used, as `Sink.credentials` does."""
        return None

    def take_over(self, former: "Source") -> None:
        """Continue from `former`, a source of the same kind and options. Called before all else.

        Copies state that no listing shows: an announced stop, the last event received.
        """

    def examine(self) -> Iterable[Finding]:
        """Return problems of this source, and risks, for `syncer doctor`. Only reads."""
        return ()

    def close(self) -> None:
        """Close connections, which ends a blocked `watch()`. May be called twice."""


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

    `renew()`, `report()`, `watch()`, `credentials()` and `close()` may be called from other threads
    while one of the others runs, and `locks` may be used from another thread; the rest is called
    from one thread.
    """

    #: How often `renew` and `report` must run. `None` if never.
    pulse: timedelta | None = None
    #: How long a listing may lag behind our own writes.
    stale_for: timedelta = timedelta(0)
    #: Whether `registrations` may be called from another thread while changes are made, so that
    #: changes need not wait for a listing. It may show an id that changes meanwhile in any state.
    reads_beside: bool = False
    #: Whether the registry takes ids that differ only in case for one: only one is registered.
    folds_case: bool = False
    #: The registry's locks. `None` if it has none.
    locks: Locks | None = None

    @abstractmethod
    def registrations(self) -> View[Registration]:
        """Return all entries in this sink's range, including foreign ones, as they are now."""

    def registration(self, id: str) -> Registration | None:
        """Return the current state of one entry, uncached. Only called if `stale_for` is not 0."""
        raise NotImplementedError(f"{type(self).__name__}.registration")

    def look_again(
        self, ids: Collection[str]
    ) -> Iterator[tuple[str, Registration | PermanentError | None]]:
        """Yield each of these ids with its entry, as from `registration`, in any order.

        By default one by one; override to ask in parallel. A `PermanentError` is yielded in place
        of an entry that may not be read; any other error is raised.
        """
        for id_ in ids:
            try:
                yield id_, self.registration(id_)
            except PermanentError as error:
                yield id_, error

    @abstractmethod
    def register(self, new: Registration) -> Registration:
        """Write an entry and return it as a listing will show it.

        Must not overwrite an entry that the last listing did not show: raise `Conflict`, as far as
        the registry can tell.
        """

    @abstractmethod
    def update(self, old: Registration, new: Registration) -> Registration:
        """Replace `old` by `new`, which has the same id, if `old.version` is still current.

        May move a key: write the new one before removing the old one.
        """

    @abstractmethod
    def deregister(self, old: Registration) -> None:
        """Remove exactly this entry; succeed if it is already absent."""

    def apply(self, changes: Collection[Change]) -> Iterator[Outcome]:
        """Make the changes and yield one outcome for each, in any order; by default one by one.

        Override to send batches or to work in parallel. A refused change must not stop the
        others. Errors are outcomes; an exception applies to all remaining changes.
        """
        for change in changes:
            yield self.attempt(change)

    def attempt(self, change: Change) -> Outcome:
        """Make one change and return its outcome."""
        try:
            if isinstance(change, Deregister):
                self.deregister(change.old)
                return Outcome(change)
            if isinstance(change, Register):
                return Outcome(change, self.register(change.new))
            return Outcome(change, self.update(change.old, change.new))
        except Exception as error:  # noqa: BLE001 - the outcome has the error
            return Outcome(change, error=error)

    def adjust(self, instance: Instance) -> Instance | None:
        """Return the instance as it will be written. `None` if its status is not to be listed.

        Brings the instance into the form that this registry can hold, and notes in `problems`
        what had to be left out. Pure: makes no request. Raises `PermanentError` if the registry
        cannot hold the instance at all.
        """
        return instance

    def park(self, instance: Instance) -> Instance | None:
        """Return the form of an instance drained by hand, if `adjust` lists it as up or not at all.

        Consumers must not find it, but a listing shows it; its mark has a `hold`. `None` if there
        is no such form: then the drain is refused. Pure.
        """
        return None

    def listed(self, instance: Instance) -> Instance:
        """Return an adjusted instance as a listing will show it. Pure."""
        return instance

    def found_as(self, instance: Instance) -> FoundAs:
        """Return under which names and addresses consumers find an adjusted instance. Pure.

        Override if metadata, tags, or a part of its name or id lead them to it as well: what the
        source does not allow is then not registered.
        """
        return FoundAs((instance.service,), (instance.address,))

    def renew(self, held: Collection[Registration]) -> Collection[Registration]:
        """Renew these entries and return those that the registry has lost."""
        return ()

    def report(self, results: Mapping[CheckKey, CheckResult]) -> Collection[CheckKey]:
        """Report results of checks to the registry and return the checks that it has lost."""
        return ()

    def watch(self, wake: Callable[[], None], stop: Event) -> None:
        """Call `wake` when the registry may have changed, until `stop` is set.

        May return or raise if the connection breaks: it is called again after a pause.
        """
        stop.wait()

    def credentials(self) -> Hashable:
        """Return what differs as soon as requests are made with other credentials; `None` if never.

        For a sink that reads a token from a file again, say. What was refused before is then tried
        again at once. Not the credentials themselves: `hash(token)`. Asked every second, and again
        for each plan: makes no request, and raises nothing.
        """
        return None

    def take_over(self, former: "Sink") -> None:
        """Continue from `former`, a sink of the same kind and options. Called before all else.

        Copies state that no listing shows, such as which entries this process must renew.
        """

    def examine(self) -> Iterable[Finding]:
        """Return problems of this sink, permissions above all, for `syncer doctor`. Only reads."""
        return ()

    def close(self) -> None:
        """Close connections, which ends a blocked `watch()`. May be called twice."""
