"""The guard, which holds large removals, and the memory of refused changes."""

import itertools

import attrs
import pytest
from fakes import held, skips, wanted

from syncer import Deregister, Plan, Reason, Register, Update
from syncer.api.changes import digest_of
from syncer.plan import guard as brakes
from syncer.plan.brakes import SLOW_CAP, Context, Refusals
from syncer.plan.guard import PAUSE, GuardRules
from syncer.testing import ManualClock


def Guard(rules):  # noqa: N802 - stands for the class
    """The guard with a clock that goes on between two plans by as much as it wants."""
    return brakes.Guard(rules, itertools.count(0, PAUSE).__next__)


def removals(count, *, stopped=False, first=0, source="docker"):
    """So many removals, of workloads that the source says are gone."""
    return tuple(
        Deregister(held(f"h:s{n}:80", source=source), Reason.WORKLOAD_GONE, stopped=stopped)
        for n in range(first, first + count)
    )


def moves(count, **fields):
    """So many updates that change the port."""
    fields = fields or {"port": 81}
    return tuple(
        Update(held(f"h:m{n}:80"), wanted(f"h:m{n}:80", **fields).registration)
        for n in range(count)
    )


def plan(*changes, ours=20):
    return Plan(changes=changes, ours=ours)


@pytest.mark.parametrize(("mode", "waits"), [("confirm", True), ("refuse", False), ("off", False)])
def test_only_what_can_be_confirmed_waits_for_a_listing(mode, waits):
    """Nothing is listed again for a plan that no listing lets go."""
    guard = Guard(GuardRules(mode=mode))
    large = guard(plan(*removals(20)), Context(listings={"docker": 1}))
    assert guard.waits(large) is waits
    assert not guard.waits(guard(plan(*removals(2)), Context(listings={"docker": 2})))


class TestThresholds:
    """When the guard steps in: more than the share, and at least so many."""

    @pytest.mark.parametrize(
        ("changes", "ours", "left"),
        [
            (removals(9), 9, 9),
            (removals(10), 20, 0),
            (removals(10), 33, 0),
            (removals(10), 34, 10),
            (removals(30), 100, 30),
            (removals(31), 100, 0),
            (moves(31), 100, 0),
            (removals(16) + moves(15), 100, 0),
            (removals(500, stopped=True), 500, 500),
            (removals(500, stopped=True) + removals(9, first=500), 509, 509),
            (moves(100, tags=("x",)), 100, 100),
            (tuple(Register(wanted(f"n{n}").registration) for n in range(50)), 10, 50),
        ],
        ids=[
            "fewer than `least` are never held",
            "ten of twenty",
            "just over the share",
            "within the share",
            "exactly the share",
            "one more than the share",
            "moves count",
            "removals and moves count together",
            "stopped workloads do not count",
            "stopped ones beside a few others do not count",
            "updates that move nothing do not count",
            "registrations do not count",
        ],
    )
    def test_what_is_let_through(self, changes, ours, left):
        """Held is either everything risky or nothing."""
        after = Guard(GuardRules())(plan(*changes, ours=ours), Context(listings={"docker": 1}))
        assert len(after.changes) == left
        assert len(after.changes) + len(after.skipped) == len(changes)
        assert set(skips(after).values()) <= {"guard"}

    def test_what_is_not_risky_goes_on_beside_what_is_held(self):
        """Only removals and moves are held; what comes and what stopped is done."""
        harmless = (
            Register(wanted("new").registration),
            *removals(3, first=50, stopped=True),
            *moves(2, tags=("x",)),
        )
        after = Guard(GuardRules())(plan(*harmless, *removals(10)), Context(listings={"docker": 1}))
        assert after.changes == harmless

    def test_the_rules_can_be_set(self):
        """`share` and `least` are the user's."""
        rules = GuardRules(share=0.0, least=1)
        assert not Guard(rules)(plan(*removals(1), ours=1000), Context(listings={})).changes

    def test_the_reason_names_numbers(self):
        """People are told how many of how many, and what lets go."""
        (skip, *_) = Guard(GuardRules())(
            plan(*removals(10)), Context(listings={"docker": 1})
        ).skipped
        assert skip.reason == (
            "the guard holds 10 removals and moves of 20 registrations"
            " until the source lists the same again"
        )

    @pytest.mark.parametrize(
        "fields", [{"mode": "ask"}, {"share": 1.5}, {"least": 0}], ids=["mode", "share", "least"]
    )
    def test_wrong_rules_are_refused(self, fields):
        """A wrong rule names itself."""
        with pytest.raises(ValueError, match=next(iter(fields))):
            GuardRules(**fields)


