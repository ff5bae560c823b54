"""The contract of every source, as tests: subclass `SourceContract` and provide the fixtures.

clause       says                                                needs
scope        the scope is not empty, and a restart keeps it,     source, reopen
             as it keeps the identity
lists        running workloads are listed completely, with the   source, start
             source's scope and unique ids
asks         `workload` returns the same as the listing
stable       a restart keeps the ids                             reopen
gone         an ended workload is not listed, or in a state      end
             that offers nothing; `workload` agrees
unreachable  raises TemporaryError; never returns an empty       unreachable
             view, nor `None` for a workload
unclear      a workload that exists but cannot be described is   obscure
             `unclear`, or makes the view incomplete (or raises
             TemporaryError)
begins       `watch` wakes with `None` when it begins to listen
wakes        a wake follows each change; changes at the same
             time may share one
breaks       changes wake again after the watch was interrupted  break_watch
stops        a watch ends soon after `stop` is set, and after
             `close`
secrets      secrets are in no repr, log or error                secrets
credentials  `credentials` stays the same while nobody changes
             them
close        `close` may be called twice
"""

import logging
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from threading import Event, Thread

import pytest

from syncer import Source, TemporaryError, Workload
from syncer.testing.clauses import Contract, clause, needed
from syncer.testing.waiting import wait_until


class Watching:
    """A watch in a thread, restarted when it breaks off, as the engine does."""

    def __init__(self, source: Source, patience: float) -> None:
        self._patience = patience
        self.wakes: list[str | None] = []
        self.stop = Event()
        self._source = source
        self.thread = Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        while not self.stop.is_set():
            with suppress(Exception):
                self._source.watch(self.wakes.append, self.stop)
            self.stop.wait(0.05)

    def await_wake(self, after: int, what: str) -> None:
        """Wait until there are more than `after` wakes."""
        wait_until(lambda: len(self.wakes) > after, self._patience, what)


@contextmanager
def watching(source: Source, patience: float) -> Iterator[Watching]:
    """Start a watch, wait until it listens, and end it after use."""
    watch = Watching(source, patience)
    watch.thread.start()
    try:
        watch.await_wake(0, "the first wake of a watch")
        yield watch
    finally:
        watch.stop.set()
        watch.thread.join(patience)


