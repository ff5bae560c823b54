"""The planner: every rule for what is written, kept and removed."""

import attrs
import pytest
from fakes import held, instance, skips, wanted, workload
from hypothesis import given, settings
from hypothesis import strategies as st

from syncer import Deregister, Reason, Register, Registration, State, Update, View
from syncer.api.keys import Claim
from syncer.desired.snapshot import Snapshot, TrackedWorkload
from syncer.plan.brakes import POLICIES, Context, apply_policy
from syncer.plan.planner import Facts, make_plan
from syncer.plan.wanted import Adjusted, Rejected

ID = "h:web:80"
#: What `held()` and `wanted()` are of.
CLAIM = Claim(ID, "docker", "web-1")


def source(name, present, *, doubt="", unclear=()):
    """What a source knows: of each workload in `present`, whether it offers services."""
    workloads = {
        id_: TrackedWorkload(
            workload=workload(id=id_, state=State.RUNNING if offers else State.EXITED)
        )
        for id_, offers in present.items()
    }
    return Snapshot(
        name=name,
        scopes=frozenset({"h", "old-h"}),
        identity="me",
        identities=frozenset({"me", "old-me"}),
        doubt=doubt,
        workloads=workloads,
        unclear=frozenset(unclear),
    )


def facts(*, present=None, doubt="", unclear=(), owner="syncer", **sources):
    """What we know: the source `docker` of scope `h`, and others by name."""
    docker = source(
        "docker", {"web-1": True} if present is None else present, doubt=doubt, unclear=unclear
    )
    return Facts(owner=owner, sources={"docker": docker, **sources})


def summary(plan):
    """The plan as `{id: what becomes of it}`."""
    found = {}
    for change in plan.changes:
        name = type(change).__name__
        found[change.id] = change.reason if isinstance(change, Deregister) else name
    for skip in plan.skipped:
        assert skip.reason, f"the skip {skip.kind} of {skip.id} gives no reason"
        found.setdefault(skip.id, skip.kind)
    return found


SAME = wanted().mark.digest
AB = ("a", "b")
GIVEN = attrs.evolve(wanted(), given_id=True)
STOPPED = {"web-1": False}

#: An entry of another engine with our name.
NAMESAKES = held(workload="gone", identity="twin")

#: What the case shows, what is wanted, what is held, what is known, what becomes of the id.
CASES = [
    ("wanted and not held: register", [wanted()], [], {}, "Register"),
    ("wanted and equal: nothing", [wanted()], [held()], {}, None),
    ("other content: update", [wanted(port=81)], [held()], {}, "Update"),
    ("other content, same mark", [wanted()], [held(tags=("x",), digest=SAME)], {}, "Update"),
    ("another workload of the same id", [wanted(of="web-2")], [held()], {}, "Update"),
    ("another digest (say, checks)", [wanted()], [held(digest="f" * 32)], {}, "Update"),
    ("a mark of a former scope", [wanted()], [held(scope="old-h")], {}, "Update"),
    ("damaged: update", [wanted()], [held(damaged="check web is gone")], {}, "Update"),
    ("another order of tags", [wanted(tags=AB)], [held(tags=AB[::-1])], {}, None),
    ("wanted, held without a mark", [wanted()], [held(unmarked=True)], {}, "conflict"),
    ("wanted, held by another owner", [wanted()], [held(owner="other")], {}, "conflict"),
    ("wanted, held by another scope", [GIVEN], [held(scope="other")], {}, "conflict"),
    ("another's label has our own id", [wanted()], [held(scope="other")], {}, "Update"),
    ("workload absent", [], [held(workload="gone")], {}, Reason.WORKLOAD_GONE),
    ("workload offers nothing", [], [held()], {"present": STOPPED}, Reason.WORKLOAD_GONE),
    ("workload there, id not offered any more", [], [held()], {}, Reason.NOT_OFFERED),
    ("workload unclear", [], [held()], {"unclear": ["web-1"]}, "unclear"),
    ("unclear from the start", [], [held()], {"unclear": ["web-1"], "present": {}}, "unclear"),
    ("source in doubt", [], [held()], {"doubt": "it has not listed"}, "doubt"),
    ("in doubt and absent", [], [held(workload="gone")], {"doubt": "no answer"}, "doubt"),
    ("foreign, not wanted: no owner", [], [held(unmarked=True)], {}, None),
    ("foreign, not wanted: other owner", [], [held(owner="other")], {}, None),
    ("foreign, not wanted: other scope", [], [held(scope="other")], {}, None),
    ("foreign: another owner's stray", [], [held(owner="other", source="x")], {}, None),
    ("of a source not configured here", [], [held(source="mesos")], {}, "stray"),
    ("wanted, held by a namesake", [wanted()], [held(identity="twin")], {}, "conflict"),
    ("of a namesake, with a workload of ours", [], [held(identity="twin")], {}, "namesake"),
    ("of a namesake, with a workload of its own", [], [NAMESAKES], {}, "namesake"),
    ("of a namesake, while in doubt", [], [NAMESAKES], {"doubt": "no answer"}, "namesake"),
    ("of a namesake's other source", [], [held(source="mesos", identity="twin")], {}, "namesake"),
    ("of another owner's engine", [], [held(owner="other", identity="twin")], {}, None),
    ("of an engine with another name", [], [held(scope="other", identity="twin")], {}, None),
    ("of our own identity", [], [held(workload="gone", identity="me")], {}, Reason.WORKLOAD_GONE),
    ("of a former one", [], [held(workload="gone", identity="old-me")], {}, Reason.WORKLOAD_GONE),
    ("a former one's, wanted", [wanted()], [held(identity="old-me")], {}, "Update"),
    ("a stray of our own identity", [], [held(source="mesos", identity="me")], {}, "stray"),
    ("of a source and scope not here", [], [held(source="mesos", scope="other")], {}, None),
]


