"""What sources said last, and what follows from it."""

import threading

import attrs
import pytest
from fakes import SCOPE, FakeSource, Heard, exited, offer, tracker, workload

from syncer import Host, Parsed, TemporaryError, Unclear, View
from syncer.desired.tracker import FRESH, Desired
from syncer.desired.translate import Translated
from syncer.events import ProblemsFound, SourceListed, Warned
from syncer.testing import ManualClock

WEB = workload("web")


def ids(snapshot):
    """The ids of all instances in a snapshot."""
    return {i.id for tracked in snapshot.workloads.values() for i in tracked.translated.instances}


class TestListing:
    """Asking a source for everything."""

    def test_before_the_first_listing_everything_is_in_doubt(self):
        """Nothing may be concluded from a source that has not spoken."""
        snapshot = tracker(FakeSource(WEB)).snapshot()
        assert snapshot.doubt == "it has not listed completely yet"
        assert (snapshot.listing, snapshot.scopes, dict(snapshot.workloads)) == (0, frozenset(), {})

    def test_a_complete_listing_ends_the_doubt(self):
        """Afterwards its workloads are known with their instances."""
        found = tracker(FakeSource(WEB))
        assert found.relist()
        snapshot = found.snapshot()
        assert (snapshot.doubt, snapshot.listing, snapshot.scopes) == ("", 1, {SCOPE})
        assert ids(snapshot) == {"h:web:80"}
        assert snapshot.offers(WEB.id)

    def test_the_same_again_is_no_change(self):
        """A listing without news is told apart, counts, and translates nothing."""
        found = tracker(FakeSource(WEB))
        found.relist()
        before = found.snapshot()
        assert not found.relist()
        after = found.snapshot()
        assert after.listing == 2
        assert after.workloads[WEB.id] is before.workloads[WEB.id]

    @pytest.mark.parametrize(
        "change",
        [
            lambda source: source.put(workload("new")),
            lambda source: source.clear(),
            lambda source: source.change(WEB.id, state=exited(WEB).state),
            lambda source: setattr(source, "unclear", frozenset({WEB.id})),
            lambda source: setattr(source, "complete", False),
            lambda source: setattr(source, "_scope", "elsewhere"),
        ],
        ids=["new", "gone", "stopped", "unclear", "incomplete", "scope"],
    )
    def test_whatever_is_different_is_a_change(self, change):
        """Anything that could change a plan is told."""
        source = FakeSource(WEB)
        found = tracker(source)
        found.relist()
        change(source)
        assert found.relist()

    def test_an_incomplete_listing_adds_and_keeps(self):
        """What it does not show stays; the source is in doubt until it lists all."""
        source = FakeSource(WEB)
        found = tracker(source)
        found.relist()
        source.clear()
        source.put(workload("new"))
        source.complete = False
        found.relist()
        snapshot = found.snapshot()
        assert ids(snapshot) == {"h:web:80", "h:new:80"}
        assert snapshot.doubt == "its last listing was incomplete"
        assert snapshot.listing == 1
        source.complete = True
        found.relist()
        assert ids(found.snapshot()) == {"h:new:80"}
        assert not found.snapshot().doubt

    def test_an_unclear_workload_keeps_its_instances(self):
        """What cannot be described now is offered as it was described before."""
        source = FakeSource(WEB)
        found = tracker(source)
        found.relist()
        source.unclear |= {WEB.id}
        found.relist()
        assert ids(found.snapshot()) == {"h:web:80"}
        assert found.snapshot().why_unclear(WEB.id)

    def test_an_unclear_workload_that_was_never_described_offers_nothing(self):
        """It is known to exist, and no more."""
        source = FakeSource(WEB)
        source.unclear |= {WEB.id}
        found = tracker(source)
        found.relist()
        assert ids(found.snapshot()) == set()
        assert found.snapshot().why_unclear(WEB.id)

    def test_why_workloads_are_unclear_is_told_once_and_kept(self):
        """In one line for those that share a reason; again if the reason changes or comes back."""
        heard, source = Heard(), FakeSource(WEB)
        found = tracker(source, emit=heard)
        told = []

        def list_with(**reasons):
            source.workloads = lambda: View(
                (WEB,),
                unclear=reasons,
                reasons={id_: Unclear(*why) for id_, why in reasons.items()},
            )
            found.relist()
            now = [event.text for event in heard.of(Warned)]
            new = now[len(told) :]
            told.extend(new)
            return new

        (text,) = list_with(a=("403", "one"), b=("403", ""))
        assert text == (
            "source docker: cannot describe one, b, and leaves their entries alone: 403"
        )
        assert found.snapshot().why_unclear("a").endswith("cannot describe the workload now: 403")
        assert list_with(a=("403", "one"), b=("403", "")) == []
        (text,) = list_with(a=("404", "one"), b=("403", ""))
        assert "cannot describe one," in text
        assert list_with() == []
        assert dict(found.snapshot().reasons) == {}
        assert len(list_with(a=("404", "one"))) == 1

    def test_an_unclear_workload_is_among_the_entries_with_its_reason(self):
        """Under the name that the source knows, or described as before."""
        source = FakeSource(WEB)
        found = tracker(source)
        found.relist()
        reasons = {"a": Unclear("why a", "one"), WEB.id: Unclear("why web")}
        source.workloads = lambda: View((), unclear=reasons, reasons=reasons)
        found.relist()
        entries = {entry.workload.name: entry for entry in found.snapshot().entries()}
        assert set(entries) == {"one", WEB.name}
        assert [one.described for one in entries.values()] == [False, True]
        for name, why in (("one", "why a"), (WEB.name, "why web")):
            (problem,) = entries[name].translated.problems
            assert problem.endswith(why)
            assert entries[name].translated.failed

    def test_a_failure_keeps_what_was_said_and_doubts_it(self):
        """No answer is no empty answer."""
        source = FakeSource(WEB)
        found = tracker(source)
        found.relist()
        source.failure = TemporaryError("down")
        with pytest.raises(TemporaryError):
            found.relist()
        found.note_failure("down")
        assert ids(found.snapshot()) == {"h:web:80"}
        assert found.snapshot().doubt == "no answer: down"
        source.failure = None
        assert found.relist()
        assert not found.snapshot().doubt

    def test_the_scope_is_known_before_the_first_listing_succeeds(self):
        """Registrations of ours are recognised, and so kept alive, while the source is down."""
        source = FakeSource()
        source.failure = TemporaryError("down")
        found = tracker(source)
        with pytest.raises(TemporaryError):
            found.relist()
        assert found.snapshot().scopes == {SCOPE}
        assert found.snapshot().doubt

    def test_a_scope_that_is_a_random_name_draws_one_warning(self):
        """A container without a name of its own has another in its next life; told once."""
        heard = Heard()
        source = FakeSource(WEB, scope="3f2504e04f89")
        found = tracker(source, emit=heard)
        source.failure = TemporaryError("starting")
        with pytest.raises(TemporaryError):
            found.relist()
        source.failure = None
        found.relist()
        (warned,) = heard.of(Warned)
        assert "scope 3f2504e04f89 looks like a container's random name" in warned.text
        assert "SYNCER_HOST" in warned.text

    @pytest.mark.parametrize("scope", [SCOPE, "3f2504e04f8", "3f2504e04f890", "3F2504E04F89"])
    def test_a_name_that_somebody_gave_draws_none(self, scope):
        """Anything but twelve small hexadecimal digits is a name that stays."""
        heard = Heard()
        tracker(FakeSource(WEB, scope=scope), emit=heard).relist()
        assert not heard.of(Warned)

    def test_former_scopes_count_as_ours(self):
        """Marks of a host's old name are recognised, once the present name is known."""
        found = tracker(FakeSource(), former_scopes=("old",))
        assert found.snapshot().scopes == frozenset()
        found.relist()
        assert found.snapshot().scopes == {SCOPE, "old"}

    def test_identities(self):
        """The present one, those of the configuration, and what it was before in this process."""
        source = FakeSource(WEB, identity="first")
        found = tracker(source, former_identities=("old",))
        assert (found.snapshot().identity, found.snapshot().identities) == ("", None)
        found.relist()
        assert found.snapshot().identity == "first"
        assert found.snapshot().identities == {"first", "old"}
        assert not found.relist()
        source.own_identity = "second"
        assert found.relist()
        assert found.snapshot().identity == "second"
        assert found.snapshot().identities == {"first", "second", "old"}

    def test_without_an_identity(self):
        """Only marks without one are its own; that it has none is known once it has said so."""
        found = tracker(FakeSource(WEB))
        found.relist()
        assert (found.snapshot().identity, found.snapshot().identities) == ("", frozenset())

    def test_an_identity_that_is_not_told(self):
        """The scope is known all the same, so that entries are renewed; nothing is listed."""
        source = FakeSource(WEB)
        source.identity = lambda: 1 / 0
        found = tracker(source)
        with pytest.raises(ZeroDivisionError):
            found.relist()
        snapshot = found.snapshot()
        assert (snapshot.scopes, snapshot.identities, snapshot.listing) == ({SCOPE}, None, 0)

    def test_a_snapshot_never_changes(self):
        """A cycle that began with a snapshot ends with it."""
        source = FakeSource(WEB)
        found = tracker(source)
        found.relist()
        before = found.snapshot()
        source.put(workload("new"))
        found.relist()
        found.ask("new-1")
        source.clear()
        found.ask(WEB.id)
        assert set(before.workloads) == {WEB.id}

    def test_a_listing_is_told(self):
        """The first complete listing is told as the first."""
        heard, source = Heard(), FakeSource(WEB)
        source.complete = False
        found = tracker(source, emit=heard)
        found.relist()
        source.complete = True
        source.unclear |= {"x"}
        found.relist()
        found.relist()
        assert [(e.complete, e.first, e.unclear) for e in heard.of(SourceListed)] == [
            (False, False, 0),
            (True, True, 1),
            (True, False, 1),
        ]
        assert {e.scope for e in heard.of(SourceListed)} == {source.scope()}

    def test_another_host_translates_everything_anew(self):
        """When the host's address changes, so do the instances on it."""
        parsers = (("p", lambda w, ports: Parsed(offers=[offer(register_address="")])),)
        source = FakeSource(attrs.evolve(WEB, offers=None))
        source.host = lambda: Host(name="h", default_address="10.0.0.8")
        found = tracker(source, parsers=parsers)
        found.relist()
        source.host = lambda: Host(name="h", default_address="10.0.0.9")
        assert found.relist()
        (made,) = found.snapshot().workloads[WEB.id].translated.instances
        assert made.address == "10.0.0.9"