class TestRelease:
    """What lets go of what is held."""

    def test_a_later_listing_that_says_the_same_releases(self):
        """In mode `confirm`, the same plan after one more complete listing is let through."""
        guard, risky = Guard(GuardRules()), plan(*removals(10))
        assert not guard(risky, Context(listings={"docker": 4})).changes
        assert not guard(risky, Context(listings={"docker": 4})).changes
        assert guard(risky, Context(listings={"docker": 5})).changes == risky.changes

    def test_a_listing_in_the_same_moment_does_not_release(self):
        """Two listings in a row, as after a broken stream, are one word; time must pass."""
        clock = ManualClock()
        guard, risky = brakes.Guard(GuardRules(), clock), plan(*removals(10))
        assert not guard(risky, Context(listings={"docker": 1})).changes
        clock.advance(PAUSE - 0.1)
        assert not guard(risky, Context(listings={"docker": 2})).changes
        clock.advance(0.1)
        assert guard(risky, Context(listings={"docker": 2})).changes == risky.changes

    def test_what_is_released_stays_released_until_it_is_done(self):
        """A removal that failed after its release is not held again."""
        guard, risky = Guard(GuardRules()), plan(*removals(20), ours=20)
        guard(risky, Context(listings={"docker": 1}))
        guard(risky, Context(listings={"docker": 2}))
        half = plan(*removals(10), ours=10)
        assert guard(half, Context(listings={"docker": 2})).changes == half.changes

    def test_what_joins_later_waits_for_its_own_listing(self):
        """A removal that a listing shows first is not released by that same listing."""
        guard = Guard(GuardRules())
        guard(plan(*removals(10)), Context(listings={"docker": 1}))
        after = guard(plan(*removals(12)), Context(listings={"docker": 2}))
        assert set(skips(after)) == {"h:s10:80", "h:s11:80"}
        assert len(guard(plan(*removals(12)), Context(listings={"docker": 3})).changes) == 12

    def test_only_the_listing_of_its_own_source_counts(self):
        """Another source's listings confirm nothing."""
        guard = Guard(GuardRules())
        risky = plan(*removals(6), *removals(6, first=6, source="file"))
        guard(risky, Context(listings={"docker": 1, "file": 1}))
        after = guard(risky, Context(listings={"docker": 9, "file": 1}))
        assert [change.old.mark.source for change in after.changes] == ["docker"] * 6

    def test_a_plan_that_shrank_is_forgotten(self):
        """After the danger has passed the next one waits anew."""
        guard, risky = Guard(GuardRules()), plan(*removals(10))
        guard(risky, Context(listings={"docker": 1}))
        guard(plan(), Context(listings={"docker": 2}))
        assert not guard(risky, Context(listings={"docker": 3})).changes

    def test_what_came_back_in_between_waits_anew(self):
        """An id that was wanted again in between is not released by the earlier listing."""
        guard = Guard(GuardRules())
        guard(plan(*removals(20), ours=30), Context(listings={"docker": 1}))
        guard(plan(*removals(19, first=1), ours=30), Context(listings={"docker": 1}))
        after = guard(plan(*removals(20), ours=30), Context(listings={"docker": 2}))
        assert set(skips(after)) == {"h:s0:80"}

    def test_refuse_holds_however_often_it_is_listed(self):
        """In mode `refuse` only a smaller plan is let through."""
        guard, risky = Guard(GuardRules(mode="refuse")), plan(*removals(10))
        for listing in range(5):
            assert not guard(risky, Context(listings={"docker": listing})).changes
        assert len(guard(plan(*removals(9)), Context(listings={"docker": 9})).changes) == 9

    def test_off_holds_nothing(self):
        """In mode `off` everything goes at once."""
        assert (
            len(Guard(GuardRules(mode="off"))(plan(*removals(10)), Context(listings={})).changes)
            == 10
        )

    def test_memory_is_bounded_by_the_plan(self):
        """Ids that are not in the present plan are not kept."""
        guard = Guard(GuardRules())
        for n in range(0, 1000, 20):
            guard(plan(*removals(20, first=n)), Context(listings={"docker": 1}))
        assert len(guard._seen) == 20


