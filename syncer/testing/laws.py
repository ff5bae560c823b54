"""Drives a sink as the engine does, and tests the law that holds for every sink.

The law of convergence: plan, apply, plan again, and the second plan is empty. A listing may differ
from what was written only as `Sink.listed` says, otherwise every cycle would write.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread
from time import monotonic
from typing import Any

import attrs

from syncer.api.changes import Change, Outcome, Plan, Update, claim_of
from syncer.api.checks import Check
from syncer.api.contracts import Sink
from syncer.api.errors import PermanentError
from syncer.api.kinds import TranslatedCheck, translate_checks
from syncer.api.registrations import Instance, Registration
from syncer.desired.snapshot import Snapshot
from syncer.plan.drain import DRAIN, drained
from syncer.plan.planner import Facts, make_plan
from syncer.plan.wanted import Adjusted, Rejected, Wanted
from syncer.testing.builders import OWNER, SCOPE, SOURCE, make_mark

Translate = Callable[[Check, Instance], TranslatedCheck]

#: One source, which has listed completely and knows only the wanted workloads.
FACTS = Facts(owner=OWNER, sources={SOURCE: Snapshot(name=SOURCE, scopes=frozenset({SCOPE}))})


class Desk:
    """Drives one sink as the engine does."""

    def __init__(self, sink: Sink, translate: Translate, patience: float) -> None:
        self.sink = sink
        self._translate = translate
        self._patience = patience
        #: Registrations that `settle` has written and not removed, by id.
        self._written: dict[str, Registration] = {}

    def adjust(self, instance: Instance) -> Instance | None:
        """Translate the checks of an instance and adjust it, as the engine does before writing."""
        translated, _ = translate_checks(instance, self._translate)
        return self.sink.adjust(translated)

    def new(self, instance: Instance, **mark: Any) -> Registration:
        """Make the registration to write for an instance that every registry can hold."""
        adjusted = self.adjust(instance)
        assert adjusted is not None, "`adjust` withholds an instance whose status is up"
        return Registration(instance=adjusted, mark=make_mark(adjusted, **mark))

    def drained(self, instance: Instance) -> Registration | None:
        """Make the registration of a drained instance; `None` if the sink cannot show it."""
        translated, _ = translate_checks(instance, self._translate)
        form = drained(self.sink, translated)
        if form is None:
            return None
        return Registration(instance=form, mark=make_mark(form, hold=DRAIN))

    def shown(self, new: Registration) -> Registration:
        """Return a written registration as a listing will show it."""
        return attrs.evolve(new, instance=self.sink.listed(new.instance), damaged="")

    def held(self, owner: str = OWNER) -> dict[str, Registration]:
        """List an owner's registrations, by id; the listing must be complete."""
        view = self.sink.registrations()
        assert view.complete, "the listing is incomplete"
        assert not view.unclear, f"the listing calls these unclear: {sorted(view.unclear)}"
        ids = [registration.id for registration in view.items]
        assert len(ids) == len(set(ids)), f"an id is listed twice: {sorted(ids)}"
        return {r.id: r for r in view.items if r.mark is not None and r.mark.owner == owner}

    def eventually(self, look: Callable[[], object], wanted: object) -> None:
        """Assert that `look` returns `wanted`: at once, or once `Sink.stale_for` has passed."""
        lag = self.sink.stale_for.total_seconds()
        end = monotonic() + (lag + self._patience if lag else 0)
        pause = Event()
        seen = look()
        while seen != wanted and monotonic() < end:
            pause.wait(0.05)
            seen = look()
        assert seen == wanted

    def adjusted(self, instances: Iterable[Instance]) -> Adjusted:
        """Return the desired state of the sink for these instances."""
        wanted, withheld, rejected = [], {}, {}
        for instance in instances:
            claim = claim_of(Registration(instance=instance, mark=make_mark(instance)))
            try:
                adjusted = self.adjust(instance)
            except PermanentError as error:
                rejected[claim] = Rejected(str(error))
                continue
            if adjusted is None:
                withheld[claim] = instance.place
                continue
            listed, mark = self.sink.listed(adjusted), make_mark(adjusted)
            wanted.append(Wanted(instance=adjusted, listed=listed, mark=mark))
        return Adjusted(wanted=wanted, withheld=withheld, rejected=rejected)

    def plan(self, adjusted: Adjusted) -> Plan:
        """Return the plan for the entries that the sink has now."""
        return make_plan(adjusted, self.sink.registrations(), FACTS, ())

    def differences(self, registrations: Iterable[Registration]) -> list[str]:
        """Describe what a cycle would change that wants exactly these registrations."""
        wanted = [
            Wanted(instance=one.instance, listed=self.sink.listed(one.instance), mark=one.mark)
            for one in registrations
            if one.mark
        ]
        return _described(self.plan(Adjusted(wanted=wanted)).changes)

    def clear(self) -> None:
        """Remove all of our entries, whatever an earlier example has left."""
        for held in self.held().values():
            self.sink.deregister(held)
        self._written.clear()

    def settle(self, instances: Iterable[Instance]) -> Adjusted:
        """Run one cycle with these instances; the next plan must be empty."""
        adjusted = self.adjusted(instances)
        # Rejected instances are treated as gone, so that their entries are removed.
        plain = attrs.evolve(adjusted, rejected={})
        outcomes = list(self.sink.apply(self.plan(plain).changes))
        for outcome in outcomes:
            self._note(outcome)
        failed = [outcome for outcome in outcomes if outcome.error is not None]
        assert not failed, f"refused, although `adjust` accepted it: {failed[0].error!r}"
        self.eventually(lambda: _described(self.plan(plain).changes), [])
        unchanged = self.plan(plain).unchanged
        assert unchanged == len({want.instance.id for want in adjusted.wanted})
        return adjusted

    @contextmanager
    def renewing(self) -> Iterator[None]:
        """Renew in a thread what `settle` wrote, as the engine's pulse does.

        Otherwise a lease could expire between a write and the next listing.
        """
        if self.sink.pulse is None:
            yield
            return
        interval, over = self.sink.pulse.total_seconds(), Event()

        def renew() -> None:
            while not over.wait(interval):
                with suppress(Exception):  # other clauses test `renew`
                    self.sink.renew(tuple(self._written.values()))

        thread = Thread(target=renew, name="pulse", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(self._patience)

    def _note(self, outcome: Outcome) -> None:
        if outcome.registration is not None:
            self._written[outcome.change.id] = outcome.registration
        elif outcome.error is None:
            self._written.pop(outcome.change.id, None)


def _described(changes: Iterable[Change]) -> list[str]:
    """Describe changes; for updates, each field with the listed and the wanted value."""
    said = []
    for change in changes:
        fields = change.differences() if isinstance(change, Update) else []
        words = "; ".join(
            f"{name}: listed as {old!r}, desired as {new!r}" for name, old, new in fields
        )
        said.append(f"{type(change).__name__} {change.id} {words}".rstrip())
    return said


def convergence(desk: Desk, examples: int) -> None:
    """Test the law with generated sets of instances: written, changed in place, removed."""
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import strategies as st

    from syncer.testing.strategies import instances

    ids = [f"{SCOPE}:{name}:{port}" for name in ("law", "law-a") for port in (80, 8080)]
    sets = st.lists(instances(st.sampled_from(ids)), max_size=4, unique_by=lambda i: i.id)

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        # No shrinking: it takes thousands of runs, and the message names the differing field.
        phases=(Phase.generate,),
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(sets)
    def law(wanted: list[Instance]) -> None:
        desk.clear()
        desk.settle(wanted)
        # The same ids with content exchanged: everything changes in place.
        turned = [*wanted[1:], *wanted[:1]]
        pairs = zip(wanted, turned, strict=True)
        desk.settle([attrs.evolve(content, id=place.id) for place, content in pairs])

    with desk.renewing():
        law()