class TestAsking:
    """Asking a source about one workload."""

    def test_an_answer_replaces_what_was_known(self):
        """Only the workload asked for is translated again."""
        other = workload("other")
        source = FakeSource(WEB, other)
        found = tracker(source)
        found.relist()
        before = found.snapshot()
        source.change(WEB.id, offers=(offer("renamed"),))
        found.ask(WEB.id)
        after = found.snapshot()
        assert ids(after) == {"h:web:80", "h:other:80"}
        assert after.workloads[WEB.id].translated.instances[0].service == "renamed"
        assert after.workloads[other.id] is before.workloads[other.id]
        assert source.calls["workloads"] == 1

    def test_an_absent_workload_is_dropped(self):
        """A source that says it is gone need not list again."""
        source = FakeSource(WEB)
        found = tracker(source)
        found.relist()
        source.clear()
        assert found.ask(WEB.id) is None
        assert WEB.id not in found.snapshot().workloads

    def test_a_clear_answer_ends_being_unclear(self):
        """What could not be described is described now."""
        source = FakeSource(WEB)
        source.unclear |= {WEB.id}
        found = tracker(source)
        found.relist()
        found.ask(WEB.id)
        assert not found.snapshot().unclear
        assert ids(found.snapshot()) == {"h:web:80"}

    def test_no_answer_changes_nothing(self):
        """An error is raised, and what was known stays."""
        source = FakeSource(WEB)
        found = tracker(source)
        found.relist()
        before = found.snapshot()
        source.failure = TemporaryError("down")
        with pytest.raises(TemporaryError):
            found.ask(WEB.id)
        assert found.snapshot() == before

    def test_what_shares_its_network_is_translated_again(self):
        """A workload in another's network changes with it, also when asked for alone."""
        side = workload("side", namespace=WEB.id)
        source = FakeSource(WEB, side)
        found = tracker(source)
        found.relist()
        source.change(WEB.id, name="web2")
        found.ask(WEB.id)
        assert found.snapshot().workloads[side.id].peer.name == "web2"
        source.remove(WEB.id)
        found.ask(WEB.id)
        snapshot = found.snapshot()
        assert snapshot.workloads[side.id].peer is None
        assert snapshot.why_unclear(side.id)


