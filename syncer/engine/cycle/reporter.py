"""Tells what a sink's cycles do, as events: each skip and each error once, when it is news."""

from collections.abc import Callable, Collection, Sequence
from math import inf

import attrs

from syncer.api.changes import Change, Outcome, Plan, Skip, SkipKind, Treat
from syncer.api.errors import Conflict, PermanentError, SyncerError, of_plugin, text_of
from syncer.events import (
    AnyEvent,
    ChangeApplied,
    ChangeFailed,
    CycleFinished,
    GuardPaused,
    GuardReleased,
    ProblemsFound,
    SkipsChanged,
    Warned,
)


@attrs.frozen(kw_only=True)
class CycleReport:
    """The event of a cycle, and why the sink should be looked at again soon.

    `again`: what was planned on has changed. `relist`: the guard holds changes until the sources
    say the same once more. `wait`: seconds until a change that somebody undid may be made again.
    """

    finished: CycleFinished
    again: bool = False
    relist: bool = False
    wait: float = inf


class Reporter:
    """Emits the events of one sink, and remembers what was told last."""

    def __init__(
        self, name: str, emit: Callable[[AnyEvent], None], clock: Callable[[], float]
    ) -> None:
        self.name, self._emit, self._clock = name, emit, clock
        self._skips: frozenset[Skip] = frozenset()
        self._errors: dict[str, str] = {}
        self._guarding = False
        self._problems: tuple[str, ...] = ()
        #: Changes made or refused so far: shows that a long cycle makes progress.
        self.changes_done = 0

    def problems(self, source: str, workload: str, problems: tuple[str, ...]) -> None:
        """Tell what this sink cannot do for a workload."""
        texts = tuple(f"sink {self.name}: {text}" for text in problems)
        self._emit(ProblemsFound(source=source, workload=workload, problems=texts))

    def listed(self, problems: tuple[str, ...]) -> None:
        """Tell what a listing found wrong with the registry, unless the last one found it too."""
        for text in problems:
            if text not in self._problems:
                self._emit(Warned(text=f"sink {self.name}: {text}"))
        self._problems = problems

    def overridden(self, digest: str, count: int) -> None:
        """Tell that a person let through what the guard held."""
        text = f"the guard's plan {digest} for {self.name} is overridden by hand: {count} changes"
        self._emit(Warned(text=text))

    def applied(self, change: Change, *, drift: bool) -> None:
        """Tell that a change was made."""
        self.changes_done += 1
        self._errors.pop(change.id, None)
        self._emit(ChangeApplied(sink=self.name, change=change, drift=drift))

    def failed(self, change: Change, error: Exception) -> None:
        """Tell that a change failed, unless the same error was told before."""
        self.changes_done += 1
        text, permanent = error_text(error), is_refusal(error)
        if self._errors.get(change.id) != text:
            self._errors[change.id] = text
            self._emit(ChangeFailed(sink=self.name, change=change, error=text, permanent=permanent))

    def forget(self, planned: Collection[str]) -> None:
        """Forget errors about ids that are no longer planned: they would pile up."""
        self._errors = {id_: text for id_, text in self._errors.items() if id_ in planned}

    def finished(
        self,
        plan: Plan,
        outcomes: Sequence[Outcome],
        *,
        started: float,
        planned: float,
        waits: bool,
        wait: float = inf,
        readings: int = 0,
        listed: bool = False,
    ) -> CycleReport:
        """Tell what the cycle did; `planned` and `started` are times of the clock.

        `waits`: the guard holds something until a later listing. `wait`: see `CycleReport`.
        `readings`, `listed`: see `CycleFinished`.
        """
        errors = {o.change.id: o.error for o in outcomes if o.error is not None}
        finished = CycleFinished(
            sink=self.name,
            plan=plan,
            applied=len(outcomes) - len(errors),
            failed={id_: text_of(error) for id_, error in errors.items()},
            seconds=self._clock() - started,
            planned=planned - started,
            retry=not all(map(is_refusal, errors.values())),
            readings=readings,
            listed=listed,
        )
        self._tell_skips(plan)
        self._emit(finished)
        again = any(skip.kind is SkipKind.ALIVE for skip in plan.skipped)
        return CycleReport(finished=finished, again=again, relist=waits, wait=wait)

    def _tell_skips(self, plan: Plan) -> None:
        told = {skip.reason for skip in self._skips if Treat.ONCE in skip.kind.treat}
        news = [skip for skip in plan.skipped if skip not in self._skips]
        if news := [
            one for one in news if not (Treat.ONCE in one.kind.treat and one.reason in told)
        ]:
            self._emit(SkipsChanged(sink=self.name, skips=tuple(news)))
        self._skips = frozenset(plan.skipped)
        held = sum(skip.kind is SkipKind.GUARD for skip in plan.skipped)
        if held and not self._guarding:
            self._emit(GuardPaused(sink=self.name, held=held, ours=plan.ours))
        if self._guarding and not held:
            self._emit(GuardReleased(sink=self.name))
        self._guarding = bool(held)


def is_refusal(error: Exception) -> bool:
    """Whether the same change would fail again; a conflict may be over by then."""
    return isinstance(error, PermanentError) and not isinstance(error, Conflict)


def error_text(error: Exception) -> str:
    """Return an error as a line for people."""
    return str(error) if isinstance(error, SyncerError) else of_plugin(error)