@pytest.mark.parametrize(
    ("aim", "have", "known", "expected"),
    [case[1:] for case in CASES],
    ids=[case[0] for case in CASES],
)
def test_a_rule_of_the_planner(aim, have, known, expected):
    """What becomes of an id follows from what is wanted, what is held and what is known."""
    plan = make_plan(Adjusted(wanted=aim), View(have), facts(**known))
    assert summary(plan) == ({} if expected is None else {ID: expected})


def test_an_update_carries_what_is_held_and_what_is_wanted():
    """An update hands the sink both sides, so that it can compare and set."""
    old = held(version="7")
    plan = make_plan(Adjusted(wanted=[wanted(port=81)]), View([old]), facts())
    assert plan.changes == (Update(old, wanted(port=81).registration),)
    assert plan.changes[0].old.version == "7"


def test_what_is_compared_is_what_a_listing_shows():
    """An instance that the registry shows in another form than it was written is unchanged."""
    want = attrs.evolve(wanted(weight=5), listed=instance(weight=None))
    have = Registration(instance=instance(), mark=want.mark)
    assert make_plan(Adjusted(wanted=[want]), View([have]), facts()).changes == ()


def test_counts_tell_ours_from_foreign():
    """`unchanged`, `ours` and `foreign` count each registration once."""
    have = [
        held(),
        held("h:b:80", workload="gone"),
        held("h:c:80", unmarked=True),
        held("h:d:80", source="mesos"),
        held("h:e:80", owner="other"),
    ]
    plan = make_plan(Adjusted(wanted=[wanted()]), View(have), facts())
    assert (plan.unchanged, plan.ours, plan.foreign) == (1, 2, 3)


def test_registers_and_updates_stand_before_removals():
    """Whatever is written comes ahead of whatever goes."""
    aim = Adjusted(wanted=[wanted("h:new:80"), wanted(port=81)])
    plan = make_plan(aim, View([held("h:old:80"), held()]), facts())
    assert [type(change) for change in plan.changes] == [Register, Update, Deregister]