class SlowListing(FakeSource):
    """A source whose listing ends after `meanwhile` ran: what it shows is older than that."""

    meanwhile = staticmethod(lambda: None)

    def workloads(self):
        view = super().workloads()
        self.meanwhile()
        return view


class TestAnswersDuringAListing:
    """An answer to a question asked after a listing began takes precedence over the listing."""

    def make(self, *workloads):
        source = SlowListing(*workloads)
        found = tracker(source, clock=ManualClock())
        found.relist()
        return source, found

    def test_a_changed_workload_keeps_its_new_form(self):
        """The listing still shows the old form."""
        source, found = self.make(WEB)

        def meanwhile():
            source.change(WEB.id, offers=(offer("renamed"),))
            found.ask(WEB.id)

        source.meanwhile = meanwhile
        assert found.relist()
        (made,) = found.snapshot().workloads[WEB.id].translated.instances
        assert made.service == "renamed"

    def test_a_workload_that_went_stays_away(self):
        """The listing still shows it; the confirmation that it is gone is not forgotten."""
        source, found = self.make(WEB)

        def meanwhile():
            source.clear()
            found.confirm_gone(WEB.id)

        source.meanwhile = meanwhile
        assert found.relist()
        assert not found.snapshot().workloads
        source.asked.clear()
        assert found.confirm_gone(WEB.id) is None
        assert not source.asked

    def test_a_new_workload_that_the_listing_misses_stays(self):
        """It was started after the listing was made, and asked for by name."""
        source, found = self.make()

        def meanwhile():
            source.put(WEB)
            found.ask(WEB.name)

        source.workload = {WEB.name: WEB}.get
        source.meanwhile = meanwhile
        assert found.relist()
        assert set(found.snapshot().workloads) == {WEB.id}

    def test_a_described_workload_is_not_unclear(self):
        """The listing could not describe it, the later question could."""
        source, found = self.make()

        def meanwhile():
            source.unclear = frozenset()
            found.ask(WEB.id)

        source.put(WEB)
        source.unclear = frozenset({WEB.id})
        source.meanwhile = meanwhile
        found.relist()
        snapshot = found.snapshot()
        assert not snapshot.unclear
        assert set(snapshot.workloads) == {WEB.id}

    def test_a_later_listing_takes_precedence_again(self):
        """Only what was asked during a listing is kept over it."""
        source, found = self.make(WEB)
        source.meanwhile = lambda: found.ask(WEB.id)
        found.relist()
        source.meanwhile = lambda: None
        source.clear()
        found.relist()
        assert not found.snapshot().workloads

    def test_an_older_answer_is_no_match_for_a_listing(self):
        """A question asked before the listing, and answered after it, tells of older times."""
        source, found = self.make(WEB)

        def answer(_):
            source.workload = lambda id: None
            found.relist()

        source.workload = answer
        assert found.ask(WEB.id) is None
        assert set(found.snapshot().workloads) == {WEB.id}