class TestLetGo:
    """A person lets go of what is held: of exactly that."""

    def held(self, count=12, mode="refuse", ours=20):
        """A guard that holds so many removals, and the plan."""
        guard, risky = Guard(GuardRules(mode=mode)), plan(*removals(count), ours=ours)
        guard(risky, Context(listings={"docker": 1}))
        return guard, risky

    @pytest.mark.parametrize("mode", ["refuse", "confirm"])
    def test_what_is_let_go_is_let_through(self, mode):
        """By the digest of what is held; whatever the listings say."""
        guard, risky = self.held(mode=mode)
        assert guard.held() == risky.changes
        assert guard.override(digest_of(guard.held())) == 12
        assert guard(risky, Context(listings={"docker": 1})).changes == risky.changes
        assert guard.held() == ()

    @pytest.mark.parametrize("count", [0, 11, 13])
    def test_another_digest_lets_nothing_go(self, count):
        """Nor does that of a part, of more, or of nothing."""
        guard, risky = self.held()
        for digest in ("", "0" * 12, digest_of(removals(count))):
            assert guard.override(digest) == 0
        assert not guard(risky, Context(listings={"docker": 1})).changes

    def test_what_joins_is_held(self):
        """What was not shown to the person waits as always."""
        guard, risky = self.held()
        guard.override(digest_of(risky.changes))
        after = guard(plan(*removals(15)), Context(listings={"docker": 1}))
        assert after.changes == risky.changes
        assert set(skips(after)) == {"h:s12:80", "h:s13:80", "h:s14:80"}

    def test_another_change_of_the_same_id_is_held(self):
        """To let a removal go is not to let a move go, nor a move to another port."""
        guard = Guard(GuardRules(mode="refuse"))
        guard(plan(*moves(12, port=81)), Context(listings={}))
        guard.override(digest_of(moves(12, port=81)))
        other = moves(3, port=82)
        mixed = plan(*other, *moves(12, port=81)[3:])
        after = guard(mixed, Context(listings={}))
        assert set(skips(after)) == {change.id for change in other}

    def test_what_fails_stays_let_go(self):
        """A removal that the registry did not take is not held when it is tried again."""
        guard, risky = self.held(count=20)
        guard.override(digest_of(risky.changes))
        guard(risky, Context(listings={"docker": 1}))
        left = plan(*removals(12), ours=12)
        assert guard(left, Context(listings={"docker": 1})).changes == left.changes

    @pytest.mark.parametrize("between", [0, 12], ids=["nothing is to go", "others are"])
    def test_it_ends_with_the_plan(self, between):
        """What was to go no longer in between is held when it is to go again."""
        guard, risky = self.held()
        guard.override(digest_of(risky.changes))
        guard(plan(*removals(between, first=50)), Context(listings={"docker": 1}))
        assert not guard(risky, Context(listings={"docker": 1})).changes

    def test_nothing_is_held_once_all_is_well(self):
        """Nobody can let go of what was held before."""
        guard, risky = self.held()
        guard(plan(), Context(listings={"docker": 2}))
        assert guard.held() == ()
        assert guard.override(digest_of(risky.changes)) == 0