class TestIncompleteListing:
    """A sink that cannot show everything."""

    def test_it_removes_nothing(self):
        """What is shown and not wanted stays: the listing is no ground to remove on."""
        plan = make_plan(Adjusted(), View([held(workload="gone")], complete=False), facts())
        assert summary(plan) == {ID: "incomplete"}

    def test_what_it_shows_is_updated(self):
        """What is shown can be judged."""
        plan = make_plan(
            Adjusted(wanted=[wanted(port=81)]), View([held()], complete=False), facts()
        )
        assert summary(plan) == {ID: "Update"}

    def test_what_was_written_is_only_hidden(self):
        """An id that this process wrote is there, though it is not shown."""
        plan = make_plan(Adjusted(wanted=[wanted()]), View([], complete=False), facts(), {ID})
        assert summary(plan) == {ID: "hidden"}

    def test_what_was_written_and_would_be_shown_is_gone(self):
        """The registry hides others' entries alone: what it does not show of ours, it has lost."""
        view = View([], complete=False, hides_own=False)
        plan = make_plan(Adjusted(wanted=[wanted()]), view, facts(), {ID})
        assert summary(plan) == {ID: "Register"}

    def test_what_was_not_written_is_added(self):
        """An id that this process never wrote may be new."""
        plan = make_plan(Adjusted(wanted=[wanted()]), View([], complete=False), facts(), {"other"})
        assert summary(plan) == {ID: "Register"}

    def test_a_complete_listing_shows_what_was_lost(self):
        """What was written and a complete listing does not show is gone: it is written again."""
        assert summary(make_plan(Adjusted(wanted=[wanted()]), View([]), facts(), {ID})) == {
            ID: "Register"
        }

    def test_an_unclear_id_is_not_written_over(self):
        """The registry holds the id and cannot describe it: nothing is written there."""
        plan = make_plan(Adjusted(wanted=[wanted()]), View([], unclear={ID}), facts())
        assert summary(plan) == {ID: "unclear"}


class TestRejectedAndWithheld:
    """What a sink cannot hold, and what it does not list in this status."""

    def test_withheld_goes(self):
        """An instance that is not listed in its status is removed, with that reason."""
        plan = make_plan(Adjusted(withheld={CLAIM: ("10.0.0.1", 80)}), View([held()]), facts())
        assert summary(plan) == {ID: Reason.WITHHELD}

    def test_withheld_and_not_held_is_no_change(self):
        """There is nothing to do for what neither stands there nor should."""
        assert (
            summary(make_plan(Adjusted(withheld={CLAIM: ("10.0.0.1", 80)}), View([]), facts()))
            == {}
        )

    def test_rejected_keeps_what_is_held(self):
        """What stands there in an older form stays, with the reason shown."""
        plan = make_plan(
            Adjusted(rejected={CLAIM: Rejected("name too long")}), View([held()]), facts()
        )
        assert [(s.id, s.kind, s.reason) for s in plan.skipped] == [
            (ID, "rejected", "name too long")
        ]
        assert plan.changes == ()

    def test_rejected_and_not_held_is_shown(self):
        """What cannot be registered is a skip with the sink's reason."""
        plan = make_plan(Adjusted(rejected={CLAIM: Rejected("name too long")}), View([]), facts())
        assert skips(plan) == {ID: "rejected"}

    def test_forbidden_goes_and_is_shown(self):
        """Nobody may find it there: it is removed, and then a skip says why it is missing."""
        no = Adjusted(rejected={CLAIM: Rejected("denied", forbidden=True)})
        assert summary(make_plan(no, View([held()]), facts())) == {ID: Reason.NOT_OFFERED}
        plan = make_plan(no, View([]), facts())
        assert [(s.id, s.kind, s.reason) for s in plan.skipped] == [(ID, "forbidden", "denied")]

    def test_forbidden_holds_no_id(self):
        """Another workload takes over the id of one that must not be found."""
        no = Rejected("denied", forbidden=True)
        plan = make_plan(
            Adjusted(wanted=[wanted(of="web-2")], rejected={CLAIM: no}),
            View([held()]),
            facts(present={"web-1": True, "web-2": True}),
        )
        assert summary(plan) == {ID: "Update"}

    def test_rejected_and_held_by_others_is_shown(self):
        """That somebody else holds the id does not hide that ours was refused."""
        plan = make_plan(
            Adjusted(rejected={CLAIM: Rejected("too long")}), View([held(unmarked=True)]), facts()
        )
        assert skips(plan) == {ID: "rejected"}

    def test_a_rejected_successor_keeps_no_dead_one(self):
        """A container that ended goes, though the sink cannot hold what has its id now."""
        claim = Claim(ID, "docker", "gone")
        plan = make_plan(
            Adjusted(rejected={claim: Rejected("too long")}), View([held(workload="gone")]), facts()
        )
        assert summary(plan) == {ID: Reason.WORKLOAD_GONE}

    def test_a_rejected_instance_of_a_gone_workload_goes(self):
        """Once its workload is gone nothing is rejected any more, and what stood there goes."""
        plan = make_plan(Adjusted(), View([held(workload="gone")]), facts())
        assert summary(plan) == {ID: Reason.WORKLOAD_GONE}