class TestConfirming:
    """A fresh word on whether a workload is really gone."""

    def make(self, *workloads):
        clock, source = ManualClock(), FakeSource(*workloads)
        found = tracker(source, clock=clock)
        found.relist()
        return clock, source, found

    def test_the_source_is_asked(self):
        """A listing alone confirms nothing."""
        _, source, found = self.make(WEB)
        assert found.confirm_gone(WEB.id) == WEB
        assert source.asked == [WEB.id]

    def test_a_fresh_answer_is_not_asked_for_again(self):
        """Several sinks that remove the same workload ask once."""
        clock, source, found = self.make()
        assert found.confirm_gone("x") is None
        clock.advance(FRESH)
        assert found.confirm_gone("x") is None
        assert source.asked == ["x"]
        clock.advance(0.1)
        found.confirm_gone("x")
        assert source.asked == ["x", "x"]

    def test_a_stopped_workload_is_an_answer(self):
        """That it was found stopped is remembered too."""
        stopped = exited(WEB)
        _, source, found = self.make(stopped)
        assert found.confirm_gone(WEB.id) == stopped
        assert found.confirm_gone(WEB.id) == stopped
        assert source.asked == [WEB.id]

    def test_that_it_runs_is_never_an_old_answer(self):
        """Only being gone is remembered."""
        _, source, found = self.make(WEB)
        found.confirm_gone(WEB.id)
        source.clear()
        assert found.confirm_gone(WEB.id) is None

    def test_a_listing_that_shows_it_overrules_an_older_answer(self):
        """A workload that was stopped and listed as running since is asked for anew."""
        _, source, found = self.make(exited(WEB))
        found.confirm_gone(WEB.id)
        source.put(WEB)
        found.relist()
        assert found.confirm_gone(WEB.id) == WEB

    def test_old_answers_are_forgotten(self):
        """Answers about workloads that come and go do not pile up."""
        clock, _, found = self.make()
        for number in range(100):
            found.confirm_gone(f"x{number}")
        clock.advance(FRESH + 1)
        found.relist()
        assert not found._gone

    def test_an_error_is_raised(self):
        """No answer is not a yes."""
        _, source, found = self.make()
        source.failure = TemporaryError("down")
        with pytest.raises(TemporaryError):
            found.confirm_gone("x")