class SourceContract(Contract):
    """The tests of every source. The module's docstring lists the clauses."""

    source = needed("the source to test")
    start = needed("a function that starts a workload with the given name and returns its id")
    end = needed("a function that ends the workload with the given id", "gone")
    reopen = needed(
        "a function that opens another source on the same runtime, as a restart would", "stable"
    )
    unreachable = needed("a source whose runtime does not answer", "unreachable")
    obscure = needed("a function that makes an existing workload impossible to describe", "unclear")
    break_watch = needed(
        "a function that makes a running watch break off, like a lost connection", "breaks"
    )
    secrets = needed("the secrets in the configuration of `source`", "secrets")

    def _find(self, source: Source, id_: str) -> Workload | None:
        """Find the workload in a listing that is complete and has unique ids."""
        view = source.workloads()
        assert view.complete, "the listing is incomplete"
        ids = [workload.id for workload in view.items]
        assert len(ids) == len(set(ids)), f"an id is listed twice: {sorted(ids)}"
        return next((workload for workload in view.items if workload.id == id_), None)

    @clause("scope")
    def test_scope_is_stable(self, source: Source, reopen: Callable[[], Source]) -> None:
        """The scope is not empty, and a restart changes neither it nor the identity."""
        scope = source.scope()
        assert scope
        assert (source.scope(), reopen().scope()) == (scope, scope)
        assert source.host().name
        identity = source.identity()
        assert (source.identity(), reopen().identity()) == (identity, identity)
        assert "*" not in identity

    @clause("lists")
    def test_lists_what_runs(self, source: Source, start: Callable[[str], str]) -> None:
        """Started workloads are listed, in a state that offers services, with the right scope."""
        ids = [start("kit-one"), start("kit-two")]
        assert len(set(ids)) == 2
        for id_ in ids:
            found = self._find(source, id_)
            assert found is not None, f"{id_} is not listed"
            assert found.state.offered
            assert found.scope == source.scope()
            assert found.name

    @clause("asks")
    def test_asks_for_one(self, source: Source, start: Callable[[str], str]) -> None:
        """Asked for one workload, the source returns the same as its listing."""
        id_ = start("kit-asked")
        found = source.workload(id_)
        assert found is not None
        assert found == self._find(source, id_)

    @clause("stable")
    def test_ids_are_stable(
        self, source: Source, start: Callable[[str], str], reopen: Callable[[], Source]
    ) -> None:
        """A restart keeps each workload's id."""
        id_ = start("kit-stable")
        assert self._find(source, id_) == self._find(reopen(), id_) is not None

    @clause("gone")
    def test_an_ended_workload_is_gone(
        self, source: Source, start: Callable[[str], str], end: Callable[[str], None]
    ) -> None:
        """An ended workload is not offered, neither listed nor asked for; the others stay."""
        id_, other = start("kit-ended"), start("kit-other")
        end(id_)
        for found in (self._find(source, id_), source.workload(id_)):
            assert found is None or not found.state.offered
        assert self._find(source, other) is not None

    @clause("unreachable")
    def test_unreachable_is_an_error(self, unreachable: Source) -> None:
        """Without an answer it raises TemporaryError; never an empty view, never `None`."""
        with pytest.raises(TemporaryError):
            unreachable.workloads()
        with pytest.raises(TemporaryError):
            unreachable.workload("kit-any")

    @clause("unclear")
    def test_unclear_is_reported(
        self, source: Source, start: Callable[[str], str], obscure: Callable[[str], None]
    ) -> None:
        """A workload that exists but cannot be described is reported."""
        id_, other = start("kit-unclear"), start("kit-clear")
        obscure(id_)
        try:
            view = source.workloads()
        except TemporaryError:
            return
        assert id_ in view.unclear or not view.complete
        assert other in [workload.id for workload in view.items]

    @clause("begins")
    def test_watch_begins_with_a_wake(self, source: Source) -> None:
        """The first wake is `None`: list everything, since changes may have been missed."""
        with watching(source, self.patience) as watch:
            assert None in watch.wakes[:1]

    @clause("wakes")
    def test_a_wake_follows_a_change(self, source: Source, start: Callable[[str], str]) -> None:
        """A wake follows a change, which can be seen by then."""
        with watching(source, self.patience) as watch:
            for name in ("kit-wake-one", "kit-wake-two"):
                before = len(watch.wakes)
                id_ = start(name)
                watch.await_wake(before, f"a wake after {name} started")
                wait_until(partial(self._find, source, id_), self.patience, f"{id_} is listed")

    @clause("breaks")
    def test_wakes_after_a_break(
        self, source: Source, start: Callable[[str], str], break_watch: Callable[[], None]
    ) -> None:
        """After a break there is a wake for missed changes, and for each change that follows."""
        with watching(source, self.patience) as watch:
            before = len(watch.wakes)
            break_watch()
            watch.await_wake(before, "a wake after the watch broke")
            before = len(watch.wakes)
            start("kit-after-break")
            watch.await_wake(before, "a wake for a change after the break")

    @clause("stops")
    @pytest.mark.parametrize("how", ["stop", "close"])
    def test_watch_ends(self, source: Source, how: str) -> None:
        """A watch ends soon after `stop` is set, or the source is closed."""
        stop, begun = Event(), Event()

        def watch() -> None:
            with suppress(Exception):
                source.watch(lambda id_: begun.set(), stop)

        thread = Thread(target=watch, daemon=True)
        thread.start()
        wait_until(begun.is_set, self.patience, "the watch begins")
        if how == "stop":
            stop.set()
        else:
            source.close()
        wait_until(lambda: not thread.is_alive(), self.patience, f"the watch ends after {how}")
        stop.set()

    @clause("secrets")
    def test_secrets_stay_secret(
        self,
        source: Source,
        secrets: Collection[str],
        caplog: pytest.LogCaptureFixture,
        request: pytest.FixtureRequest,
    ) -> None:
        """Secrets are in no repr, log, error or workload."""
        assert secrets, "the fixture `secrets` needs at least one secret"
        said = [repr(source), str(source), source.scope(), source.identity()]
        said.append(repr(source.credentials()))
        with caplog.at_level(logging.DEBUG):
            said += map(repr, source.workloads().items)
            if "unreachable" not in self.declines:
                try:
                    request.getfixturevalue("unreachable").workloads()
                except Exception as error:  # noqa: BLE001 - no error may contain a secret
                    said += [str(error), repr(error)]
        said.append(caplog.text)
        assert [secret for secret in secrets if any(secret in text for text in said)] == []

    @clause("credentials")
    def test_credentials_stay_the_same(self, source: Source) -> None:
        """Others would have the source listed again, every second."""
        before = source.credentials()
        source.workloads()
        assert source.credentials() == before

    @clause("close")
    def test_close_twice(self, source: Source) -> None:
        """Closing a second time does nothing."""
        source.close()
        source.close()