class TestTwoClaims:
    """Two instances with one id."""

    TWO = (wanted(of="b-1", port=1), wanted(of="a-1", port=2))

    def test_the_present_holder_keeps_the_id(self):
        """The workload named in the mark wins, whatever the order."""
        have = held(workload="b-1", port=1)
        for claims in (self.TWO, self.TWO[::-1]):
            plan = make_plan(Adjusted(wanted=claims), View([have]), facts(present={"b-1": True}))
            assert plan.changes == ()
            assert skips(plan) == {ID: "duplicate"}
            assert "b-1" in plan.skipped[0].reason

    def test_without_a_holder_the_first_by_workload_id_wins(self):
        """The choice does not depend on the order in which claims come."""
        for claims in (self.TWO, self.TWO[::-1]):
            (change,) = make_plan(Adjusted(wanted=claims), View([]), facts()).changes
            assert change.new.mark.workload == "a-1"

    def test_the_order_of_sources_comes_before_the_workload_id(self):
        """A source that is configured first wins."""
        claims = (wanted(of="z-1", order=0), wanted(of="a-1", order=1))
        (change,) = make_plan(Adjusted(wanted=claims), View([]), facts()).changes
        assert change.new.mark.workload == "z-1"

    def test_the_other_takes_over_when_the_holder_goes(self):
        """The loser's claim becomes an update, never a removal and a new registration."""
        plan = make_plan(Adjusted(wanted=[wanted(of="a-1")]), View([held(workload="b-1")]), facts())
        assert summary(plan) == {ID: "Update"}

    def test_three_claims_are_two_skips(self):
        """Every loser is told."""
        claims = (*self.TWO, wanted(of="c-1", port=3))
        plan = make_plan(Adjusted(wanted=claims), View([]), facts())
        assert (len(plan.changes), len(plan.skipped)) == (1, 2)

    def test_a_name_is_shown_rather_than_an_id(self):
        """People are told the workloads' names."""
        from syncer import Origin

        claims = [
            attrs.evolve(
                want,
                instance=attrs.evolve(
                    want.instance, origin=Origin(source="docker", workload="x", name=f"name-{n}")
                ),
            )
            for n, want in enumerate(self.TWO)
        ]
        (skip,) = make_plan(Adjusted(wanted=claims), View([]), facts()).skipped
        assert "docker:name-1 already has this id" in skip.reason
        assert "docker:name-0" in skip.reason

    def test_a_workloads_own_id_is_its_own(self):
        """Whoever's labels chose it waits, also one that has it now."""
        thief = attrs.evolve(wanted(of="a-thief", service="evil"), given_id=True)
        both = Adjusted(wanted=[thief, wanted(of="web-1")])
        runs = facts(present={"a-thief": True, "web-1": True})
        plan = make_plan(both, View([held(workload="a-thief", service="evil")]), runs)
        assert summary(plan) == {ID: "Update"}
        assert plan.changes[0].new.mark.workload == "web-1"
        (skip,) = plan.skipped
        assert "web-1 has this id as its own" in skip.reason

    def test_labels_elsewhere_do_not_block_a_workloads_own_id(self):
        """An entry to which they gave an id of this host is replaced, if it is of our owner."""
        squatted = held(scope="other", workload="x")
        ours = Adjusted(wanted=[wanted()])
        assert summary(make_plan(ours, View([squatted]), facts())) == {ID: "Update"}
        assert summary(make_plan(ours, View([held(scope="other", owner="b")]), facts())) == {
            ID: "conflict"
        }

    @pytest.mark.parametrize(
        ("id_", "given"), [("other:web:80", False), ("other:web:80", True), (ID, True)]
    )
    def test_nothing_is_taken_from_the_host_whose_id_it_is(self, id_, given):
        """Nor by labels, whatever they chose: it stays a conflict."""
        want = attrs.evolve(wanted(id_), given_id=given)
        plan = make_plan(
            Adjusted(wanted=[want]), View([held(id_, scope="other", workload="x")]), facts()
        )
        assert summary(plan) == {id_: "conflict"}

    def test_a_former_name_of_this_host_is_no_other_host(self):
        """What a source that is gone registered under it stays until somebody purges it."""
        stray = held(scope="old-h", source="mesos", workload="x")
        (conflict, skip) = make_plan(Adjusted(wanted=[wanted()]), View([stray]), facts()).skipped
        assert (conflict.kind, skip.kind) == ("conflict", "stray")

    def test_a_holder_whose_source_is_in_doubt_is_not_replaced(self):
        """Another source takes an id over only when the holder's source has said it is gone."""
        file = source("file", {"f-1": True})
        known = facts(doubt="it has not listed", file=file)
        claim = wanted(of="f-1", source="file", order=1)
        plan = make_plan(Adjusted(wanted=[claim]), View([held()]), known)
        assert summary(plan) == {ID: "doubt"}
        plan = make_plan(Adjusted(wanted=[claim]), View([held()]), facts(file=file, present={}))
        assert summary(plan) == {ID: "Update"}

    def test_a_holder_that_cannot_be_described_is_not_replaced(self):
        """What is registered for a workload that is unclear stays, whoever else wants the id."""
        claim = wanted(of="web-2", port=81)
        plan = make_plan(Adjusted(wanted=[claim]), View([held()]), facts(unclear=["web-1"]))
        assert summary(plan) == {ID: "unclear"}