def test_an_older_answer_that_comes_later_does_not_count():
    """Who asked before a start, and hears of the end only after it, changes nothing."""
    source, clock = FakeSource(WEB), ManualClock()
    found = tracker(source, clock=clock)
    found.relist()
    source.put(exited(WEB))
    found.refresh(WEB.id)
    clock.advance(2 * FRESH)
    answered, go_on, answer = threading.Event(), threading.Event(), source.workload

    def slow(id_):
        said = answer(id_)
        if threading.current_thread() is not threading.main_thread():
            answered.set()
            assert go_on.wait(30)
        return said

    source.workload = slow
    asking = threading.Thread(target=found.confirm_gone, args=(WEB.id,))
    asking.start()
    assert answered.wait(30)
    source.put(WEB)
    assert found.refresh(WEB.id)
    go_on.set()
    asking.join(30)
    assert found.snapshot().workloads[WEB.id].workload == WEB
    assert found.confirm_gone(WEB.id) == WEB


@pytest.mark.parametrize("told", [lambda it: it.refresh(WEB.id), lambda it: it.relist()])
def test_what_a_confirmation_learned_is_told_once(told):
    """One sink's question found the news; the event after it wakes all sinks nevertheless."""
    source = FakeSource(exited(WEB))
    found = tracker(source)
    found.relist()
    source.put(WEB)
    assert found.confirm_gone(WEB.id) == WEB
    assert told(found)
    assert not told(found)


def test_what_is_asked_for_by_name_is_kept_by_id():
    """Else it would stay under its name after its end."""
    source = FakeSource(WEB)
    found = tracker(source)
    answer = source.workload
    source.workload = lambda id_: answer(WEB.id if id_ == WEB.name else id_)
    assert found.confirm_gone(WEB.name) == WEB
    assert set(found.snapshot().workloads) == {WEB.id}


def test_problems_are_told_when_they_change():
    """Each problem once, and its end once."""
    heard, source = Heard(), FakeSource(attrs.evolve(WEB, offers=None))
    said = [("bad port",)]
    parsers = (("p", lambda w, ports: Parsed(problems=said[0])),)
    found = tracker(source, emit=heard, parsers=parsers)
    found.relist()
    found.relist()
    source.change(WEB.id, image="other")
    found.relist()
    said[0] = ()
    source.change(WEB.id, image="third")
    found.relist()
    assert [e.problems for e in heard.of(ProblemsFound)] == [("bad port",), ()]


