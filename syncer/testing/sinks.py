"""The contract of every sink, as tests: subclass `SinkContract` and provide the fixtures.

clause       says                                              needs
new          a new sink has no entries of ours                 sink
register     a written entry is listed as `listed` says, with
             its mark; `register` returns the same
update       replaces one entry under its id and leaves all
             others; `update` returns what is listed
deregister   removes exactly one entry, even if other ids
             begin with its id
absent       removing an entry that does not exist succeeds
others       entries of other owners are listed with their
             marks, and survive full cycles
unmarked     entries without a mark survive full cycles        unmarked
converges    after a plan is applied the next plan is empty,
             for generated instances: IPv6, any text in tags,
             empty tags, every kind of check
adjust       `adjust` is pure, and changes nothing the second
             time
found        `found_as` has the service and address, and all
             else by which consumers find it (`elsewhere`)
outcomes     `apply` returns one outcome for each change; a
             refused change does not stop the others
reopened     a second process sees the same entries and marks  reopen
unreachable  raises TemporaryError, never returns an empty     unreachable
             view
unreadable   an entry that cannot be decoded, or is hidden,    spoil
             makes the view incomplete or its id unclear (or
             raises TemporaryError); the other entries stay
hostile      whatever an entry and its mark hold, it costs     forge
             only itself: all others are listed, written
             and removed as before
rejected     PermanentError for an instance that the registry  refused
             cannot hold
race         the second of two writers gets Conflict, and the  reopen
             first one's entry stays
park         a drained entry is listed as written, with the
             `hold` in its mark, and not up; undrained it is
             as before; the next plan is empty
lease        an entry stays while it is renewed, and expires   lapse
             otherwise; only with a `pulse`
beside       `renew` and `apply` may run at the same time;
             only with a `pulse`
secrets      secrets are in no repr, log or error              secrets
credentials  `credentials` stays the same while nobody changes
             them
locks        one of two sinks holds a lock, and the other gets reopen
             it once it is released; only with `locks`
watch        `watch` ends soon after `stop` is set
close        `close` may be called twice
"""

import logging
from collections.abc import Callable, Collection, Iterable
from functools import partial
from threading import Event, Thread
from typing import Any, ClassVar

import pytest

from syncer.api.changes import Change, Deregister, Reason, Register, Update
from syncer.api.checks import Check, Native, Problem
from syncer.api.contracts import Sink
from syncer.api.errors import Conflict, PermanentError, TemporaryError
from syncer.api.registrations import FoundAs, Instance, Mark
from syncer.testing.builders import make_instance
from syncer.testing.clauses import clause, needed
from syncer.testing.draining import DrainClauses
from syncer.testing.hostile import HostileClauses
from syncer.testing.laws import Desk
from syncer.testing.laws import convergence as law_of_convergence
from syncer.testing.leases import LeaseClauses
from syncer.testing.locks import LockClauses
from syncer.testing.waiting import wait_until

#: Fields that most registries can hold, and that every sink must accept.
RICH: dict[str, Any] = {"tags": ("blue", "v1"), "meta": {"team": "shop"}, "weight": 3}