class TestPolicies:
    """Which changes are allowed."""

    PLAN = make_plan(
        Adjusted(wanted=[wanted("h:new:80"), wanted(port=81)]),
        View([held("h:old:80"), held()]),
        facts(),
    )

    @pytest.mark.parametrize(
        ("policy", "left", "reasons"),
        [
            ("sync", [Register, Update, Deregister], []),
            ("upsert-only", [Register, Update], ["policy upsert-only forbids removals"]),
            (
                "create-only",
                [Register],
                ["policy create-only forbids updates", "policy create-only forbids removals"],
            ),
        ],
    )
    def test_a_policy_turns_the_rest_into_skips(self, policy, left, reasons):
        """What is forbidden is told, not forgotten."""
        plan = apply_policy(self.PLAN, Context(policy=policy))
        assert [type(change) for change in plan.changes] == left
        assert [skip.reason for skip in plan.skipped] == reasons

    def test_every_policy_lets_new_things_through(self):
        """No policy forbids to register."""
        assert all(Register in allowed for allowed in POLICIES.values())


def test_the_digest_of_a_plan_names_what_it_does():
    """Equal plans have equal digests in any order; another change gives another."""
    one = TestPolicies.PLAN
    assert one.digest() == attrs.evolve(one, changes=one.changes[::-1]).digest()
    assert one.digest() != apply_policy(one, Context(policy="create-only")).digest()


# Properties

laws = settings(deadline=None, max_examples=60)
ids = st.sampled_from([f"h:s{n}:80" for n in range(4)])
names = st.sampled_from(["w1", "w2", "w3", "w4"])
sources = st.sampled_from(["docker", "file", "mesos"])
said = st.tuples(ids, st.sampled_from(["docker", "file"]), names)


def claimed(id, port, source, of, given):
    """Something wanted, of one of the configured sources."""
    want = wanted(id, port=port, source=source, of=of, order=int(source == "file"))
    return attrs.evolve(want, given_id=given)


def registered(id, port, whose, damaged):
    """Something held, by us or by anybody else."""
    if whose is None:
        return held(id, port=port, unmarked=True, damaged=damaged)
    owner, scope, source, workload = whose
    return held(
        id, port=port, damaged=damaged, owner=owner, scope=scope, source=source, workload=workload
    )


ports = st.integers(1, 2)
claims = st.builds(claimed, ids, ports, st.sampled_from(["docker", "file"]), names, st.booleans())
registrations = st.builds(
    registered,
    ids,
    ports,
    st.none()
    | st.tuples(
        st.sampled_from(["syncer", "syncer", "other"]),
        st.sampled_from(["h", "old-h", "elsewhere"]),
        sources,
        names,
    ),
    st.sampled_from(["", "", "check gone"]),
)