def test_a_workload_that_cannot_be_translated_is_unclear():
    """A parser that fails costs no registration."""

    def broken(workload, ports):
        raise RuntimeError("bug")

    found = tracker(FakeSource(attrs.evolve(WEB, offers=None)), parsers=(("p", broken),))
    found.relist()
    assert found.snapshot().why_unclear(WEB.id)


def test_listing_and_asking_at_once_loses_nothing():
    """Questions from several threads beside listings leave the tracker whole."""
    source = FakeSource(*(workload(f"w{n}") for n in range(20)))
    found = tracker(source)
    errors = []

    def ask(number):
        try:
            for _ in range(50):
                found.ask(f"w{number}-1")
                found.snapshot()
        except Exception as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(50):
        found.relist()
    for thread in threads:
        thread.join(30)
    assert not errors
    assert len(found.snapshot().workloads) == 20


def test_snapshots_of_named_sources():
    """A sink that names its sources sees only these, in its order."""
    desired = Desired({name: tracker(FakeSource(), name=name) for name in ("a", "b", "c")})
    assert [s.name for s in desired.snapshots()] == ["a", "b", "c"]
    assert [s.name for s in desired.snapshots(("c", "a"))] == ["c", "a"]
    desired.trackers["b"].source.put(WEB)
    assert desired.confirm_gone("b", WEB.id) == WEB


class TestTakingOver:
    """Beginning with what another tracker knew."""

    def test_it_is_known_and_in_doubt(self):
        """Who is ours and what ran, until the source itself has listed."""
        former, found = tracker(FakeSource(WEB)), tracker(FakeSource(WEB))
        former.relist()
        found.take_over(former)
        snapshot = found.snapshot()
        assert (snapshot.scopes, ids(snapshot)) == ({SCOPE}, {"h:web:80"})
        assert snapshot.doubt == "it has not listed completely yet"
        assert found.relist(), "the end of doubt is a change"
        assert found.snapshot().doubt == ""

    def test_it_is_read_by_the_rules_of_now(self):
        """And problems are told again only if they are others."""
        heard = Heard()
        former, found = tracker(FakeSource(WEB)), tracker(FakeSource(WEB), emit=heard)
        former.relist()
        old = former.snapshot().workloads[WEB.id]
        found._translator = Excluding()
        found.take_over(former)
        assert ids(found.snapshot()) == set()
        assert heard.of(ProblemsFound) == [
            ProblemsFound(source="docker", workload="web", problems=("not here",))
        ]
        assert former.snapshot().workloads[WEB.id] is old

    def test_a_source_that_fails_at_it(self):
        """Costs nothing of what is known, so that it is renewed all the same."""
        former, found = tracker(FakeSource(WEB)), tracker(FakeSource(WEB))
        former.relist()
        found.source.take_over = lambda former: 1 / 0
        with pytest.raises(ZeroDivisionError):
            found.take_over(former)
        assert (found.snapshot().scopes, ids(found.snapshot())) == ({SCOPE}, {"h:web:80"})

    def test_the_identity_goes_along(self):
        """Also what it was before, so that nothing of it counts as another engine's."""
        source = FakeSource(WEB, identity="first")
        former = tracker(source)
        former.relist()
        source.own_identity = "second"
        former.relist()
        found = tracker(FakeSource(WEB), former_identities=("old",))
        found.take_over(former)
        snapshot = found.snapshot()
        assert snapshot.identity == "second"
        assert snapshot.identities == {"first", "second", "old"}

    def test_the_source_is_told_first(self):
        """It takes over what no listing tells."""
        told = []
        source, before = FakeSource(WEB), FakeSource(WEB)
        source.take_over = lambda former: told.append((former, found.snapshot().scopes))
        found = tracker(source)
        found.take_over(tracker(before))
        assert told == [(before, frozenset())]


class Excluding:
    """A translator by whose rules nothing is offered."""

    def translate(self, workload, peer, host):
        """Nothing, and why."""
        return Translated(problems=("not here",))
