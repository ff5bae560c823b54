"""The clauses for sinks whose entries must be renewed.

They are skipped for a sink with `pulse = None`. A sink that has a pulse only to report health
declines `lease`.
"""

from collections.abc import Callable
from threading import Event, Thread

import pytest

from syncer import Register, Registration, Sink
from syncer.testing.builders import make_instance
from syncer.testing.clauses import Contract, clause, needed
from syncer.testing.laws import Desk
from syncer.testing.waiting import wait_until


class LeaseClauses(Contract):
    """`lease`: an entry that is not renewed expires, is reported as lost and can be written again.

    `beside`: `renew` and `apply` may run at the same time.
    """

    lapse = needed(
        "a function that waits longer than a lease lasts; meanwhile it calls the function that it"
        " is given, as often as the sink's `pulse` says",
        "lease",
    )

    @pytest.fixture
    def leased(self, desk: Desk) -> Desk:
        """The desk, if the sink has a pulse."""
        if desk.sink.pulse is None:
            pytest.skip("the sink needs no pulse")
        return desk

    @clause("lease")
    def test_expires_unrenewed_and_is_restored(
        self, leased: Desk, lapse: Callable[[Callable[[], None]], None]
    ) -> None:
        """An entry expires unrenewed; the next renewal reports it, and it can be written again."""
        new = leased.new(make_instance("leased", tags=("a",), meta={"b": "c"}))
        held = leased.sink.register(new)
        lapse(lambda: None)
        wait_until(
            lambda: not leased.held(),
            self.patience,
            "the registry drops the entry that is not renewed",
        )
        assert [lost.id for lost in leased.sink.renew([held])] == [new.id]
        leased.sink.register(new)
        leased.eventually(leased.held, {new.id: leased.shown(new)})

    @clause("lease")
    def test_lives_renewed(self, leased: Desk, lapse: Callable[[Callable[[], None]], None]) -> None:
        """A renewed entry stays, and no renewal reports it as lost."""
        new = leased.new(make_instance("leased"))
        held = leased.sink.register(new)
        lost: list[Registration] = []
        lapse(lambda: lost.extend(leased.sink.renew([held])))
        assert lost == []
        leased.eventually(leased.held, {new.id: leased.shown(new)})

    @clause("beside")
    def test_renew_beside_apply(self, leased: Desk) -> None:
        """Renewals during changes disturb neither."""
        kept = [leased.sink.register(leased.new(make_instance("kept", p))) for p in range(1, 6)]
        new = [leased.new(make_instance("beside", port)) for port in range(1, 31)]
        failures: list[BaseException] = []
        over, once = Event(), Event()

        def renewing(sink: Sink) -> None:
            while not over.is_set():
                try:
                    lost = sink.renew(kept)
                    assert not lost, f"reported as lost: {lost}"
                except BaseException as error:  # noqa: BLE001 - the test's own thread reports it
                    failures.append(error)
                    over.set()
                once.set()

        thread = Thread(target=renewing, args=(leased.sink,), daemon=True)
        thread.start()
        try:
            wait_until(once.is_set, self.patience, "the first renewal")
            outcomes = list(leased.sink.apply([Register(one) for one in new]))
        finally:
            over.set()
            thread.join(self.patience)
        assert failures == []
        assert [outcome.error for outcome in outcomes if outcome.error] == []
        wanted = {one.id: one for one in (*kept, *map(leased.shown, new))}
        leased.eventually(leased.held, wanted)