@st.composite
def knowledge(draw):
    """What two sources know."""

    def knows(name):
        return source(
            name,
            draw(st.dictionaries(names, st.booleans())),
            doubt=draw(st.sampled_from(["", "", "no answer"])),
            unclear=draw(st.frozensets(names, max_size=1)),
        )

    return Facts(owner="syncer", sources={name: knows(name) for name in ("docker", "file")})


@st.composite
def views(draw):
    """A listing of a sink, each id once."""
    items = draw(st.lists(registrations, max_size=4, unique_by=lambda r: r.id))
    free = [f"h:s{n}:80" for n in range(4) if f"h:s{n}:80" not in {r.id for r in items}]
    unclear = draw(st.sets(st.sampled_from(free))) if free else ()
    return View(items, complete=draw(st.booleans()), unclear=unclear)


aims = st.builds(
    Adjusted,
    wanted=st.lists(claims, max_size=4),
    withheld=st.dictionaries(said, st.just(("10.0.0.1", 80))),
    rejected=st.dictionaries(said, st.just(Rejected("too long"))),
)


@laws
@given(aims, views(), knowledge(), st.sets(ids))
def test_planning_is_deterministic(aim, actual, known, written):
    """The same question has the same answer."""
    first = make_plan(aim, actual, known, written)
    assert make_plan(aim, actual, known, written) == first


@laws
@given(aims, views(), knowledge(), st.randoms())
def test_the_order_of_the_input_changes_no_change(aim, actual, known, rand):
    """A plan does not depend on the order in which a sink or a source lists."""
    items, claimed = list(actual.items), list(aim.wanted)
    rand.shuffle(items)
    plan = make_plan(aim, actual, known)
    other = make_plan(aim, attrs.evolve(actual, items=items), known)
    assert other.digest() == plan.digest()
    if len({(c.instance.id, c.mark.source, c.mark.workload) for c in claimed}) == len(claimed):
        rand.shuffle(claimed)
        assert make_plan(attrs.evolve(aim, wanted=claimed), actual, known).digest() == plan.digest()


@laws
@given(aims, views(), knowledge(), st.sets(ids))
def test_what_is_not_ours_is_never_changed(aim, actual, known, written):
    """No change names a registration without our mark, and no removal one that is wanted."""
    own = {want.instance.id for want in aim.wanted if not want.given_id}
    not_ours = {
        r.id
        for r in actual.items
        if known.source_of(r.mark) is None
        and not (r.id in own and r.mark and (r.mark.owner, r.mark.scope) == ("syncer", "elsewhere"))
    }
    plan = make_plan(aim, actual, known, written)
    assert not not_ours & {change.id for change in plan.changes}
    removed = {c.id for c in plan.changes if isinstance(c, Deregister)}
    assert not removed & {want.instance.id for want in aim.wanted}


@laws
@given(aims, views(), knowledge(), st.sets(ids))
def test_nothing_is_removed_on_bad_information(aim, actual, known, written):
    """A removal needs a complete listing, a source without doubt, and a workload that is clear."""
    for change in make_plan(aim, actual, known, written).changes:
        if isinstance(change, Deregister):
            assert actual.complete
            source = known.sources[change.old.mark.source]
            assert not source.doubt
            assert not source.why_unclear(change.old.mark.workload)
            there = source.offers(change.old.mark.workload)
            assert there == (change.reason is not Reason.WORKLOAD_GONE)


@laws
@given(aims, views(), knowledge(), st.sets(ids))
def test_an_id_has_one_change_at_most(aim, actual, known, written):
    """Nothing is written twice in one plan."""
    changed = [change.id for change in make_plan(aim, actual, known, written).changes]
    assert len(changed) == len(set(changed))


@laws
@given(aims, views(), knowledge())
def test_a_plan_that_was_carried_out_leaves_nothing_to_do(aim, actual, known):
    """After all changes are made the next plan is empty."""
    plan = make_plan(aim, actual, known)
    kept = {r.id: r for r in actual.items}
    for change in plan.changes:
        if isinstance(change, Deregister):
            del kept[change.id]
        else:
            kept[change.id] = change.new
    written = {change.id for change in plan.changes}
    after = make_plan(aim, attrs.evolve(actual, items=kept.values()), known, written)
    assert after.changes == ()
    assert after.unchanged == len(plan.changes) + plan.unchanged - sum(
        isinstance(change, Deregister) for change in plan.changes
    )