class TestRefusals:
    """What was refused for good is not sent again and again."""

    CHANGE = Register(wanted().registration)

    def refused(self):
        clock = ManualClock()
        refusals = Refusals(clock)
        refusals.note(self.CHANGE, "name too long")
        return refusals, clock

    def test_the_same_content_is_held_with_the_error(self):
        """The skip says why the registry refused."""
        refusals, _ = self.refused()
        (skip,) = refusals(plan(self.CHANGE), Context()).skipped
        assert (skip.kind, skip.reason) == ("refused", "name too long")

    def test_other_content_is_tried_at_once(self):
        """A user who corrects the label need not wait."""
        refusals, _ = self.refused()
        better = Register(wanted(port=81).registration)
        assert refusals(plan(better), Context()).changes == (better,)

    def test_another_kind_of_change_is_tried_at_once(self):
        """That an instance was refused does not keep it from being removed."""
        refusals, _ = self.refused()
        removal = Deregister(held(), Reason.WORKLOAD_GONE)
        assert refusals(plan(removal), Context()).changes == (removal,)

    def test_it_is_tried_again_at_the_slow_cap(self):
        """Rights change on the other side: after a while the same is tried again."""
        refusals, clock = self.refused()
        clock.advance(SLOW_CAP - 1)
        assert not refusals(plan(self.CHANGE), Context()).changes
        clock.advance(1)
        assert refusals(plan(self.CHANGE), Context()).changes == (self.CHANGE,)

    def test_other_credentials_are_tried_at_once(self):
        """Somebody repaired the token, and watches: the refusals were those of the old one."""
        refusals, _ = self.refused()
        assert not refusals(plan(self.CHANGE), Context()).changes
        now = Context(credentials=hash("another token"))
        assert refusals(plan(self.CHANGE), now).changes == (self.CHANGE,)
        refusals.note(self.CHANGE, "still not allowed")
        assert not refusals(plan(self.CHANGE), now).changes

    def test_credentials_that_change_while_it_is_refused_count_too(self):
        """The token was replaced between the plan and the answer to it."""
        refusals, _ = self.refused()
        refusals(plan(), Context(credentials=1))
        refusals.note(self.CHANGE, "not allowed")
        assert refusals(plan(self.CHANGE), Context(credentials=2)).changes == (self.CHANGE,)

    def test_a_refused_removal_is_held_too(self):
        """A removal without the right to it is not hammered."""
        clock = ManualClock()
        refusals, removal = Refusals(clock), Deregister(held(), Reason.NOT_OFFERED)
        refusals.note(removal, "no right")
        assert not refusals(plan(removal), Context()).changes
        assert refusals(plan(Register(wanted().registration)), Context()).changes

    def test_what_is_not_planned_any_more_is_forgotten(self):
        """Nothing is kept for what nobody wants."""
        refusals, _ = self.refused()
        refusals(plan(), Context())
        assert not refusals._refused
        assert refusals(plan(self.CHANGE), Context()).changes

    def test_success_forgets(self):
        """A change that was accepted is not held later."""
        refusals, _ = self.refused()
        refusals.forget(self.CHANGE)
        refusals.forget(self.CHANGE)
        assert refusals(plan(self.CHANGE), Context()).changes

    def test_others_are_not_held(self):
        """A refusal is about one id."""
        refusals, _ = self.refused()
        other = Register(wanted("h:other:80").registration)
        assert refusals(plan(self.CHANGE, other), Context()).changes == (other,)

    def test_an_unmarked_change_counts_by_its_id(self):
        """What carries no mark has no content to compare, and goes through."""
        refusals, _ = self.refused()
        bare = Register(attrs.evolve(wanted().registration, mark=None))
        assert refusals(plan(bare), Context()).changes == (bare,)
