"""Applies changes to one sink, and keeps state, refusals and reports in step with the outcomes."""

from collections.abc import Callable, Collection, Iterator

from syncer.api.changes import Change, Outcome, Register, Update
from syncer.api.errors import TemporaryError
from syncer.engine.cycle.reporter import Reporter, error_text, is_refusal
from syncer.engine.cycle.sink_state import SinkState
from syncer.engine.election import Election, LeadLost
from syncer.plan.brakes import Refusals
from syncer.plan.contested import Contested


class Writer:
    """Writes to one sink from one thread; `break_off` may be called from any."""

    def __init__(
        self, state: SinkState, refusals: Refusals, contested: Contested, reporter: Reporter
    ) -> None:
        self._state, self._refusals, self._reporter = state, refusals, reporter
        self._contested = contested
        self._broken_off = False
        #: Raises an error once this process may not go on writing.
        self._expect_lead: Callable[[], None] = lambda: None

    def begin(self, election: Election | None) -> None:
        """Begin a cycle: if this process leads now, it must lead for as long as it writes."""
        self._expect_lead = election.require_lead() if election else lambda: None

    def break_off(self) -> None:
        """Write nothing more, even in the middle of a cycle."""
        self._broken_off = True

    def write(self, changes: Collection[Change]) -> list[Outcome]:
        """Apply these changes; returns an outcome for each, except after a lost lead."""
        return [self._settle(outcome) for outcome in self._outcomes(changes)]

    def _outcomes(self, changes: Collection[Change]) -> Iterator[Outcome]:
        """Yield the outcome of each change, whatever the sink raises."""
        left = {change.id: change for change in changes}
        error: Exception = TemporaryError("the sink did not report an outcome")
        try:
            self._expect_to_go_on()
            for outcome in self._state.sink.apply(changes) if changes else ():
                left.pop(outcome.change.id, None)
                yield outcome
                self._expect_to_go_on()
        except LeadLost:
            self._state.distrust()  # some of it may be written all the same
            return
        except Exception as raised:  # noqa: BLE001 - it counts for all that is left
            error = raised
        for change in left.values():
            yield Outcome(change, error=error)

    def _expect_to_go_on(self) -> None:
        if self._broken_off:
            raise LeadLost("another engine may write now")
        self._expect_lead()

    def _settle(self, outcome: Outcome) -> Outcome:
        """Note and report the outcome of one change."""
        change, error = outcome.change, outcome.error
        if error is None:
            drift = self._is_drift(change)
            self._state.wrote(change.id, outcome.registration)
            self._refusals.forget(change)
            self._contested.note(change)
            self._reporter.applied(change, drift=drift)
            return outcome
        self._state.distrust()
        if is_refusal(error):
            self._refusals.note(change, error_text(error))
        self._reporter.failed(change, error)
        return outcome

    def _is_drift(self, change: Change) -> bool:
        """Whether the registry strayed from what was written, though nothing else is desired."""
        if isinstance(change, Register):
            return self._state.has_written(change.id)
        return isinstance(change, Update) and change.old.mark == change.new.mark