class SinkContract(DrainClauses, HostileClauses, LeaseClauses, LockClauses):
    """The tests of every sink. The module's docstring lists the clauses.

    `declines` maps clauses that do not apply to the reason. Override `translate` if the plugin has
    a check translator. `examples` is the number of generated sets for the law of convergence: set
    fewer for a slow registry.
    """

    examples: ClassVar[int] = 50

    sink = needed("the sink to test, on a storage that has no entries of ours")
    reopen = needed(
        "a function that opens another sink on the same storage, as a second process would",
        "reopened",
    )
    unmarked = needed(
        "a function that writes an instance without a mark, as another program would", "unmarked"
    )
    unreachable = needed("a sink whose registry does not answer", "unreachable")
    spoil = needed(
        'a function that adds an unreadable entry; returns its id, or "" if listings hide it',
        "unreadable",
    )
    refused = needed("an instance that the registry cannot hold", "rejected")
    secrets = needed("the secrets in the configuration of `sink`", "secrets")

    @pytest.fixture
    def elsewhere(self) -> Iterable[tuple[Instance, FoundAs]]:
        """Give instances whose metadata, tags or names lead consumers elsewhere, and where to."""
        return ()

    def translate(self, check: Check, instance: Instance) -> Check | Native | Problem:
        """Translate a check as the plugin's check translator does; by default do not."""
        return check

    @pytest.fixture
    def desk(self, sink: Sink) -> Desk:
        """Drives the sink as the engine does."""
        return Desk(sink, self.translate, self.patience)

    @clause("new")
    def test_new_sink_holds_nothing_of_ours(self, desk: Desk) -> None:
        """A new sink lists completely, and has no entry with our mark."""
        assert desk.held() == {}

    @clause("register")
    def test_registered_is_listed_equal_with_its_mark(self, desk: Desk) -> None:
        """A registered entry is listed as `listed` says, and `register` returns the same."""
        new = desk.new(make_instance(**RICH), workload="w/ü 1")
        answer = desk.sink.register(new)
        desk.eventually(desk.held, {new.id: desk.shown(new)})
        assert answer == desk.shown(new)

    @clause("update")
    def test_update_replaces_and_keeps_others(self, desk: Desk) -> None:
        """An update changes one entry under its id, and no other."""
        old, other = desk.new(make_instance()), desk.new(make_instance("db", 5432))
        held = desk.sink.register(old)
        desk.sink.register(other)
        moved = make_instance(id=old.id, port=9090, address="10.0.0.6", tags=("green",))
        new = desk.new(moved, workload="w2")
        answer = desk.sink.update(held, new)
        both = {new.id: desk.shown(new), other.id: desk.shown(other)}
        desk.eventually(desk.held, both)
        assert answer == desk.shown(new)

    @clause("deregister")
    def test_deregister_removes_exactly_one(self, desk: Desk) -> None:
        """Only the entry with exactly this id is removed, not those whose ids begin with it."""
        short = desk.new(make_instance(port=80))
        others = [desk.new(make_instance(id=short.id + end)) for end in ("8", ":udp", "/x")]
        held = desk.sink.register(short)
        for other in others:
            desk.sink.register(other)
        desk.sink.deregister(held)
        desk.eventually(desk.held, {other.id: desk.shown(other) for other in others})

    @clause("absent")
    def test_absent_is_fine(self, desk: Desk) -> None:
        """Removing an entry twice, or one that somebody else has removed, succeeds."""
        held = desk.sink.register(desk.new(make_instance("absent")))
        desk.sink.deregister(held)
        desk.sink.deregister(held)
        desk.eventually(desk.held, {})

    @clause("others")
    def test_other_owners_survive(self, desk: Desk) -> None:
        """Entries of another owner are listed with their marks and survive full cycles."""
        theirs = desk.new(make_instance("theirs"), owner="another", scope="elsewhere")
        desk.sink.register(theirs)
        shown = {theirs.id: desk.shown(theirs)}
        for wanted in ([make_instance()], [make_instance(port=81), make_instance()], []):
            desk.settle(wanted)
            desk.eventually(partial(desk.held, "another"), shown)

    @clause("unmarked")
    def test_unmarked_survive(self, desk: Desk, unmarked: Callable[[Instance], None]) -> None:
        """Entries without a mark do not count as ours and survive full cycles."""
        manual = make_instance("manual")
        unmarked(manual)

        def seen() -> list[Mark | None]:
            return [r.mark for r in desk.sink.registrations().items if r.id == manual.id]

        for wanted in ([], [make_instance()], []):
            desk.settle(wanted)
            desk.eventually(seen, [None])

    @clause("converges")
    def test_next_plan_is_empty(self, desk: Desk) -> None:
        """After a plan is applied the next one is empty, whatever the instances contain."""
        try:
            law_of_convergence(desk, self.examples)
        finally:
            desk.settle([])
        assert desk.held() == {}

    @clause("adjust")
    def test_adjust_is_pure(self, desk: Desk) -> None:
        """Adjusting twice gives the same, and so does adjusting an adjusted instance."""
        rich = make_instance("pure", address="fd00::5", checks=(Check(kind="tcp"),), **RICH)
        once = desk.adjust(rich)
        assert once is not None
        assert desk.adjust(rich) == once
        twice = desk.sink.adjust(once)
        assert twice == once
        assert twice is not None
        assert twice.digest() == once.digest()

    @clause("found")
    def test_found_as_tells_all(
        self, desk: Desk, elsewhere: Iterable[tuple[Instance, FoundAs]]
    ) -> None:
        """`found_as` has every name and address by which consumers find the instance."""
        plain = make_instance("plain", address="fd00::5", **RICH)
        for instance, more in (*elsewhere, (plain, FoundAs((), ()))):
            adjusted = desk.adjust(instance)
            assert adjusted is not None
            found = desk.sink.found_as(adjusted)
            assert found.names >= {adjusted.service, *more.names}
            assert found.addresses >= {adjusted.address, *more.addresses}
            assert desk.sink.found_as(adjusted) == found

    @clause("outcomes")
    def test_apply_answers_for_each(self, desk: Desk) -> None:
        """Each change has one outcome; a refused change does not stop the others."""
        first, second, third = (desk.new(make_instance("many", port)) for port in (1, 2, 3))
        gone, kept = desk.sink.register(first), desk.sink.register(second)
        moved = desk.new(make_instance("many", 2, address="10.0.0.9"))
        changes: list[Change] = [
            Register(third),
            Update(kept, moved),
            Deregister(gone, Reason.NOT_OFFERED),
        ]
        if "race" not in self.declines:
            changes.insert(0, Register(second))
        outcomes = list(desk.sink.apply(changes))
        assert sorted(o.change.id for o in outcomes) == sorted(c.id for c in changes)
        failed = [o.change for o in outcomes if o.error is not None]
        assert failed == changes[: len(changes) - 3]
        shown = {third.id: desk.shown(third), kept.id: desk.shown(moved)}
        assert {o.registration.id: o.registration for o in outcomes if o.registration} == shown
        desk.eventually(desk.held, shown)

    @clause("reopened")
    def test_second_process_sees_the_same(self, desk: Desk, reopen: Callable[[], Sink]) -> None:
        """A second process lists what the first has written, with the same marks."""
        new = desk.new(make_instance("kept", **RICH))
        desk.sink.register(new)
        second = Desk(reopen(), self.translate, self.patience)
        second.eventually(second.held, {new.id: desk.shown(new)})

    @clause("unreachable")
    def test_unreachable_is_an_error(self, unreachable: Sink) -> None:
        """Without an answer, reading and writing raise TemporaryError; no view is empty."""
        new = Desk(unreachable, self.translate, self.patience).new(make_instance())
        with pytest.raises(TemporaryError):
            unreachable.registrations()
        with pytest.raises(TemporaryError):
            unreachable.register(new)
        with pytest.raises(TemporaryError):
            unreachable.deregister(new)
        (outcome,) = unreachable.apply([Register(new)])
        assert isinstance(outcome.error, TemporaryError)

    @clause("unreadable")
    def test_unreadable_is_told(self, desk: Desk, spoil: Callable[[], str]) -> None:
        """An unreadable entry makes the view incomplete or its id unclear, and hides no other."""
        good = desk.new(make_instance("good"))
        desk.sink.register(good)
        id_ = spoil()

        def reported() -> bool:
            try:
                view = desk.sink.registrations()
            except TemporaryError:
                return True
            assert desk.shown(good) in view.items
            return not view.complete or (bool(id_) and id_ in view.unclear)

        desk.eventually(reported, True)

    @clause("rejected")
    def test_rejected_is_permanent(self, desk: Desk, refused: Instance) -> None:
        """An instance that the registry cannot hold: `adjust` or the write raise PermanentError."""
        with pytest.raises(PermanentError):
            desk.sink.register(desk.new(refused))
        assert refused.id not in desk.held()

    @clause("race")
    def test_lost_race_is_conflict(self, desk: Desk, reopen: Callable[[], Sink]) -> None:
        """A write based on an old listing raises Conflict, and the other's entry stays."""
        rival = reopen()
        mine = desk.new(make_instance("race"))
        theirs = desk.new(make_instance("race", address="10.0.0.7"), workload="w2")
        first = rival.register(mine)
        with pytest.raises(Conflict):
            desk.sink.register(theirs)
        desk.eventually(desk.held, {mine.id: desk.shown(mine)})
        rival.update(first, theirs)
        newer = desk.new(make_instance("race", address="10.0.0.8"), workload="w3")
        with pytest.raises(Conflict):
            desk.sink.update(first, newer)
        with pytest.raises(Conflict):
            desk.sink.deregister(first)
        desk.eventually(desk.held, {theirs.id: desk.shown(theirs)})

    @clause("secrets")
    def test_secrets_stay_secret(
        self,
        desk: Desk,
        secrets: Collection[str],
        caplog: pytest.LogCaptureFixture,
        request: pytest.FixtureRequest,
    ) -> None:
        """Secrets are in no repr, log, error or registration."""
        assert secrets, "the fixture `secrets` needs at least one secret"
        said = [repr(desk.sink), str(desk.sink), repr(desk.sink.credentials())]
        with caplog.at_level(logging.DEBUG):
            held = desk.sink.register(desk.new(make_instance("quiet")))
            said += map(repr, desk.sink.registrations().items)
            desk.sink.deregister(held)
            if "unreachable" not in self.declines:
                try:
                    request.getfixturevalue("unreachable").registrations()
                except Exception as error:  # noqa: BLE001 - no error may contain a secret
                    said += [str(error), repr(error)]
        said.append(caplog.text)
        assert [secret for secret in secrets if any(secret in text for text in said)] == []

    @clause("credentials")
    def test_credentials_stay_the_same(self, desk: Desk) -> None:
        """Others would have all that was refused tried again, every second."""
        before = desk.sink.credentials()
        desk.sink.registrations()
        assert desk.sink.credentials() == before

    @clause("watch")
    def test_watch_ends(self, sink: Sink) -> None:
        """A blocked watch ends once `stop` is set."""
        stop = Event()
        watcher = Thread(target=sink.watch, args=(lambda: None, stop), daemon=True)
        watcher.start()
        stop.set()
        wait_until(lambda: not watcher.is_alive(), self.patience, "the watch ends after stop")

    @clause("close")
    def test_close_twice(self, sink: Sink) -> None:
        """Closing a second time does nothing."""
        sink.close()
        sink.close()
